"""A proof of a death is kept with its lock; what is found out later of another who has the lock outweighs it."""

from dataclasses import replace

import pytest

from dashboard.records import Claim, Proved, digest_of_id
from tests.dashboard.judge.judged import PLAIN, SILENT, codes, only
from tests.factories import ago, make_claim, make_lock, make_run, make_worker

ID = make_run().task_id
ENDED = Proved(at=ago(seconds=20), code="run_ended", since=ago(seconds=30), task_id=ID)
DEAD = make_run(parent_pid=790, ended_at=ago(seconds=30), heard_at=ago(seconds=30), outcome="SUCCESS", last_active_at=ago(seconds=31))


def test_another_candidate_that_is_seen_to_run_outweighs_it():
    """A worker that was cut off from the broker is heard again, and names a run of the owner's."""
    back = make_run(task_id="back", worker="w@back", pid=11, parent_pid=10, received_at=ago(seconds=95), started_at=ago(seconds=94))
    workers = (make_worker(active=()), make_worker(name="w@back", pid=10, processes=(11, 12), active=("back",)))

    judged = only(locks=(make_lock(dialect="redis-py", claim=PLAIN, proved=ENDED),), runs=(DEAD, back), workers=workers)

    assert "other_candidate" in codes(judged)
    assert "orphaned" not in judged.flags, codes(judged)


def test_proof_of_a_first_delivery_says_nothing_of_a_second_that_is_frozen():
    """The value is the task's id, and who finds its own id there goes on: a child was lost, the message came again, and its worker froze."""
    again = {"worker": "w@other", "pid": 11, "parent_pid": 10, "received_at": ago(seconds=50), "started_at": ago(seconds=49)}
    frozen = {"last_heard_at": ago(seconds=39), "last_event_at": ago(seconds=39), "connection_known": True}
    lost = make_run(parent_pid=790, ended_at=ago(seconds=61), heard_at=ago(seconds=61), outcome="FAILURE", error="WorkerLostError()")
    lock = make_lock(
        dialect="cache.add", claim=Claim(task_digest=digest_of_id(ID)), acquired_at=None, proved=replace(ENDED, code="worker_lost", at=ago(seconds=60))
    )

    judged = only(
        locks=(lock,),
        runs=(make_run(**again, last_active_at=ago(seconds=40), heard_at=ago(seconds=40)), lost),
        workers=(make_worker(active=()), make_worker(name="w@other", pid=10, processes=(11, 12), **(SILENT | frozen))),
    )

    assert "orphaned" not in judged.flags, codes(judged)


def test_that_the_lock_was_put_off_since_outweighs_it():
    silent = make_worker(**SILENT, connection_known=True)
    lock = make_lock(proved=ENDED, renewed_at=ago(seconds=3))
    assert "orphaned" not in only(locks=(lock,), runs=(), workers=(silent,)).flags


@pytest.mark.parametrize(
    "worker",
    [make_worker(active=("something",)), make_worker(active=None, active_at=None, sends_events=False), make_worker(said_offline_at=ago(hours=1))],
    ids=["its token had no room for the id", "nobody can ask it", "it has left since"],
)
def test_worker_that_is_heard_again_was_not_gone(worker):
    """The broker's proxy was restarted, and the network kept the worker away from the new one for a minute."""
    silent = replace(ENDED, code="worker_silent", since=ago(seconds=60), at=ago(hours=2))
    judged = only(locks=(make_lock(claim=make_claim(task_id=None), proved=silent),), runs=(), workers=(worker,))
    assert judged.verdict == "unknown", codes(judged)


def test_it_holds_where_nothing_else_is_known():
    silent = make_worker(**SILENT, connection_known=True)
    assert only(locks=(make_lock(proved=ENDED),), runs=(), workers=(silent,)).verdict == "orphaned"
