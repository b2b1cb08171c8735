"""What looks like a death and is none, and the proofs that are left: one test for each, most of them counterexamples of the oracle made small."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.judge import assess
from dashboard.records import CatalogueEntry, FlowReading, Policy, Proved, UnackedMessage
from tests.dashboard.judge.test_verdicts import OWNED, PLAIN, SILENT, codes, judge
from tests.factories import NOW, ago, make_claim, make_lock, make_run, make_snapshot, make_source, make_worker

GONE = SILENT | {"connection_known": True, "connection_gone_at": ago(seconds=50)}
ENDED = {"ended_at": ago(seconds=10), "heard_at": ago(seconds=10), "outcome": "SUCCESS"}
PLAIN_LOCK = make_lock(dialect="redis-py", claim=PLAIN)
HOUR = timedelta(hours=1)


def only(policy=OWNED, **sections):
    (judged,) = judge(policy, **sections)
    return judged


# the holder


@pytest.mark.parametrize("skew", [-HOUR, timedelta(seconds=-3), timedelta(seconds=3), HOUR])
def test_run_fits_its_token_however_wrong_the_clock_of_both_is(skew):
    """A run's times and its token come from one machine's clock, so what that clock is off by adds no doubt."""
    lock = replace(PLAIN_LOCK, claim=replace(PLAIN, attempted_at=PLAIN.attempted_at + skew))
    run = make_run(received_at=ago(seconds=81) + skew, started_at=ago(seconds=80.1) + skew, parent_pid=790)

    judged = only(locks=(lock,), runs=(run,), workers=(make_worker(clock_skew=skew),))

    assert (judged.holder.certainty, judged.holder.task_id, judged.holder.distance) == ("likely", run.task_id, timedelta(milliseconds=100))


def test_worker_by_whose_clock_the_attempt_is_still_to_come_cannot_have_made_it():
    attempted_at = NOW + HOUR
    ahead = make_run(task_id="ahead", worker="w@ahead", parent_pid=5, received_at=attempted_at - HOUR, started_at=attempted_at - timedelta(seconds=9))
    right = make_run(parent_pid=790)
    workers = (make_worker(clock_skew=timedelta(seconds=3)), make_worker(name="w@ahead", pid=5, clock_skew=HOUR))

    judged = only(locks=(replace(PLAIN_LOCK, claim=replace(PLAIN, attempted_at=attempted_at)),), runs=(right, ahead), workers=workers)

    assert (judged.holder.task_id, judged.holder.candidates) == ("ahead", 1)


def test_token_made_long_before_the_lock_was_won_still_names_its_run():
    """A blocking wait: the attempt began 40 s before, and its run with it; that others started when the lock was won does not matter."""
    lock = replace(PLAIN_LOCK, acquired_at=ago(seconds=40), first_seen_at=ago(seconds=40))
    later = make_run(task_id="later", received_at=ago(seconds=40.2), started_at=ago(seconds=40.1))

    assert only(locks=(lock,), runs=(make_run(), later)).holder.task_id == make_run().task_id


def test_run_whose_start_is_told_late_is_a_candidate_all_the_same():
    late = make_run(task_id="late", received_at=ago(seconds=80.3), started_at=ago(seconds=79.2))

    judged = only(locks=(PLAIN_LOCK,), runs=(make_run(started_at=ago(seconds=80.3)), late))

    assert (judged.holder.certainty, judged.holder.candidates, judged.verdict) == ("unknown", 2, "unknown")


def test_same_message_given_out_again_to_the_same_worker_is_not_the_holder():
    again = make_run(parent_pid=790, received_at=ago(seconds=20), started_at=ago(seconds=19), redelivered=True, **ENDED)
    first = make_run(parent_pid=790)

    judged = only(runs=(again, first), workers=(make_worker(active=None, active_at=None),))

    assert judged.verdict == "held"


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


# a likely holder

DEAD = {"runs": (make_run(**ENDED),), "locks": (PLAIN_LOCK,)}


def test_that_the_process_before_sent_events_does_not_say_that_this_one_does():
    """What it runs was asked for before the lock was taken, and that a start since then would have been told was another's promise."""
    asked = {"active": (), "active_at": ago(seconds=82), "spoke_alone_at": ago(seconds=82), "sends_events": True, "started_at": ago(seconds=119)}
    since, holder = asked | {"started_after": ago(seconds=120)}, make_worker(active=())

    for told_at, verdict in ((ago(seconds=90), "orphaned"), (ago(seconds=130), "unknown")):
        other = make_worker(name="w@other", pid=4, task_event_at=told_at, **since)
        assert only(**DEAD, workers=(holder, other)).verdict == verdict


def test_dead_likely_holder_is_proof_once_all_that_could_have_the_lock_are_accounted_for():
    judged = only(**DEAD, workers=(make_worker(active=()), make_worker(name="w@other", pid=4, tasks=("another",), active=None)))
    assert judged.verdict == "orphaned"
    assert judged.evidence[-1].values == {"asked": 1, "answered": 1}


@pytest.mark.parametrize(
    "other",
    [
        {"active": None, "active_at": None},
        {"active": (), "active_at": ago(seconds=79)},
        {"active": ("nobody knows",)},
        {"active": (), "active_at": None, "said_offline_at": ago(seconds=60)},
        SILENT | {"active": (), "active_at": ago(seconds=82), "connection_known": True},
    ],
    ids=["not asked", "asked too early", "has an unknown run", "leaves", "frozen"],
)
def test_worker_that_could_have_the_lock_and_is_not_accounted_for_is_a_doubt(other):
    judged = only(**DEAD, workers=(make_worker(active=()), make_worker(**({"name": "w@other", "pid": 4} | other))))
    assert judged.verdict == "unknown"
    assert judged.evidence[-1].values == {"asked": 2, "answered": 1}


def test_dead_likely_holder_is_no_proof_while_runs_were_told_of_that_found_no_room():
    """One of them may be the holder: nobody knows them any more."""
    judged = only(**DEAD, workers=(make_worker(active=()),), candidates_missed_at=ago(minutes=20))
    assert (judged.verdict, "candidates_missed" in codes(judged)) == ("unknown", True)


def test_another_run_of_the_task_that_ran_at_the_time_may_be_the_holder():
    """The closest run ended; one that began long before took the lock late: it is the holder, and lives."""
    other = make_run(task_id="other", started_at=ago(seconds=95), received_at=ago(seconds=96), parent_pid=790)
    judged = only(runs=(make_run(**ENDED), other), locks=(PLAIN_LOCK,), workers=(make_worker(active=("other",)),))
    assert judged.verdict == "unknown"
    assert "other_candidate" in codes(judged)


def test_process_that_came_with_the_pid_of_one_that_may_be_leaving_does_not_speak_for_it():
    """A container has the same pids each time: what the one before still runs is told by nobody."""
    came = make_worker(name="w@other", pid=4, first_heard_at=ago(hours=1), online_at=(ago(seconds=60),), active=())
    judged = only(**DEAD, workers=(make_worker(active=()), came))
    assert judged.verdict == "unknown"
    assert judged.evidence[-1].values == {"asked": 2, "answered": 1}


def test_doubts_do_not_make_a_lock_without_an_owner_orphaned():
    assert only(Policy(), **DEAD, workers=(make_worker(active=()),)).verdict == "unknown"
    elsewhere = Policy(catalogue=(CatalogueEntry(pattern="lock_report_{id}", owner="another"),))
    assert assess(make_snapshot(**DEAD, workers=(make_worker(active=()),)), NOW, elsewhere)[0].verdict == "unknown"


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


def test_answer_from_before_a_lock_was_taken_excludes_nobody_while_a_start_may_still_be_told():
    """Its holder may be a run that started a moment ago; the last one of that task is dead."""
    dead = make_run(task_id="dead", worker="v@a", pid=11, parent_pid=10, received_at=ago(seconds=90), started_at=ago(seconds=89), heard_at=ago(seconds=88))
    killed = make_worker(name="v@a", pid=10, **GONE)
    living = make_worker(active=(), active_at=ago(seconds=1), spoke_alone_at=ago(seconds=1), sends_events=True)

    def flags_of_a_lock_taken(seconds):
        taken_at = ago(seconds=seconds)
        lock = make_lock(dialect="redis-py", claim=replace(PLAIN, attempted_at=taken_at), acquired_at=taken_at, first_seen_at=taken_at, seen_at=NOW)
        return only(locks=(lock,), runs=(dead,), workers=(killed, living)).flags

    assert "orphaned" not in flags_of_a_lock_taken(0.7)
    assert "orphaned" in flags_of_a_lock_taken(5)
