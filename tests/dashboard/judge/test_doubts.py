"""What looks like a death and is none, and the proofs that are left: one test for each, most of them counterexamples of the oracle made small."""

import pytest

from dashboard.records import FlowReading, Proved, UnackedMessage
from tests.dashboard.judge.judged import ENDED, GONE, HOUR, SILENT, codes, judge, only
from tests.factories import ago, make_claim, make_lock, make_run, make_source, make_worker

# its life


def test_pid_that_a_later_process_of_the_machine_has_proves_the_earlier_gone():
    later = make_lock(name="lock_report_13", token_digest="later", claim=make_claim(task_id="later", process_started="99999", attempted_at=ago(seconds=20)))
    silent = make_worker(**SILENT, connection_known=True)

    first = next(one for one in judge(locks=(make_lock(), later), workers=(silent,)) if one.lock.name == "lock_report_12")

    assert first.verdict == "orphaned"
    assert first.evidence[1].values["at"] == ago(seconds=20)


@pytest.mark.parametrize(
    "other", [{"boot_id": "another"}, {"host": "web-3"}, {"process_started": "12345"}, {"process_started": "12"}, {"process_started": "x"}]
)
def test_pid_of_another_machine_boot_or_an_earlier_process_proves_nothing(other):
    claim = make_claim(**({"task_id": "later", "process_started": "99999"} | other))
    locks = (make_lock(), make_lock(name="lock_report_13", token_digest="later", claim=claim))

    judged = judge(locks=locks, workers=(make_worker(**SILENT, connection_known=True),))

    assert {one.verdict for one in judged} <= {"unknown", "orphaned"}
    assert next(one for one in judged if one.lock.name == "lock_report_12").verdict == "unknown"


@pytest.mark.parametrize("told", [{"started_at": ago(seconds=30)}, {"online_at": (ago(seconds=30),)}], ids=["uptime", "came online"])
def test_process_that_came_back_with_the_same_pid_is_another_one(told):
    """A container has the same pids each time; the one before may be leaving, so that the new one lacks its run proves nothing."""
    judged = only(workers=(make_worker(**told, active=(), processes=(900,)),), runs=())

    assert judged.verdict == "unknown"
    assert "process_later" in codes(judged)


@pytest.mark.parametrize("untold", [{"vitals_at": None}, {}], ids=["no heartbeats", "events missed"])
def test_process_that_began_about_when_the_lock_was_seen_and_need_not_have_said_so_may_be_another(untold):
    since = ago(seconds=30) if not untold else ago(hours=1)
    worker = make_worker(**untold, started_at=ago(seconds=79), active=(), processes=(811,))
    assert only(workers=(worker,), runs=(), flow=FlowReading(since=since)).verdict == "unknown"


def test_process_that_began_before_the_lock_was_seen_but_after_it_was_taken_is_another():
    """The observer was not there meanwhile, and the process before may be leaving: that this one lacks its run proves nothing."""
    worker = make_worker(started_at=ago(seconds=60), active=(), processes=(811,))
    lock = make_lock(first_seen_at=ago(seconds=30))

    judged = only(locks=(lock,), workers=(worker,), runs=(), flow=FlowReading(since=ago(seconds=31)))

    assert judged.verdict == "unknown"
    assert "process_later" in codes(judged)


def test_process_with_a_wrong_clock_that_began_before_the_lock_was_taken_is_the_same():
    """Its token says an hour ago, its uptime two minutes."""
    lock = make_lock(claim=make_claim(attempted_at=ago(seconds=80) - HOUR))
    worker = make_worker(started_at=ago(seconds=120), clock_skew=-HOUR)
    assert only(locks=(lock,), workers=(worker,), runs=()).verdict == "held"


def test_worker_that_only_connected_anew_is_the_same_process():
    judged = only(workers=(make_worker(started_at=ago(hours=2), online_at=(ago(seconds=30),)),))
    assert judged.verdict == "held"


def test_run_that_was_told_to_end_may_go_on_while_its_process_is_there():
    revoked = make_run(ended_at=ago(seconds=10), heard_at=ago(seconds=10), outcome="REVOKED")
    assert only(runs=(revoked,), workers=(make_worker(active=()),)).verdict == "unknown"
    assert only(runs=(revoked,), workers=(make_worker(active=(), processes=(812,)),)).verdict == "orphaned"


def test_list_of_runs_from_before_the_lock_says_nothing_of_it_though_its_worker_answered_since():
    worker = make_worker(active=(), active_at=ago(seconds=90))
    assert only(workers=(worker,), runs=(make_run(last_active_at=None),)).verdict != "orphaned"


def test_run_that_was_named_long_ago_is_not_called_active():
    judged = only(workers=(make_worker(active_at=ago(seconds=70)),), runs=())
    assert (judged.verdict, "run_active" in codes(judged)) == ("unknown", False)


def test_answer_of_a_namesake_does_not_speak_for_its_runs():
    """Who of the two said it cannot be told, for the first seconds as well."""
    other = make_worker(pid=590, first_heard_at=ago(seconds=4))
    assert only(workers=(make_worker(active=()), other), runs=()).verdict == "unknown"


@pytest.mark.parametrize("own", [None, ago(seconds=90)], ids=["nobody was called yet", "not since the lock was seen"])
def test_answer_that_a_namesake_nobody_heard_of_may_have_given_does_not_speak_for_its_runs(own):
    """Of two that have one name the first is heard, and one of them may send no heartbeats: only a call to everybody tells."""
    assert only(workers=(make_worker(active=(), spoke_alone_at=own),), runs=()).verdict != "orphaned"


def test_name_under_which_two_answered_a_call_is_shared_though_their_pids_are_the_same():
    judged = only(workers=(make_worker(active=(), processes=(411,), shared_at=ago(seconds=3)),), runs=())
    assert (judged.verdict, "name_shared" in codes(judged)) == ("unknown", True)


def test_end_is_judged_late_enough_by_our_clock_and_not_by_its_workers():
    ended = make_run(ended_at=ago(hours=-1), heard_at=ago(seconds=10), outcome="SUCCESS")
    assert only(runs=(ended,), workers=(make_worker(active=()),)).verdict == "orphaned"
    just = make_run(ended_at=ago(seconds=30), heard_at=ago(seconds=0.5), outcome="SUCCESS")
    assert only(runs=(just,), workers=(make_worker(active=None, active_at=None),)).verdict != "orphaned"


def test_end_that_may_be_of_a_second_delivery_is_none_while_events_were_missed_and_nobody_was_asked():
    sections = {"runs": (make_run(**ENDED),), "flow": FlowReading(since=ago(seconds=30))}
    assert only(**sections, workers=(make_worker(active=None, active_at=None),)).verdict == "unknown"
    assert only(**sections, workers=(make_worker(active=()),)).verdict == "orphaned"


def test_end_that_was_told_before_the_lock_was_seen_may_be_of_a_second_delivery_that_was_missed_while_it_ran():
    """Events were missed after the run began and before it was told to have ended: by then the lock had not been seen."""
    early = make_run(received_at=ago(seconds=300), started_at=ago(seconds=300), ended_at=ago(seconds=79), heard_at=ago(seconds=79), outcome="SUCCESS")
    sections = {"runs": (early,), "locks": (make_lock(first_seen_at=ago(seconds=70)),), "workers": (make_worker(active=None, active_at=None),)}
    assert only(**sections, flow=FlowReading(since=ago(seconds=100))).verdict != "orphaned"
    assert only(**sections, flow=FlowReading(since=ago(seconds=400))).verdict == "orphaned"


def test_run_that_its_worker_named_after_it_was_told_to_have_ended_goes_on_though_that_worker_leaves():
    leaving = make_worker(active_at=ago(seconds=5), said_offline_at=ago(seconds=3))
    assert only(runs=(make_run(**ENDED),), workers=(leaving,)).verdict == "held"


def test_run_that_started_and_whose_end_may_have_been_missed_is_unknown():
    sections = {"workers": (make_worker(active=None, active_at=None),), "runs": (make_run(heard_at=ago(seconds=80)),)}
    assert only(**sections).verdict == "held"
    assert only(**sections, flow=FlowReading(since=ago(seconds=30))).verdict == "unknown"


# its silence


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"connection_gone_at": ago(seconds=2), "last_event_at": ago(seconds=60)}, "connection_gone_late"),
        ({"vitals_at": None}, "worker_without_heartbeats"),
    ],
)
def test_silence_that_has_another_reason_proves_nothing(changes, code):
    judged = only(workers=(make_worker(**(GONE | changes)),))
    assert judged.verdict == "unknown"
    assert code in codes(judged)


@pytest.mark.parametrize("before", [{"vitals_at": ago(seconds=130)}, {"vitals_at": None, "online_at": (ago(minutes=9),)}], ids=["heartbeat", "came online"])
def test_that_the_process_before_sent_heartbeats_does_not_say_that_this_one_does(before):
    """A container comes back under the same name and pid, now with `--without-heartbeat`: it leaves without a word, and goes on with its run."""
    silent = make_worker(**(GONE | before), started_at=ago(seconds=119), started_after=ago(seconds=120))

    judged = only(workers=(silent,))

    assert judged.verdict == "unknown"
    assert "worker_without_heartbeats" in codes(judged)


@pytest.mark.parametrize("own", [{"vitals_at": ago(seconds=70)}, {"vitals_at": ago(seconds=130), "online_at": (ago(seconds=118),)}])
def test_one_heartbeat_of_its_own_is_enough(own):
    assert only(workers=(make_worker(**(GONE | own), started_at=ago(seconds=119), started_after=ago(seconds=120)),)).verdict == "orphaned"


MOVED = [
    ({}, {"lock_moved_at": ago(seconds=49)}, "unknown"),
    ({}, {"lock_moved_at": ago(seconds=51)}, "orphaned"),
    ({"renewed_at": ago(seconds=49)}, {}, "unknown"),
    ({"renewed_at": ago(seconds=51)}, {}, "orphaned"),
    ({"acquired_at": ago(seconds=49)}, {}, "unknown"),
    ({"acquired_at": ago(seconds=49), "put_back_at": ago(seconds=49)}, {}, "orphaned"),
]


@pytest.mark.parametrize(("lock", "worker", "verdict"), MOVED)
def test_lock_that_moved_after_the_connection_was_closed_shows_that_its_run_goes_on(lock, worker, verdict):
    """Its worker is cut off from the broker. What an operator put back shows nothing."""
    proved = Proved(at=ago(seconds=20), code="worker_silent", since=ago(seconds=60))
    for one in (make_lock(**lock), make_lock(**lock, proved=proved)):
        assert only(locks=(one,), workers=(make_worker(**(GONE | worker)),)).verdict == verdict


@pytest.mark.parametrize("since", [None, ago(seconds=55)])
def test_goodbye_may_have_been_missed_where_events_were(since):
    judged = only(workers=(make_worker(**GONE),), flow=FlowReading(since=since))
    assert judged.verdict == "unknown"
    assert "events_missed" in codes(judged)


def test_events_that_stopped_without_a_word_are_given_time_to_be_noticed():
    silent = make_worker(**(GONE | {"connection_gone_at": ago(seconds=3), "last_event_at": ago(seconds=20), "last_heard_at": ago(seconds=20)}))
    heard = make_worker(name="w@other", pid=4, last_event_at=ago(seconds=1))
    assert only(workers=(silent,)).verdict == "unknown"
    assert only(workers=(silent, heard)).verdict == "orphaned"


@pytest.mark.parametrize("unacked", [True, False], ids=["comes again", "is lost"])
def test_run_of_a_process_that_its_worker_has_no_more_is_lost_unless_its_message_comes_again(unacked):
    message = UnackedMessage(tag="t", queue="reports", task_id=make_run().task_id, task_name=make_run().name, fetched_at=ago(seconds=80))
    sections = {"workers": (make_worker(processes=(812,)),), "sources": (make_source("broker"), make_source("workers"))}
    judged = only(**sections, unacked=(message,) if unacked else ())
    assert ("process_gone" in codes(judged), "run_lost" in codes(judged), "message_unacked" in codes(judged)) == (True, not unacked, unacked)


def test_end_of_a_run_of_which_nothing_was_told_before_may_be_that_of_another_delivery():
    """A message is given out twice; an observer that came after both, or a worker whose events were switched on then, tells of one end alone."""
    run = make_run(received_at=None, started_at=None, last_active_at=None, heard_at=ago(seconds=10), ended_at=ago(seconds=10), outcome="SUCCESS")
    silent = make_worker(active=None, active_at=None, answered_at=None, spoke_alone_at=None)
    assert "orphaned" not in only(runs=(run,), workers=(silent,)).flags
    told = make_run(ended_at=ago(seconds=10), heard_at=ago(seconds=10), outcome="SUCCESS")
    assert only(runs=(told,), workers=(silent,)).verdict == "orphaned"
