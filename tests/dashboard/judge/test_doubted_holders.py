"""Which run has a lock where its token names none, and when the death of a likely holder is proof: most of it counterexamples of the oracle made small."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.judge import assess
from dashboard.records import CatalogueEntry, Policy
from tests.dashboard.judge.judged import ENDED, GONE, HOUR, PLAIN, SILENT, codes, only
from tests.factories import NOW, ago, make_lock, make_run, make_snapshot, make_worker

PLAIN_LOCK = make_lock(dialect="redis-py", claim=PLAIN)


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
