"""Runs of the snapshot and of the history as one list: everything once, the newer word of the two, and no page that counts."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from time import time

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from dashboard.history import names_read
from dashboard.history.rows import FAILED, SUCCEEDED, US, Batch, Gap
from dashboard.history.write import Writer
from dashboard.models import TaskRun
from dashboard.records import Observer
from dashboard.records.identity import identity
from tests.dashboard.api.test_locks import bearer
from tests.dashboard.api.test_queues import put
from tests.dashboard.commands.test_locks import run
from tests.dashboard.history.made import BASE_US, made_event, make_row
from tests.factories import make_run

__all__ = ["put"]
pytestmark = pytest.mark.django_db
ACTIVE, ENDED = "live-active", "live-ended"


@pytest.fixture
def known(put):
    """Thirty runs of the history; of the last two the snapshot knows more, and of two others it alone knows."""
    names_read.forget()
    writer = Writer("test:1")
    writer.claim(BASE_US)
    rows = [make_row(number, outcome=FAILED if number % 10 == 0 else SUCCEEDED, ended_us=BASE_US + number * 1000 + 1) for number in range(28)]
    rows += [make_row(28), make_row(29)]
    writer.write(Batch(rows=rows, gaps=[Gap(from_us=BASE_US, to_us=BASE_US + 5_000_000, why="no-observer")]), BASE_US)
    put(
        runs=(
            make_run(task_id="run-28", name="reports", row=rows[28][0]),
            make_run(task_id="run-29", name="reports", row=rows[29][0], outcome="FAILURE", error="boom", ended_at=make_run().started_at),
            make_run(task_id=ACTIVE, name="reports"),
            make_run(task_id=ENDED, name="reports", outcome="SUCCESS", ended_at=make_run().started_at),
        )
    )
    yield writer
    names_read.forget()


def listed(user, query="", limit=7):
    """The task ids of all pages, and their states."""
    client, found, cursor = Client(headers=bearer(user)), [], ""
    while cursor is not None:
        answer = client.get(f"/api/v1/runs?limit={limit}&q={query}{'&cursor=' + cursor if cursor else ''}").json()
        assert len(answer["runs"]) <= limit
        found += [(row["task_id"], row["state"]) for row in answer["runs"]]
        cursor = answer["next_cursor"]
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 32, 100])
def test_every_run_is_listed_once_whatever_the_pages(known, viewer, limit):
    found = listed(viewer, limit=limit)

    assert [state for _id, state in found[:2]] == ["active", "active"]
    assert found[2:4] == [(ENDED, "succeeded"), ("run-29", "failed")]
    assert [task_id for task_id, _state in found[4:]] == [f"run-{number}" for number in reversed(range(28))]


def test_a_filter_reaches_into_the_history(known, viewer):
    assert {task_id for task_id, _state in listed(viewer, "state:failed")} == {"run-29", "run-20", "run-10", "run-0"}
    assert [task_id for task_id, _state in listed(viewer, "id:run-17")] == ["run-17"]
    assert {task_id for task_id, _state in listed(viewer, "state:active task:reports")} == {ACTIVE, "run-28"}


WHOLE = "283393be-0000-4000-8000-000000000001"


@pytest.mark.parametrize("query", ["283393be", "id:283393be"])
def test_part_of_an_id_that_finds_nothing_is_said_to_be_no_way_to_the_history(known, viewer, operator, capsys, query):
    known.write(Batch(rows=[make_row(50, task_id=WHOLE)]), BASE_US)
    client = Client()
    client.force_login(operator)

    answer = Client(headers=bearer(viewer)).get(f"/api/v1/runs?q={query}").json()
    page = client.get(f"/runs/?q={query}").content.decode()
    status, out, _err = run(capsys, "runs", "--q", query)

    said = "A run that ended more than 5 minutes ago is found by its whole id only"
    assert (answer["runs"], status) == ([], 0)
    assert all(said in text for text in (answer["note"], page, out))


@pytest.mark.parametrize("query", [WHOLE, f"id:{WHOLE}", identity(WHOLE), f"id:{identity(WHOLE)}"])
def test_whole_id_and_the_id_in_addresses_find_a_run_of_the_history(known, viewer, query):
    known.write(Batch(rows=[make_row(50, task_id=WHOLE)]), BASE_US)

    answer = Client(headers=bearer(viewer)).get(f"/api/v1/runs?q={query}").json()

    assert ([row["task_id"] for row in answer["runs"]], answer["note"]) == ([WHOLE], None)


def test_filter_that_finds_nothing_by_another_word_says_nothing_of_ids(known, viewer):
    assert Client(headers=bearer(viewer)).get("/api/v1/runs?q=nosuch").json()["note"] is None


@pytest.mark.parametrize("query", [ACTIVE, identity(ACTIVE), f"id:{identity(ACTIVE)}"])
def test_run_that_goes_on_is_found_by_the_id_in_addresses(known, viewer, query):
    assert [task_id for task_id, _state in listed(viewer, query)] == [ACTIVE]


def test_runs_that_held_a_lock_are_found_and_one_that_just_ended_is_found_once(known, viewer, operator):
    """What the snapshot has of a run says nothing of a lock that it gave back, be the run ended (29) or active (28)."""
    held = [made_event(n, name="lock_a", task_id=f"run-{run}", us=BASE_US + run * 1000, run=run) for n, run in enumerate((20, 3, 28, 29))]
    known.write(Batch(rows=[make_row(29, outcome=FAILED)], locks=held), BASE_US)
    client = Client()
    client.force_login(operator)

    assert [task_id for task_id, _state in listed(viewer, "lock:lock_a", limit=2)] == ["run-29", "run-28", "run-20", "run-3"]
    assert [task_id for task_id, _state in listed(viewer, "lock_a", limit=2)] == ["run-29", "run-28", "run-20", "run-3"]
    assert [task_id for task_id, _state in listed(viewer, "lock:lock_a state:failed")] == ["run-29", "run-20"]
    assert [task_id for task_id, _state in listed(viewer, "lock:lock_a state:succeeded")] == ["run-3"]
    life = client.get(f"/runs/{identity('run-3')}/").content.decode()
    assert "took the lock lock_a" in re.sub(r"<[^>]+>", "", life)
    assert "lock_a" not in client.get(f"/runs/{identity('run-4')}/").content.decode()


def test_filter_by_a_lock_says_whom_it_finds(known, viewer, operator, capsys):
    client = Client()
    client.force_login(operator)
    said = "that held it, for sure or most likely, as far as an observer saw it"

    texts = [
        Client(headers=bearer(viewer)).get("/api/v1/runs?q=lock:lock_a").json()["note"],
        client.get("/runs/?q=lock:lock_a").content.decode(),
        run(capsys, "runs", "--q", "lock:lock_a")[1],
    ]

    assert [said in text for text in texts] == [True, True, True]
    assert said not in client.get("/runs/?q=reports").content.decode()


@pytest.mark.parametrize(
    ("query", "said"),
    [("since:banana", "since takes 2026-"), ("until:25:61", "until takes 2026-"), ("state:bogus", "state takes active, failed")],
)
def test_value_that_a_field_does_not_take_is_an_error_in_words(known, viewer, operator, query, said):
    client = Client()
    client.force_login(operator)

    answer = Client(headers=bearer(viewer)).get(f"/api/v1/runs?q={query}")
    page = client.get(f"/runs/?q={query}").content.decode()
    with pytest.raises(CommandError, match=said) as refused:
        call_command("runs", "--q", query)

    assert (answer.status_code, refused.value.returncode) == (422, 2)
    assert said in answer.json()["error"] and said in page


def test_field_that_is_none_is_said_where_nothing_is_found(known, viewer):
    client = Client(headers=bearer(viewer))
    assert "the fields of this filter are id, lock" in client.get("/api/v1/runs?q=outcome:refused").json()["note"]
    assert client.get("/api/v1/runs?q=task:reports").json()["note"] is None


@pytest.mark.parametrize("query", ["since:10m", "SINCE:2h", "until:00:00:01", "state:waiting", "state:success", "since:2026-11-26T04:28"])
def test_values_that_fields_take_are_no_error(known, viewer, operator, query):
    client = Client()
    client.force_login(operator)
    assert Client(headers=bearer(viewer)).get(f"/api/v1/runs?q={query}").status_code == 200
    assert "takes 2026-" not in client.get(f"/runs/?q={query}").content.decode()


def test_time_that_hangs_on_now_is_one_in_the_list_and_in_its_file(known, operator):
    now_us = int(time() * US)
    known.write(Batch(rows=[make_row(task_id="lately", id=now_us * 256, heard_us=now_us, received_us=now_us, outcome=SUCCEEDED)]), BASE_US)
    client = Client()
    client.force_login(operator)

    page = client.get("/runs/?q=since:10m").content.decode()
    file = client.get("/runs/?q=since:10m&format=csv").getvalue().decode()

    assert all("lately" in text and "run-20" not in text for text in (page, file))


@pytest.mark.parametrize("path", ["runs", "workers", "queues", "locks/0000000000000000/history"])
def test_cursor_that_no_answer_gave_is_an_error(known, viewer, path):
    answer = Client(headers=bearer(viewer)).get(f"/api/v1/{path}?cursor=zzz")
    assert (answer.status_code, answer.json()) == (422, {"error": "cursor takes the next_cursor of the page before"})


def test_what_the_snapshot_says_otherwise_is_not_found_by_what_was_written(known, viewer):
    assert listed(viewer, "state:unknown") == [], "the history does not know yet how run-29 ended; the snapshot does"


def test_a_run_that_nobody_followed_to_its_end_is_not_called_going(known, viewer, put):
    put(runs=())

    assert ("run-28", "unknown") in listed(viewer)


def test_a_run_that_was_written_before_the_snapshot_has_it_goes_on(known, viewer):
    """The history is read after the snapshot, and may be ahead of it."""
    now_us = int(time() * US)
    known.write(Batch(rows=[make_row(task_id="new", id=now_us * 256, received_us=now_us, started_us=now_us, heard_us=now_us)]), now_us)

    assert ("new", "active") in listed(viewer)
    assert "new" not in dict(listed(viewer, "state:unknown"))


@pytest.mark.parametrize("received_us", [0, 3])
def test_a_run_that_the_snapshot_had_before_it_was_written_is_listed_once(known, viewer, put, received_us):
    now = datetime.now(UTC)
    at_us = round(now.timestamp() * US)
    known.write(Batch(rows=[make_row(task_id="new", id=at_us * 256, received_us=at_us, heard_us=at_us)]), at_us)
    put(runs=(make_run(task_id="new", row=0, received_at=now + timedelta(microseconds=1) if received_us else None),))

    assert [task_id for task_id, _state in listed(viewer)].count("new") == 1


def test_another_delivery_of_a_run_that_is_not_written_yet_is_another_run(known, viewer, put):
    put(runs=(make_run(task_id="run-20", row=0, received_at=datetime.now(UTC)),))

    assert [task_id for task_id, _state in listed(viewer)].count("run-20") == 2


def test_a_run_for_which_the_snapshot_has_no_room_goes_on_as_far_as_was_told(known, viewer, put):
    now = datetime.now(UTC)
    since = Observer(leader="ours:1", since=now - timedelta(minutes=10))
    minute_us = int((now.timestamp() - 60) * US)
    rows = [make_row(task_id="beyond", id=minute_us * 256, received_us=minute_us, heard_us=minute_us)]
    known.write(Batch(rows=rows), minute_us)
    put(runs=(), more_runs=1, observer=since)

    found = dict(listed(viewer))

    assert (found["beyond"], found["run-28"]) == ("received", "unknown"), "the latter was heard of before this observer began"
    [row] = [one for one in Client(headers=bearer(viewer)).get("/api/v1/runs").json()["runs"] if one["task_id"] == "beyond"]
    assert row["evidence"] == ["as the history has it, for more go on than are at hand"]


def test_one_run_of_the_history_has_its_page_and_its_whole_life(known, operator):
    client = Client(headers=bearer(operator))
    answer = client.get(f"/api/v1/runs/{identity('run-20')}").json()
    assert (answer["run"]["state"], answer["run"]["task"], answer["before"]) == ("failed", "reports", [])
    client.force_login(operator)

    page = client.get(f"/runs/{identity('run-20')}/")

    assert page.status_code == 200 and b"celery@web-1" in page.content


def test_the_page_has_the_history_the_gap_and_the_way_to_older_ones(known, operator):
    TaskRun.objects.filter(id__lte=make_row(5)[0]).delete()
    known.write(Batch(rows=[make_row(number, outcome=SUCCEEDED) for number in range(100, 260)]), BASE_US)
    client = Client()
    client.force_login(operator)
    first = client.get("/runs/").content.decode()
    assert "No observer was heard from" in first
    older = first.partition("before=")[2].partition('"')[0]

    second = client.get(f"/runs/?before={older}").content.decode()

    on = [{number for number in range(300) if f">run-{number}<" in page or f'"run-{number}"' in page} for page in (first, second)]
    assert on[0] | on[1] == {*range(6, 30), *range(100, 260)} and not on[0] & on[1]
    assert "The newest" in second and "before=" not in second.partition("runs-older")[2]
    said = "Sorted are the runs of this page alone"
    assert said not in first and said in client.get("/runs/?o=-runtime").content.decode()


def test_chips_count_what_the_rows_show_and_say_where_there_is_more(known, operator, monkeypatch):
    client = Client()
    client.force_login(operator)
    whole = chips_of(client.get("/runs/").content.decode())
    monkeypatch.setattr("dashboard.web.panels.runs.PAGE", 7)
    monkeypatch.setattr("dashboard.web.panels.runs.MOMENT", timedelta(0))  # the longer page of a moment ago is not this one
    first = chips_of(client.get("/runs/").content.decode())

    assert (whole["All"], whole["Active"], whole["Failed"], whole["Succeeded"]) == ("32", "2", "4", "26")
    assert (first["All"], first["Active"], first["Failed"], first["Succeeded"]) == ("4+", "2", "1+", "1+")
    assert first["Refused"] == "", "none among those that were counted says nothing of the others"


def chips_of(page):
    chips = page.partition('id="runs-chips"')[2].partition("</nav>")[0]
    return dict(re.findall(r"lh-chip[^>]*>([^<]+?) *(?:<b[^>]*>([^<]*)</b>)?</a>", chips))


def test_the_export_streams_all_of_the_history_that_the_filter_leaves(known, operator):
    client = Client()
    client.force_login(operator)
    response = client.get("/runs/?format=csv&q=task:reports")

    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))

    assert len(rows) == 32 and len({row["task_id"] for row in rows}) == 32


def test_without_tables_what_is_remembered_is_listed_and_the_reason_said(known, viewer):
    from django.db import connection

    with connection.schema_editor() if connection.vendor != "sqlite" else connection.cursor() as cursor:
        cursor.execute("ALTER TABLE lockhouse_historyname RENAME TO away")
    names_read.forget()
    try:
        answer = Client(headers=bearer(viewer)).get("/api/v1/runs").json()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO lockhouse_historyname")

    assert {row["task_id"] for row in answer["runs"]} == {"run-28", "run-29", ACTIVE, ENDED}
    assert "manage.py migrate" in answer["unavailable"]["history"]
