"""In what state a worker is, and what is odd about it; gone needs proof."""

from datetime import timedelta

import pytest

from dashboard.judge import assess
from dashboard.judge.runs import judge_runs
from dashboard.judge.workers import judge_workers, matches_worker
from dashboard.records import Policy
from tests.factories import NOW, ago, make_run, make_snapshot, make_source, make_worker

SILENT = {"last_heard_at": ago(minutes=2), "asked_at": ago(seconds=2), "connection_known": True}
GOODBYE = {"said_offline_at": ago(minutes=1), "last_heard_at": ago(minutes=1)}


def judged(*workers, **sections):
    known = make_snapshot(**({"workers": workers, "locks": (), "runs": ()} | sections))
    return judge_workers(known, judge_runs(known, assess(known, NOW, Policy()), NOW, Policy()), NOW, Policy())


def state(*workers, **sections):
    (one,) = judged(*workers, **sections)
    return one.state


def warnings(*workers):
    (one,) = judged(*workers)
    return [fact.code for fact in one.warnings]


def test_state_is_one_word_and_gone_needs_proof():
    assert state(make_worker()) == "online"
    assert state(make_worker(**SILENT)) == "silent"
    assert state(make_worker(**SILENT, connection_gone_at=ago(minutes=2))) == "gone"
    assert state(make_worker(**GOODBYE), runs=(make_run(),)) == "leaving"
    assert state(make_worker(**GOODBYE)) == "stopped"


@pytest.mark.parametrize("away", ["workers", "events", "broker", "lockhouse"])
def test_nobody_is_gone_while_we_do_not_hear(away):
    gone = make_worker(**SILENT, connection_gone_at=ago(minutes=2))
    assert state(gone, sources=(make_source(away, ok=False),)) == "unknown"


@pytest.mark.parametrize(("away", "found"), [("events", "unknown"), ("broker", "unknown"), ("lockhouse", "unknown"), ("workers", "online")])
def test_nobody_is_online_while_nothing_is_heard(away, found):
    assert state(make_worker(), sources=(make_source(away, ok=False),)) == found


def test_nobody_is_online_once_the_observer_has_gone_quiet():
    assert state(make_worker(last_heard_at=ago(seconds=9)), at=ago(seconds=8)) == "unknown"


def test_restart_shows_the_new_process_and_keeps_the_one_before():
    before, after = make_worker(**SILENT), make_worker(pid=999, first_heard_at=ago(minutes=1))
    (one,) = judged(before, after)
    assert (one.worker.pid, [other.pid for other in one.before], one.state) == (999, [790], "online")


def test_two_workers_with_one_name_are_said():
    assert warnings(make_worker(), make_worker(pid=999, first_heard_at=ago(minutes=5))) == ["name_shared"]


def test_one_that_comes_online_again_and_again_is_said_whatever_its_pid():
    same = make_worker(online_at=(ago(minutes=3), ago(minutes=2), ago(minutes=1)))
    others = [make_worker(pid=pid, online_at=(ago(minutes=pid),), first_heard_at=ago(minutes=pid), last_heard_at=ago(minutes=pid)) for pid in (3, 2)]
    assert warnings(same) == ["worker_restarts"]
    assert warnings(make_worker(pid=1, online_at=(ago(minutes=1),), first_heard_at=ago(minutes=1)), *others) == ["worker_restarts"]
    assert warnings(make_worker(online_at=(ago(minutes=30), ago(minutes=20), ago(minutes=1)))) == []


def test_what_is_odd_is_said():
    assert warnings(make_worker(sends_events=False)) == ["worker_mute"]
    assert warnings(make_worker(answered_at=ago(seconds=30))) == ["worker_answers_nothing"]
    assert warnings(make_worker(clock_skew=timedelta(hours=1))) == ["worker_clock_ahead"]
    assert warnings(make_worker(clock_skew=timedelta(hours=-1))) == ["worker_clock_behind"]
    assert warnings(make_worker(asked_at=None, answered_at=None)) == []


def test_those_that_are_gone_come_first_and_those_that_stopped_last():
    workers = [make_worker(name="b"), make_worker(name="a", **GOODBYE), make_worker(name="z", **SILENT, connection_gone_at=ago(minutes=2))]
    assert [one.worker.name for one in judged(*workers)] == ["z", "b", "a"]


@pytest.mark.parametrize(("query", "is_found"), [("web-2", True), ("queue:rep task:massive state:online pool:prefork", True), ("state:gone", False)])
def test_filter(query, is_found):
    (one,) = judged(make_worker())
    assert matches_worker(one, query) is is_found
