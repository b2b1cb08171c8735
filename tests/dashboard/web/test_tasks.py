"""The Tasks page and one task's: rows in groups, the four states, hostile names, and what each person may see."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from redis import Redis

from dashboard import snapshot as snapshots
from dashboard.api.rows import rfc3339
from dashboard.history import figures, lock_figures
from dashboard.history.rollups import Rollups
from dashboard.history.rows import SUCCEEDED, Batch, Gap
from dashboard.history.write import Writer
from dashboard.records import Minute, QueueHead, RememberedRun, ScheduleReading, Snapshot
from dashboard.records.identity import identity
from tests.dashboard.history.made import made_event, make_row
from tests.dashboard.web.pieces import VIEWER, pieces_of, rows_of
from tests.factories import NOW, ago, make_queue, make_run, make_snapshot, make_source, make_task, make_worker

pytestmark = pytest.mark.django_db  # one task's page reads the history
NAME = "reports_prepare_massive_report"
MINUTE = int(NOW.timestamp()) // 60
EVIL = "<script>alert(1)</script>\u202egnp.exe\u200b\"'&"
WORKED = RememberedRun(task_id="d" * 8, at=ago(minutes=4), worker="worker-b@web-2", runtime=timedelta(seconds=38))


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html)).strip()


def names_of(snapshot, query=None):
    return [re.search(r"<bdi[^>]*>(.*?)</bdi>", row)[1] for row in rows_of("tasks", snapshot, "tasks-rows", query) if "lh-row" in row]


def one(snapshot, name=NAME, may=VIEWER):
    return pieces_of("task", snapshot, {"id": identity(name)}, may=may)


def test_row_says_where_it_is_known_what_its_runs_do_and_when_it_last_worked():
    task = make_task(minutes=(Minute(MINUTE - 1, 10, 3, 2, 4),), median_runtime=timedelta(seconds=38), p95_runtime=timedelta(seconds=61), worked=WORKED)
    (_, row) = rows_of("tasks", make_snapshot(tasks=(task,)), "tasks-rows")
    text = text_of(row)
    assert "1 of 1" in text
    assert "2.0" in text, "ten in five minutes"
    assert "38 s · p95 1 m 1 s" in text
    assert 'datetime="2026-11-23T14:03:41.000Z" data-count="ago"' in row
    assert '<b class="lh-bad-count">2</b>' in row
    assert "<b>4</b>" in row
    assert "holds lock_report_12" in text
    assert f'href="/queues/{make_queue().id}/"' in row


def test_groups_have_totals_and_what_is_alone_is_among_the_others():
    tasks = (make_task(name="mail_a", minutes=(Minute(MINUTE, 7, 0, 2),)), make_task(name="mail_b", minutes=(Minute(MINUTE, 3),)), make_task(name="alone"))
    rows = [text_of(row) for row in rows_of("tasks", make_snapshot(tasks=tasks, workers=(), runs=(), locks=()), "tasks-rows")]
    assert rows[0] == "mail_ 2 tasks · 10 received in the last hour · 2 failed"
    assert rows[3].startswith("other 1 task")


def test_column_sorts_all_names_without_groups_and_unknown_comes_last():
    tasks = (
        make_task(name="a_1", minutes=(Minute(MINUTE, 1, 0, 5),)),
        make_task(name="b_1", minutes=(Minute(MINUTE, 1, 0, 9),)),
        make_task(name="c", counted_since=None),
    )
    snapshot = make_snapshot(tasks=tasks, workers=(), runs=(), locks=())
    assert names_of(snapshot, {"o": "-failed"}) == ["b_1", "a_1", "c"]
    assert names_of(snapshot, {"o": "failed"}) == ["a_1", "b_1", "c"]
    assert names_of(snapshot, {"o": "nonsense"}) == ["a_1", "b_1", "c"]


def test_what_is_not_counted_is_a_question_mark():
    (_, row) = rows_of("tasks", make_snapshot(tasks=(make_task(counted_since=None),)), "tasks-rows")
    cells = {name: text_of(cell) for name, cell in re.findall(r'<td role="cell" class="lh-t-(\w+)[^>]*>(.*?)</td>', row, re.DOTALL)}
    assert {cells[name] for name in ("rate", "failed", "refused")} == {"?"}


def test_list_says_in_which_time_not_all_was_counted():
    tasks = (make_task(), make_task(name="other", missed_since=ago(minutes=20), missed_until=ago(minutes=15)))
    summary = text_of(pieces_of("tasks", make_snapshot(tasks=tasks))["tasks-summary"])
    assert re.search(r"counted since \S+ UTC, but not all from \S+ UTC to \S+ UTC ·", summary), summary


def test_chips_count_and_choose():
    snapshot = make_snapshot(tasks=(make_task(), make_task(name="odd", failed_in_a_row=1)))
    assert text_of(pieces_of("tasks", snapshot)["tasks-chips"]) == "All 2 Active now 1 Failing 1 Refused 0 Unknown name 1"
    assert names_of(snapshot, {"show": "unknown"}) == ["odd"]
    assert names_of(snapshot, {"show": "active"}) == [NAME]


def test_four_states_are_said_in_words():
    assert "No task is known" in pieces_of("tasks", make_snapshot(workers=(), runs=(), locks=()))["tasks-state"]
    assert "Nothing matches the filter" in pieces_of("tasks", make_snapshot(), {"q": "zzz"})["tasks-state"]
    assert "Not known" in pieces_of("tasks", Snapshot())["tasks-state"]
    away = make_source("workers", ok=False, since=ago(seconds=95), last_good_at=ago(seconds=96), reason="Connection refused")
    pieces = pieces_of("tasks", make_snapshot(sources=(away,)))
    assert "workers is unavailable" in pieces["tasks-state"]
    assert "but workers cannot be read" in pieces["tasks-summary"]


def test_page_says_since_when_it_counts_and_what_is_not_seen_from_outside():
    outside = make_source("app", mode="outside")
    summary = pieces_of("tasks", make_snapshot(tasks=(make_task(),), sources=(outside,)))["tasks-summary"]
    assert "counted since 12:07:41 UTC" in text_of(summary)
    assert "names in the senders' router are not seen from outside" in text_of(summary)
    assert "router" not in pieces_of("tasks", make_snapshot(sources=(make_source("app", mode="inside"),)))["tasks-summary"]


def test_two_thousand_names_are_cut_and_counted():
    tasks = tuple(make_task(name=f"group{number % 40}_task{number}") for number in range(2000))
    pieces = pieces_of("tasks", make_snapshot(tasks=tasks, workers=(), runs=(), locks=()))
    assert sum('class="lh-row' in html for html in pieces.values()) == 500
    assert "The first 500 of 2,000" in pieces["tasks-state"]
    assert "All <b>2000</b>" in re.sub(r"\s+", " ", pieces["tasks-chips"])


@pytest.mark.parametrize("name", ["tasks", "task"])
def test_each_piece_has_one_root_with_its_id(name):
    snapshot = make_snapshot(tasks=(make_task(worked=WORKED, failed=WORKED, refused=WORKED),))
    for key, html in pieces_of(name, snapshot, {"id": identity(NAME)}).items():
        assert re.match(rf'<\w+ id="{key}"', html), key


def test_hostile_names_are_text_and_what_they_hide_is_spelled_out():
    run = make_run(task_id=EVIL, name=EVIL, worker=EVIL, queue=EVIL, error=EVIL, outcome="FAILURE", ended_at=ago(seconds=4))
    told = RememberedRun(task_id=EVIL, at=ago(minutes=1), worker=EVIL, error=EVIL, lock=EVIL)
    schedule = ScheduleReading(id="s" * 16, name=EVIL, source="beat_schedule", task=EVIL, schedule=EVIL)
    task = make_task(name=EVIL, queues=(EVIL,), origins=(EVIL,), worked=told, failed=told, refused=told, failed_in_a_row=5, refused_in_a_row=5)
    worker = make_worker(name=EVIL, tasks=(EVIL + "x",), queues=(EVIL,))
    queue = make_queue(name=EVIL, ready=1, consumers=(EVIL,), heads=(QueueHead(priority="0", mark="x", task_name=EVIL),))
    snapshot = make_snapshot(tasks=(task,), runs=(run,), workers=(worker,), queues=(queue,), schedules=(schedule,))
    html = "".join([*pieces_of("tasks", snapshot).values(), *one(snapshot, EVIL).values(), *pieces_of("overview", snapshot).values()])
    assert "<script>alert" not in html
    assert "\u202e" not in html
    assert "\u200b" not in html
    assert "\\u202egnp.exe" in html


def test_name_of_a_megabyte_is_shown_cut():
    name = "x" * 1_000_000
    html = "".join(one(make_snapshot(tasks=(make_task(name=name),), workers=(), runs=(), locks=()), name).values())
    html += "".join(rows_of("tasks", make_snapshot(tasks=(make_task(name=name),), workers=(), runs=(), locks=()), "tasks-rows"))
    assert len(html) < 40_000


def test_one_task_names_what_was_probably_meant_with_links():
    snapshot = make_snapshot(tasks=(make_task(name="reports_prepare_massive_reprot"),))
    head = one(snapshot, "reports_prepare_massive_reprot")["task-head"]
    assert "No worker knows this name: the only one that lives was asked." in text_of(head)
    assert f'Did you mean <a href="/tasks/{identity(NAME)}/">' in head


def test_one_task_shows_workers_queues_locks_schedules_and_runs():
    stranger = make_worker(name="worker-a@web-1", pid=5, tasks=("other",), queues=("reports",), active=())
    schedule = ScheduleReading(id="s" * 16, name="nightly report", source="beat_schedule", task=NAME, schedule="every 5 s")
    queue = make_queue(ready=7, consumers=("worker-a@web-1", "worker-b@web-2"))
    refused = make_run(task_id="f" * 36, outcome="SUCCESS", ended_at=ago(seconds=9), refused_by="lock_report_12", refused_lock_id="e" * 16)
    snapshot = make_snapshot(
        tasks=(make_task(worked=WORKED),), workers=(make_worker(), stranger), queues=(queue,), schedules=(schedule,), runs=(make_run(), refused)
    )
    pieces = one(snapshot)
    assert re.search(r"worker-b@web-2 ?✓ registered", text_of(pieces["task-workers"]))
    assert re.search(r"worker-a@web-1 ?✕ does not know it", text_of(pieces["task-workers"]))
    assert "worker-a@web-1 does not know it, worker-b@web-2" in text_of(pieces["task-queues"])
    assert re.search(r"lock_report_12 ?held ?by its own run", text_of(pieces["task-queues"]))
    assert "nightly report" in pieces["task-schedules"]
    assert "refused" in text_of(pieces["task-runs"])
    assert "took 38 s" in text_of(pieces["task-facts"])
    assert "LLEN reports" in pieces["task-proof"]


def test_line_for_the_incident_channel_says_what_is_wrong_and_when_it_last_worked():
    task = make_task(worked=WORKED, minutes=(Minute(MINUTE, 5, 1, 3, 1),), failed=WORKED, failed_in_a_row=3)
    head = one(make_snapshot(tasks=(task,), runs=()))["task-head"]
    (line,) = re.findall(r'data-copy="([^"]+)"', head)
    assert line.startswith(f"{NAME}: its last 3 runs failed")
    assert "5 received, 1 succeeded, 3 failed, 1 refused; last worked at 14:03:41 UTC" in line


def test_worker_that_sends_no_events_is_named_where_counts_are_missing():
    facts = one(make_snapshot(tasks=(make_task(),), workers=(make_worker(sends_events=False),)))["task-facts"]
    assert "worker-b@web-2 sends no events of tasks: start it with -E." in text_of(facts)


def test_secrets_in_errors_are_hidden():
    failed = RememberedRun(task_id="x", at=ago(seconds=3), error="LoginFailed('password=hunter2-hunter2')")
    snapshot = make_snapshot(tasks=(make_task(failed=failed),))
    assert "hunter2" not in "".join(one(snapshot).values())
    assert "hunter2" in "".join(one(snapshot, may=VIEWER | {"lockhouse.view_unredacted"}).values())


def test_task_that_is_no_longer_known_says_so():
    assert "no longer known" in pieces_of("task", make_snapshot(), {"id": "0" * 16})["task-head"]


def test_overview_says_that_no_worker_knows_what_was_sent():
    snapshot = make_snapshot(tasks=(make_task(name="reports_prepare_massive_reprot"),))
    (row,) = [html for html in rows_of("overview", snapshot, "attention-rows") if "unknown-task" in html]
    assert "reports_prepare_massive_reprot was sent, and no worker knows a task of this name" in text_of(row)
    assert f"did you mean {NAME}?" in text_of(row)
    assert f'href="/tasks/{identity("reports_prepare_massive_reprot")}/"' in row
    nav = pieces_of("tasks", snapshot)["lh-nav"]
    assert re.search(r'data-page="tasks" aria-current="page">Tasks <span class="lh-count">2</span> <span class="lh-alarm">1', nav)


@pytest.fixture
def shown(watching, db):
    """A snapshot of this moment is stored, and somebody who may look is logged in."""
    known = make_snapshot(at=datetime.now(UTC), tasks=(make_task(),))
    versions = dict.fromkeys(snapshots.SECTIONS, int(datetime.now(UTC).timestamp() * 1000))
    snapshots.put(Redis.from_url(f"{watching}/2"), known, versions, set(snapshots.SECTIONS), epoch=1)
    user = User.objects.create_user("ann")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="lockhouse", codename="view_locks"))
    made = Client()
    made.force_login(user)
    return made


def test_pages_are_there_and_a_name_that_nobody_knows_is_a_sentence_with_404(shown):
    assert NAME in shown.get("/tasks/").content.decode()
    assert NAME in shown.get(f"/tasks/{identity(NAME)}/").content.decode()
    for unknown in ("abc", "%3Cscript%3E", "0" * 16):
        response = shown.get(f"/tasks/{unknown}/")
        assert response.status_code == 404
        assert "No task with this id is known" in response.content.decode()


def test_filter_answers_htmx_with_the_live_part_alone(shown):
    html = shown.get("/tasks/?q=zzz", headers={"HX-Request": "true"}).content.decode()
    assert "Nothing matches the filter" in html
    assert "<h1" not in html


def test_nobody_gets_in_without_the_permission(shown):
    assert Client().get("/tasks/").status_code == 302
    assert shown.post("/tasks/").status_code == 405


def test_a_tasks_page_tells_of_a_day_and_of_the_last_run_that_worked_though_all_is_forgotten_elsewhere():
    figures.forget()
    writer, rollups, at = Writer("test:1"), Rollups(), int(ago(hours=3).timestamp() * 1e6)
    writer.claim(at)
    for number in range(100):
        rollups.add(at, (NAME, "w", "q"), SUCCEEDED, 0, (number + 1) * 10_000)
    rows = [make_row(1, id=at * 256, task=NAME, outcome=SUCCEEDED, ended_us=at, heard_us=at, task_id="the-last-one")]
    writer.write(Batch(rows=rows, minutes=rollups.take(at)), at)

    facts = pieces_of("task", make_snapshot(tasks=(make_task(worked=None),), runs=()), {"id": identity(NAME)})["task-facts"]

    assert "100 succeeded" in text_of(facts) and re.search(r"p99 9[89]\d ms", text_of(facts))
    assert f"/runs/{identity('the-last-one')}/" in facts


def test_a_tasks_page_and_the_api_tell_how_often_its_runs_had_and_lost_locks(shown):
    lock_figures.forget()
    at = int((datetime.now(UTC) - timedelta(minutes=10)).timestamp() * 1e6)
    writer = Writer("test:1")
    writer.claim(at)
    whats = ["acquired"] * 3 + ["refused"] * 2 + ["lost", "released", "waiting"]
    writer.write(Batch(locks=[made_event(number, what, us=at, task=NAME) for number, what in enumerate(whats)] + [made_event(99, us=at, task="another")]), at)

    facts = pieces_of("task", make_snapshot(at=datetime.now(UTC), tasks=(make_task(),), runs=()), {"id": identity(NAME)}, now=datetime.now(UTC))["task-facts"]
    minutes = shown.get(f"/api/v1/tasks/{identity(NAME)}/locks").json()["minutes"]

    assert "3 acquired2 refused · 1 lostlast minute 0 acquired · 0 refused · 0 lost" in text_of(facts)
    assert [len(re.findall("<polyline", part)) for part in re.findall(r'<g class="lh-line-\w+">(.*?)</g>', facts)] == [1, 1, 1]
    assert [sum(one[name] for one in minutes) for name in ("acquired", "refused", "lost")] == [3, 2, 1]
    assert shown.get("/api/v1/tasks/0000/locks").status_code == 404


def test_minutes_of_which_nothing_is_known_are_no_minutes_without_locks(shown):
    lock_figures.forget()
    now = datetime.now(UTC)
    at, until = (int((now - timedelta(minutes=minutes)).timestamp() * 1e6) for minutes in (40, 1))
    writer = Writer("test:1")
    writer.claim(at)
    gaps = [Gap(from_us=at + 600_000_000, to_us=at + 900_000_000, why="no-observer"), Gap(from_us=until, to_us=until + 50_000_000, why="cut")]
    writer.write(Batch(locks=[made_event(1, us=at + 300_000_000, task=NAME)], gaps=gaps), at)

    facts = pieces_of("task", make_snapshot(at=now, tasks=(make_task(),), runs=()), {"id": identity(NAME)}, now=now)["task-facts"]
    missing = shown.get(f"/api/v1/tasks/{identity(NAME)}/locks").json()["missing"]

    acquired = re.search(r'<g class="lh-line-acquired">(.*?)</g>', facts)[1]
    assert len(re.findall("<polyline", acquired)) == 2 and 'points="0.0,' not in acquired, "a stretch before the gap, and one after it; none before all"
    assert "last minute not known" in text_of(facts)
    assert len(missing) == 3 and missing[0]["to"] == rfc3339(datetime.fromtimestamp(at / 1e6, UTC))
