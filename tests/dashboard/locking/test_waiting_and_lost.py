"""A wait is told when it begins, once, and a lock that its holder lost is told as lost; both by real workers."""

import hashlib

import pytest

from tests.dashboard.locking.helpers import answer
from tests.system import wait_for

TOLD = ("lock-waiting", "lock-refused", "lock-lost")


def test_wait_that_ends_well_is_told_once_and_known_by_the_token_it_then_holds(redis, worker, events, held):
    task_id = worker.send("locking_wait", held, "told", "barrier")

    waiting = events.next(*TOLD)
    redis.delete(held)
    told = answer(redis, "told")
    redis.rpush("barrier", "go")
    worker.send("locking_lose", "lock_marker", "told", "release")

    assert (waiting["type"], waiting["key"], waiting["uuid"], waiting["task"]) == ("lock-waiting", held, task_id, "locking_wait")
    assert (waiting["limit"], waiting["retries"], waiting["hostname"]) == (None, 0, "locks@tests")
    assert told == {"acquired": True, "digest": waiting["digest"]}
    assert events.next(*TOLD)["key"] == "lock_marker"  # nothing more was told of the wait
    wait_for(lambda: not redis.exists(held), said="given back")


def test_wait_in_vain_is_told_when_it_begins_and_when_it_ends(redis, worker, events, held):
    worker.send("locking_wait", held, "told", "barrier", wait=3)

    waiting, refused = events.next(*TOLD), events.next(*TOLD)

    assert (waiting["type"], refused["type"]) == ("lock-waiting", "lock-refused")
    assert (waiting["limit"], refused["given_up_by"]) == (3, None)
    assert waiting["digest"] == refused["digest"] != hashlib.sha256(b"another").hexdigest()[:16]
    assert refused["waited"] > 0.2
    assert answer(redis, "told")["acquired"] is False


def test_wait_that_a_time_limit_breaks_off_is_told_as_given_up(worker, events, held):
    task_id = worker.send("locking_wait", held, "told", "barrier", soft_time_limit=3)

    waiting, refused = events.next(*TOLD), events.next(*TOLD)

    assert (waiting["type"], refused["type"]) == ("lock-waiting", "lock-refused")
    assert (refused["given_up_by"], refused["uuid"], refused["digest"]) == ("SoftTimeLimitExceeded", task_id, waiting["digest"])


def test_attempt_whose_patience_is_shorter_than_its_pause_does_not_wait(redis, worker, events, held):
    worker.send("locking_wait", held, "told", "barrier", wait=0.01)

    assert events.next(*TOLD)["type"] == "lock-refused"


@pytest.mark.parametrize("how", ["release", "extend", "reacquire"])
def test_lost_lock_is_told_with_its_own_token_and_the_holder_gets_redis_pys_error(redis, worker, events, how):
    task_id = worker.send("locking_lose", "lock_report_7", "told", how)

    lost, told = events.next(*TOLD), answer(redis, "told")

    assert (lost["type"], lost["key"], lost["uuid"], lost["task"]) == ("lock-lost", "lock_report_7", task_id, "locking_lose")
    assert (lost["noticed"], lost["digest"], lost["dropped"]) == (how, told["digest"], 0)
    assert told["raised"] == "LockNotOwnedError"
