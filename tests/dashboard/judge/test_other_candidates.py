"""A plain lock of an owner's, whose likeliest run is dead: any other run that may hold it, and any worker that nobody heard, is a doubt."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.records import FlowReading, Run
from tests.dashboard.judge.judged import PLAIN, only
from tests.factories import ago, make_lock, make_run, make_worker

LOCK = make_lock(dialect="redis-py", claim=PLAIN)
OVER = {"parent_pid": 790, "ended_at": ago(seconds=10), "heard_at": ago(seconds=10), "outcome": "SUCCESS", "last_active_at": None}
DEAD = make_run(task_id="dead", received_at=ago(seconds=95), started_at=ago(seconds=94), **OVER)


def flags_beside(*runs: Run):
    active = tuple(run.task_id for run in runs)
    return only(locks=(LOCK,), runs=(*runs, DEAD), workers=(make_worker(active=active),)).flags


def test_run_whose_start_was_told_five_seconds_late_may_hold_it():
    """Its worker's own process waited for its broker while the child took the lock: a start has the time at which it is told."""
    late = make_run(task_id="late", parent_pid=790, pid=812, received_at=ago(seconds=80.2), started_at=ago(seconds=75))
    assert "orphaned" not in flags_beside(late)


def test_run_that_started_a_minute_later_is_no_doubt_though_it_was_received_before():
    later = make_run(task_id="later", parent_pid=790, pid=812, received_at=ago(seconds=80.2), started_at=ago(seconds=20))
    assert "orphaned" in flags_beside(later)


def test_run_that_goes_by_a_shadow_name_may_be_of_the_owner():
    """`apply_async(shadow="report of ACME")`: its events call it so."""
    shadow = make_run(task_id="shadow", name="report of ACME", parent_pid=790, pid=812, received_at=ago(seconds=80.2), started_at=ago(seconds=80.1))
    assert "orphaned" not in flags_beside(shadow)


def test_worker_that_left_before_anybody_listened_may_have_it():
    """The first start of Lockhouse in the middle of a deployment: its run goes on, another one of the owner's ended."""
    other = make_run(started_at=ago(seconds=95), received_at=ago(seconds=95), **(OVER | {"ended_at": ago(seconds=5), "heard_at": ago(seconds=5)}))
    seen = ago(seconds=60)

    judged = only(
        locks=(replace(LOCK, first_seen_at=seen),), runs=(other,), workers=(make_worker(active=(), first_heard_at=seen),), flow=FlowReading(since=seen)
    )

    assert "orphaned" not in judged.flags, judged.evidence


def test_worker_that_is_heard_first_by_the_very_run_is_no_doubt_where_events_were_received():
    late = make_worker(active=(), first_heard_at=ago(seconds=79))
    seen = replace(LOCK, acquired_at=ago(seconds=79.9))
    assert only(locks=(seen,), runs=(DEAD,), workers=(late,), flow=FlowReading(since=ago(seconds=300))).verdict == "orphaned"


def test_one_of_two_containers_with_one_name_and_pid_does_not_answer_for_the_other():
    seen, both = replace(LOCK, acquired_at=ago(seconds=79.9)), make_worker(name="worker-c@web-3", active=(), shared_at=ago(seconds=70))

    assert only(locks=(seen,), runs=(DEAD,), workers=(make_worker(active=()), replace(both, shared_at=None))).verdict == "orphaned"
    assert only(locks=(seen,), runs=(DEAD,), workers=(make_worker(active=()), both)).verdict == "unknown"


@pytest.mark.parametrize(("since", "verdict"), [(ago(seconds=300), "unknown"), (ago(seconds=400), "orphaned")], ids=["just before", "long before"])
def test_lock_that_was_not_seen_to_be_taken_may_be_older_than_its_token_says_by_a_wrong_clock(since, verdict):
    late = make_worker(active=(), first_heard_at=ago(seconds=79))
    assert only(locks=(LOCK,), runs=(DEAD,), workers=(late,), flow=FlowReading(since=since)).verdict == verdict


def test_run_that_ended_before_the_lock_was_seen_to_be_taken_does_not_hold_it():
    """The clock of that machine was set back by three seconds between the receipt and the attempt: the run before seems to have run then."""
    taken = ago(seconds=80)
    lock = replace(LOCK, claim=replace(PLAIN, attempted_at=taken - timedelta(seconds=3)), acquired_at=taken, first_seen_at=taken)
    before = make_run(
        task_id="before", received_at=ago(seconds=95), started_at=ago(seconds=95), **(OVER | {"ended_at": ago(seconds=80.6), "heard_at": ago(seconds=80.6)})
    )
    holder = make_run(task_id="holder", parent_pid=790, pid=812, received_at=ago(seconds=80.5), started_at=ago(seconds=80.4))

    judged = only(locks=(lock,), runs=(holder, before), workers=(make_worker(active=("holder",)),))

    assert "orphaned" not in judged.flags, judged.evidence
