"""Pairs of runs that a lock should have kept apart, out of the history."""

import csv
import io
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.test import Client

from dashboard import connections
from dashboard.history import names_read
from dashboard.history.overlaps import MAX_ACQUIRED, MAX_EACH, MAX_PAIRS, overlaps
from dashboard.history.rows import FAILED, GOING, Batch
from dashboard.history.write import Writer
from dashboard.records import Snapshot
from dashboard.snapshot import SECTIONS, put
from dashboard.web.links import task_url, worker_url
from dashboard.words import visible
from tests.dashboard.history.made import LOCK_ID, event, make_row, row_id, run, write
from tests.dashboard.observer.observations import read, state
from tests.dashboard.observer.test_lock_past import GONE, HAND, LOCK, OTHER
from tests.dashboard.web.test_views import person
from tests.factories import NOW, make_claim, make_run, make_source, make_worker

__all__ = ["write"]
pytestmark = pytest.mark.django_db
TAKEN_AGAIN = read(OTHER, at=NOW + timedelta(seconds=2))


TAKEN = (event(1, "acquired", "run-a"), event(10, "acquired", "run-b", token="two"))


@pytest.mark.parametrize("how", ["expired", "by-hand", "flushed", "changed", "lost", "removed"])
def test_run_that_took_a_lock_which_left_the_one_before_while_it_went_on_overlaps_with_it(write, how):
    write([run("run-a", ended=20), run("run-b", ended=15)], *TAKEN, event(5, how, "run-a"))

    (pair,) = overlaps().overlaps

    assert (pair.lock_id, pair.name, pair.why) == (LOCK_ID, "lock_report_12", how)
    assert (pair.first.task_id, pair.second.task_id) == ("run-a", "run-b")
    assert (pair.to_at - pair.from_at).total_seconds() == 5


@pytest.mark.parametrize(
    "order",
    [(GONE, HAND, TAKEN_AGAIN), (GONE, TAKEN_AGAIN, HAND), (HAND, GONE, TAKEN_AGAIN), (TAKEN_AGAIN, HAND)],
    ids=["gone first", "act last", "act first", "in one push"],
)
def test_run_that_took_a_lock_which_an_operator_released_overlaps_with_the_one_before_and_says_who_did_it(watching, order):
    names_read.forget()
    writer, observer, us = Writer("test:1"), state(), int(NOW.timestamp()) * 1_000_000
    writer.claim(us)
    runs = [make_row(task_id=name, id=us * 256 - number, heard_us=us, outcome=GOING) for number, name in enumerate((make_claim().task_id, "other"), 1)]
    for seen in (read(LOCK), *order):
        observer.apply(seen)
        writer.write(Batch(rows=runs, locks=observer.lock_past.take()[0]), us)

    (pair,) = overlaps().overlaps
    client = Client()
    client.force_login(person("view_locks"))
    (row,) = client.get("/api/v1/overlaps").json()["overlaps"]
    told = client.get(f"/api/v1/locks/{LOCK.id}/history").json()["events"]

    assert (pair.why, pair.by, pair.first.task_id, pair.second.task_id) == ("by-hand", "alice", make_claim().task_id, "other")
    assert (row["by"], row["first_certainty"], row["second_certainty"]) == ("alice", "exact", "exact")
    assert [(one["event"], one["by"], one["task_id"]) for one in told if one["event"] != "acquired"] == [("by-hand", "alice", make_claim().task_id)]
    assert "released by hand by <bdi>alice</bdi>" in client.get("/locks/overlaps/").content.decode()


def test_lock_that_was_released_and_taken_between_two_looks_is_no_overlap_though_the_first_run_has_yet_to_say_its_end(write):
    write([run("run-a", ended=10.2), run("run-b", ended=15)], *TAKEN, event(9.9, "changed", "run-a"))
    assert overlaps().overlaps == []


def test_overlap_that_is_told_twice_is_one(write):
    write([run("run-a", ended=20), run("run-b", ended=30)], *TAKEN, event(5, "expired", "run-a"), event(20, "lost", "run-a"))
    (pair,) = overlaps().overlaps
    assert (pair.why, (pair.to_at - pair.from_at).total_seconds()) == ("expired", 10)


@pytest.mark.parametrize(
    "events",
    [
        [*TAKEN, event(5, "released", "run-a")],
        [event(1, "acquired", "run-a"), event(5, "expired", "run-a")],
        [event(1, "acquired", "run-a"), event(5, "expired", "run-a"), event(10, "acquired", "run-b", token="two", lock_id="0" * 15 + "1")],
        [event(1, "acquired", "run-a"), event(5, "expired", "run-a"), event(10, "acquired", "run-a", token="two")],
        [event(1, "acquired", "run-b", token="two"), event(2, "acquired", "run-a"), event(5, "expired", "run-a")],
        [event(1, "acquired", "run-a"), event(5, "expired", "run-a"), event(25, "acquired", "run-b", token="two")],
    ],
    ids=["released in time", "not taken again", "another lock", "taken again by the same run", "taken before", "taken after it ended"],
)
def test_what_was_kept_apart_is_no_overlap(write, events):
    write([run("run-a", ended=20), run("run-b", ended=30)], *events)
    assert overlaps().overlaps == []


def test_overlap_of_runs_whose_end_nobody_told_has_none(write):
    write([run("run-a"), run("run-b")], *TAKEN, event(5, "expired", "run-a"))
    assert overlaps().overlaps[0].to_at is None


def put_runs(*task_ids):
    """As the observer sees them: each active on a worker that says so."""
    now = datetime.now(UTC)
    runs = tuple(make_run(task_id=one, pid=811 + n, started_at=now, received_at=now, last_active_at=now) for n, one in enumerate(task_ids))
    worker = make_worker(active=task_ids, active_at=now, last_heard_at=now, answered_at=now, asked_at=now, vitals_at=now, pool_read_at=now)
    sources = tuple(make_source(name, since=now, last_good_at=now) for name in ("broker", "workers", "events"))
    known = Snapshot(at=now, runs=runs, workers=(worker,), sources=sources)
    assert put(connections.own(), known, dict.fromkeys(SECTIONS, time.time_ns()), set(SECTIONS), epoch=1)


@pytest.mark.parametrize(
    ("active", "still", "said"), [(("run-a", "run-b"), True, "still together"), (("run-b",), None, "no end told"), ((), None, "no end told")], ids=str
)
def test_pair_of_which_both_are_seen_to_be_active_is_still_together(write, watching, capsys, active, still, said):
    write([run("run-a"), run("run-b")], *TAKEN, event(5, "expired", "run-a"))
    put_runs(*active)
    client = Client()
    client.force_login(person("view_locks"))

    (row,) = client.get("/api/v1/overlaps").json()["overlaps"]
    call_command("overlaps")

    assert (row["still_together"], row["to"], row["together_ms"]) == (still, None, None)
    assert said in client.get("/locks/overlaps/").content.decode()
    assert ("still, " in capsys.readouterr().out) is (still is True)


def test_pair_of_which_an_end_was_told_is_no_longer_together_whatever_is_active(write, watching):
    write([run("run-a", ended=20), run("run-b")], *TAKEN, event(5, "expired", "run-a"))
    put_runs("run-a", "run-b")
    client = Client()
    client.force_login(person("view_locks"))
    assert client.get("/api/v1/overlaps").json()["overlaps"][0]["still_together"] is False


def test_lock_that_left_a_holder_which_nobody_knows_is_counted(write):
    write([], event(5, "expired", ""), *TAKEN)
    assert (overlaps().overlaps, overlaps().unnamed, [one.name for one in overlaps().strays]) == ([], 1, ["lock_report_12"])


def test_page_links_tasks_workers_and_the_locks_that_left_somebody_unknown(write, watching):
    stray = event(6, "expired", "", token="three", lock_id="0" * 15 + "1")
    write([run("run-a", ended=20), run("run-b", ended=15)], *TAKEN, event(5, "expired", "run-a"), stray)
    client = Client()
    client.force_login(person("view_locks"))

    html = client.get("/locks/overlaps/").content.decode()

    assert f'<a href="/locks/{"0" * 15}1/history/"><bdi>' in html.split("<table")[0]
    assert f'<a href="{task_url("reports")}"><bdi>reports</bdi></a>' in html
    assert f'<a href="{worker_url(overlaps().overlaps[0].first.worker)}"><bdi>' in html


def test_command_prints_the_same(write, capsys):
    call_command("overlaps")
    assert "No overlap is known" in capsys.readouterr().out
    write([run("run-a", ended=20), run("run-b", ended=15)], *TAKEN, event(5, "expired", "run-a"))
    call_command("overlaps")
    assert "reports run-a" in capsys.readouterr().out
    call_command("overlaps", json=True)
    assert json.loads(capsys.readouterr().out)["overlaps"][0]["together_ms"] == 5000


@pytest.mark.parametrize("name", ["import[/x]", "orders[eu][0]", "[link=https://evil.example]release[/link]", "[conceal]hidden", "a\x1b[31mb"])
def test_command_prints_names_as_they_are(write, capsys, name):
    write([run("run-a", ended=20, task=name), run("run-b", ended=15)], *TAKEN, event(5, "expired", "run-a"))

    call_command("overlaps")

    said = capsys.readouterr().out
    assert f"{visible(name)} run-a" in said
    assert "\x1b" not in said


def crowd(left, acquired, runs):
    """So many locks that left one run, and as many runs that took the lock after that one by one."""
    went = [event(1 + n / 100, "expired", "run-a", token=f"a{n}") for n in range(left)]
    took = [event(10 + n / 100, "acquired", f"run-{n % runs + 5}", token=f"b{n}") for n in range(acquired)]
    return [run("run-a"), *(run(f"run-{n + 5}", id=row_id(n + 5)) for n in range(runs))], went, took


def test_lock_that_is_taken_over_and_over_is_paired_with_the_first_runs_that_took_it_and_says_so(write):
    runs, went, took = crowd(1, 60, 20)
    write(runs, *went, *took)

    found = overlaps()

    assert [pair.second.task_id for pair in reversed(found.overlaps)] == [f"run-{n + 5}" for n in range(MAX_EACH)]
    assert found.cut == 1


def test_lock_that_was_taken_more_often_than_is_read_is_said_to_be_cut(write):
    runs, went, took = crowd(1, MAX_ACQUIRED, 3)
    write(runs, *went, *took)
    assert (len(overlaps().overlaps), overlaps().cut) == (3, 1)


def test_run_that_took_the_lock_again_and_again_is_one_pair(write):
    runs, went, took = crowd(1, 30, 1)
    write(runs, *went, *took)
    assert (len(overlaps().overlaps), overlaps().cut) == (1, 0)


def test_pages_of_very_many_overlaps_are_bounded_and_leave_nothing_out(write, watching):
    left = MAX_PAIRS // MAX_EACH + 7
    runs, went, took = crowd(left, MAX_EACH, MAX_EACH)
    write(runs, *went, *took)
    client = Client()
    client.force_login(person("view_locks"))

    first = client.get("/api/v1/overlaps").json()
    second = client.get("/api/v1/overlaps", {"cursor": first["next_cursor"]}).json()
    lines = b"".join(client.get("/locks/overlaps/?format=csv")).decode().splitlines()

    assert (len(first["overlaps"]), len(second["overlaps"]), second["next_cursor"]) == (MAX_PAIRS, 7 * MAX_EACH, None)
    assert len(lines) == MAX_PAIRS + 1
    assert "-incomplete" in client.get("/locks/overlaps/?format=csv")["Content-Disposition"]


def test_what_is_left_out_of_a_crowd_is_said_wherever_pairs_are_listed(write, watching, capsys):
    runs, went, took = crowd(1, 60, 20)
    write(runs, *went, *took)
    client = Client()
    client.force_login(person("view_locks"))

    call_command("overlaps")

    said = f"the first {MAX_EACH} of each are listed"
    assert said in client.get("/locks/overlaps/").content.decode()
    assert said in capsys.readouterr().out.replace("\n", " ")
    assert client.get("/api/v1/overlaps").json()["cut"] == 1
    assert "-incomplete" in client.get("/locks/overlaps/?format=csv")["Content-Disposition"]


@pytest.mark.parametrize(("since", "shown"), [("2026-01-01", 1), (str(datetime(2999, 1, 1, tzinfo=UTC).date()), 0), ("", 1)])
def test_overlaps_are_asked_for_since_a_time(write, watching, since, shown):
    write([run("run-a", ended=20), run("run-b", ended=15)], *TAKEN, event(5, "expired", "run-a"))
    client = Client()
    client.force_login(person("view_locks"))

    assert len(client.get("/api/v1/overlaps", {"since": since}).json()["overlaps"]) == shown


def test_answers_out_of_the_history_have_notes_and_refuse_what_is_no_time(watching, capsys):
    client = Client()
    client.force_login(person("view_locks"))
    wrong = client.get("/api/v1/overlaps", {"since": "bad"})
    call_command("overlaps", "--json")

    assert (wrong.status_code, "since takes" in wrong.json()["error"]) == (422, True)
    assert client.get("/api/v1/overlaps").json()["notes"] == {} == json.loads(capsys.readouterr().out)["notes"]
    assert client.get(f"/api/v1/locks/{LOCK_ID}/history").json()["notes"] == {}


def test_pages_of_overlaps_go_back_to_the_first(write):
    write(
        [run("run-a", ended=20), run("run-b", ended=30)], *TAKEN, event(5, "expired", "run-a"), *(event(6 + n, "expired", "x", token=str(n)) for n in range(3))
    )
    newest = overlaps(limit=3)
    assert (newest.overlaps, newest.older > 0) == ([], True)
    older = overlaps(newest.older, limit=3)
    assert (len(older.overlaps), older.older) == (1, 0)


@pytest.mark.parametrize(("also", "args"), [((), None), (("view_payloads",), "['x', 'password=***']")])
def test_page_api_and_file_say_the_same_and_hide_what_must_be_hidden(watching, write, also, args):
    secret = {"args": "['x', 'password=hunter2']"}
    write([run("run-a", ended=20, outcome=FAILED, **secret), run("run-b", ended=15, task="<b>")], *TAKEN, event(5, "expired", "run-a"))
    client = Client()
    client.force_login(person("view_locks", *also))

    (row,) = client.get("/api/v1/overlaps").json()["overlaps"]
    html = client.get("/locks/overlaps/").content.decode()
    (in_file,) = csv.DictReader(io.StringIO(b"".join(client.get("/locks/overlaps/?format=csv")).decode()))

    assert (row["together_ms"], row["first_task_id"], row["second_task_id"]) == (5000, "run-a", "run-b")
    assert (in_file["first_task_id"], in_file["together_ms"]) == ("run-a", "5000")
    assert "hunter2" not in html + str(row) + str(in_file) and "&lt;b&gt;" in html
    assert (row["first_args"] is None) == (args is None)
