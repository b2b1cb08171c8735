"""The Runs page and one run's: what they say, to whom, and in which of the four states the list is."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from dashboard import connections, snapshot
from dashboard.records import Refusal, Snapshot
from dashboard.records.identity import identity
from dashboard.web.panels import RUNS
from tests.dashboard.acts.scene import make_user
from tests.dashboard.web.pieces import VIEWER, pieces_of, rows_of
from tests.factories import NOW, ago, make_lock, make_run, make_snapshot, make_source, make_worker

pytestmark = pytest.mark.django_db  # the pages read the history

EVIL = "<script>alert(1)</script>\u202egnp.exe\u200b\"'&"
RUN = make_run()
PAYLOADS = VIEWER | {"lockhouse.view_payloads"}
SECRETS = PAYLOADS | {"lockhouse.view_unredacted"}


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html)).strip()


def rows(*runs, query=None, may=VIEWER, now=NOW, **sections):
    return rows_of("runs", make_snapshot(**({"runs": runs, "locks": ()} | sections)), "runs-rows", query, may, now)


def iso(at):
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def page(*runs, query=None, **sections):
    return pieces_of("runs", make_snapshot(**({"runs": runs, "locks": ()} | sections)), query)


def one(*runs, may=VIEWER, task_id=RUN.task_id, **sections):
    return pieces_of("run", make_snapshot(**({"runs": runs, "locks": ()} | sections)), {"id": identity(task_id)}, may)


def ended(outcome, **changes):
    return make_run(outcome=outcome, ended_at=ago(seconds=1), heard_at=ago(seconds=1), **changes)


def test_row_says_what_runs_where_since_when_and_what_it_holds():
    (row,) = rows(RUN, locks=(make_lock(),))
    assert ">active</span>" in row
    assert f'href="/runs/{identity(RUN.task_id)}/"' in row
    assert 'datetime="2026-11-23T14:06:20.900Z" data-count="up"' in row
    assert f'href="/locks/{make_lock().id}/"' in row
    assert "reports_prepare_massive_report" in row
    assert "worker-b@web-2" in row


def test_row_says_when_its_run_ended_and_the_page_what_its_order_goes_by():
    early = ended("SUCCESS", task_id="early", started_at=ago(seconds=9))
    late = make_run(task_id="late", outcome="SUCCESS", started_at=ago(seconds=40), ended_at=ago(milliseconds=500), heard_at=ago(milliseconds=500))
    going, first, second = rows(early, late, RUN)
    assert f'lh-l-ended" data-label="Ended"><time datetime="{iso(ago(milliseconds=500))}" data-count="ago"' in first
    assert f'lh-l-ended" data-label="Ended"><time datetime="{iso(ago(seconds=1))}" data-count="ago"' in second
    assert "lh-none" in re.search(r'lh-l-ended".*?</td>', going)[0]
    assert "ended ones newest first, by when each was first heard of" in page(RUN)["runs-summary"]
    assert "first heard of" not in page(RUN, query={"o": "started"})["runs-summary"]


def test_refused_run_names_the_lock_and_is_no_success():
    (row,) = rows(ended("SUCCESS", refused_by="lock_a", refused_lock_id="0" * 16, runtime=timedelta(seconds=1)))
    assert ">refused</span>" in row
    assert "succeeded" not in row
    assert "turned away by lock_a" in text_of(row)


def test_row_does_not_change_from_second_to_second():
    assert rows(RUN) == rows(RUN, now=NOW + timedelta(seconds=1))


def test_tries_of_one_id_have_rows_of_their_own():
    first, second = rows(make_run(retries=1), ended("RETRY", error="ValueError('late')"))
    assert "retry 1" in first
    assert "ValueError(&#x27;late&#x27;)" in second
    assert re.search(r'id="([\w-]+)"', first)[1] != re.search(r'id="([\w-]+)"', second)[1]


def test_chips_count_and_choose():
    runs = (RUN, ended("SUCCESS", task_id="b"), ended("FAILURE", task_id="c", error="x"))
    chips = text_of(page(*runs)["runs-chips"])
    assert chips == "All 3 Active 1 Waiting 0 Refused 0 Failed 1 Succeeded 1"
    assert len(rows(*runs, query={"show": "failed"})) == 1
    assert len(rows(*runs, query={"q": "state:active"})) == 1


@pytest.mark.parametrize("column", ["state", "task", "run", "started", "runtime", "ended", "worker", "queue", "lock"])
def test_every_column_sorts_both_ways_and_what_is_not_known_comes_last(column):
    runs = (RUN, make_run(task_id="z", name=None, worker=None, queue=None, started_at=None, received_at=None), ended("SUCCESS", task_id="a"))
    assert len(rows(*runs, query={"o": column})) == len(rows(*runs, query={"o": f"-{column}"})) == 3


def test_list_has_its_four_states():
    assert "hidden" in page(RUN)["runs-state"]
    assert "No run is known" in page()["runs-state"]
    assert "Nothing matches the filter" in page(RUN, query={"q": "nosuch"})["runs-state"]
    away = page(sources=(make_source("events", ok=False, reason="gone"),))["runs-state"]
    assert "events is unavailable" in away
    assert "Last good reading" in away
    assert "Not known" in pieces_of("runs", Snapshot())["runs-state"]


def test_page_says_how_far_back_it_goes_and_what_is_cut():
    assert "1 ended in the last 5 minutes" in page(ended("SUCCESS"))["runs-summary"]
    many = tuple(make_run(task_id=f"run-{number}") for number in range(501))
    cut = page(*many, more_runs=1200)
    assert "The first 500 of 501" in cut["runs-state"]
    assert len([name for name in cut if re.fullmatch(r"run-[0-9a-f]{12}", name)]) == 500


def test_hostile_names_are_text():
    evil = make_run(name=EVIL, worker=EVIL, queue=EVIL, task_id=EVIL, error=EVIL, refused_by=EVIL, outcome="FAILURE", ended_at=NOW, args=EVIL, result=EVIL)
    for html in (*rows(evil, may=SECRETS), *one(evil, may=SECRETS, task_id=EVIL).values()):
        assert "<script>alert" not in html
        assert "\u202e" not in html


def test_run_tells_its_life():
    refusal = Refusal(lock_id="0" * 16, cache="default", name="lock_a", at=ago(seconds=70), task_id=RUN.task_id, waited=timedelta(seconds=1))
    life = text_of(one(make_run(sent_at=ago(seconds=90), origin="gen9@web-7"), locks=(make_lock(),), refusals=(refusal,))["run-life"])
    said = [
        "sent to reports by gen9@web-7",
        "received by worker-b@web-2, 9 s after it was sent",
        "started in process 811, 900 ms after it was received",
        "took the lock lock_report_12",
        "turned away by the lock lock_a, which it had waited 1 s for",
        "its lock lock_report_12 expires",
    ]
    assert [text for text in said if text not in life] == []
    assert sorted(life.index(text) for text in said) == [life.index(text) for text in said]


def test_lost_run_says_why():
    gone = make_worker(last_heard_at=ago(minutes=2), asked_at=ago(seconds=2), connection_known=True, connection_gone_at=ago(minutes=2))
    head = text_of(one(RUN, workers=(gone,))["run-head"])
    assert "lost" in head
    assert "It had been acknowledged: it will not run again." in head


def test_run_that_is_active_twice_says_so():
    other = make_run(worker="w@web-9", redelivered=True, received_at=ago(seconds=20), started_at=ago(seconds=19))
    assert "It is active twice" in one(RUN, other, workers=(make_worker(), make_worker(name="w@web-9")))["run-head"]


def test_arguments_need_their_permission_and_secrets_one_more():
    run = ended("SUCCESS", args="('a@b.example',)", kwargs="{'password': 'hunter2-hunter2'}", result="'token=abcdefgh'")
    hidden, plain, bare = (one(run, may=may)["run-facts"] for may in (VIEWER, PAYLOADS, SECRETS))
    assert "a@b.example" not in hidden
    assert hidden.count("hidden: needs view_payloads") == 2
    assert "a@b.example" in plain
    assert "hunter2" not in plain
    assert "abcdefgh" not in plain
    assert "hunter2-hunter2" in bare


def test_error_is_shown_with_where_it_was_raised_and_without_secrets():
    run = ended("FAILURE", error="ValueError('password=hunter2')", traceback_end='  File "/srv/a.py", line 3, in f\n    raise\nValueError: password=hunter2')
    facts = one(run)["run-facts"]
    assert "line 3, in f" in facts
    assert "hunter2" not in facts


def test_line_for_the_incident_channel_has_state_worker_and_lock():
    copied = re.search(r'data-copy="([^"]*)"', one(RUN, locks=(make_lock(),))["run-head"])[1]
    assert "active; on worker-b@web-2; started 2026-11-23 14:06:20 UTC; holds lock_report_12" in copied


def test_parent_and_root_are_linked():
    facts = one(make_run(parent_id="p" * 36, root_id="r" * 36))["run-facts"]
    assert f'href="/runs/{identity("p" * 36)}/"' in facts
    assert f'href="/runs/{identity("r" * 36)}/"' in facts


@pytest.fixture
def client(watching, db):
    known = make_snapshot(at=datetime.now(UTC), version=77)
    snapshot.put(connections.own(), known, dict.fromkeys(snapshot.SECTIONS, int(datetime.now(UTC).timestamp() * 1000)), set(snapshot.SECTIONS), epoch=1)
    made = Client()
    made.force_login(make_user("ann", ["view_locks"]))
    return made


def test_pages_are_whole_without_a_script(client):
    assert "reports_prepare_massive_report" in client.get("/runs/").content.decode()
    html = client.get(f"/runs/{identity(RUN.task_id)}/").content.decode()
    assert "Its life so far" in html
    assert RUN.task_id in html


@pytest.mark.parametrize("unknown", ["abc", "%3Cscript%3E", "0" * 16])
def test_forgotten_run_is_a_sentence_with_what_to_do(client, unknown):
    response = client.get(f"/runs/{unknown}/")
    assert response.status_code == 404
    assert "worker&#x27;s log" in response.content.decode() or "worker's log" in response.content.decode()
    assert "for as long as the history is kept" in response.content.decode()


@pytest.mark.parametrize("before", ["0" * 19 + "1" + "9" * 5000, "9" * 5000, "9" * 20, "-1", "\u0663", "x", ""])
def test_page_before_what_is_no_row_is_the_first(client, before):
    response = client.get("/runs/", {"before": before})

    assert response.status_code == 200
    assert "reports_prepare_massive_report" in response.content.decode()


def test_nobody_gets_in_without_the_permission(watching, db):
    assert Client().get("/runs/").status_code == 302
    made = Client()
    made.force_login(make_user("bob"))
    assert made.get("/runs/").status_code == 403
    assert made.post("/runs/").status_code in {403, 405}


def test_what_was_made_for_one_is_given_to_all_who_ask_the_same_of_the_same_moment():
    seen = make_snapshot(runs=(RUN,), locks=())
    first = RUNS.pieces(seen, {}, VIEWER, NOW)

    assert RUNS.pieces(seen, {}, VIEWER, NOW + timedelta(milliseconds=500)) is first
    assert RUNS.pieces(seen, {}, VIEWER, NOW + timedelta(seconds=1)) is not first
    assert RUNS.pieces(seen, {}, PAYLOADS, NOW) is not first
    assert RUNS.pieces(seen, {"q": "nothing"}, VIEWER, NOW) is not first
    other = RUNS.pieces(make_snapshot(runs=(), locks=()), {}, VIEWER, NOW)
    assert not [piece for piece in other if piece.within == "runs-rows"]
