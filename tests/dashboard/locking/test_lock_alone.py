"""HolderLock made by itself over plain redis-py, without HolderRedis, Django or django-redis; and what is left of a lock given back twice."""

import os

import pytest
from redis import Redis
from redis.exceptions import LockError, LockNotOwnedError

from dashboard.locking import HolderLock
from dashboard.locking.token import read_token


@pytest.fixture
def plain(redis, server):
    """The same clean database, by redis-py's own client."""
    with Redis.from_url(f"{server.connection_url}/1", socket_timeout=60) as client:
        yield client


def test_lock_over_a_plain_client_is_held_from_acquire_to_release(plain):
    lock = HolderLock(plain, "lock_report_7")

    assert lock.acquire() is True
    assert read_token(plain.get("lock_report_7")).pid == os.getpid()
    assert plain.pttl("lock_report_7") == -1
    assert lock.locked() and lock.owned()
    lock.release()

    assert not plain.exists("lock_report_7")


def test_lock_over_a_plain_client_keeps_out_redis_pys_own_lock_and_the_other_way_round(plain):
    ours, theirs = HolderLock(plain, "lock_report_7", timeout=5), plain.lock("lock_report_7", timeout=5)

    with ours:
        assert theirs.acquire(blocking=False) is False
    with theirs:
        assert ours.acquire(blocking=False) is False


def test_lock_over_a_plain_client_takes_every_option_of_redis_pys(plain):
    with HolderLock(plain, "lock_report_7", 5, 0.01, True, 0.05, False, False) as lock:
        assert lock.extend(5) and lock.reacquire()
        assert (lock.timeout, lock.sleep, lock.blocking_timeout) == (5, 0.01, 0.05)
        with pytest.raises(LockError), HolderLock(plain, "lock_report_7", blocking_timeout=0.05, sleep=0.01):
            pytest.fail("two holders")
        plain.delete("lock_report_7")

    assert not lock.locked()


def test_release_in_the_body_makes_leaving_raise(redis):
    with pytest.raises(LockError) as raised, redis.lock("lock_report_7", timeout=5, raise_on_release_error=True) as lock:
        lock.release()

    assert not isinstance(raised.value, LockNotOwnedError)
    assert not redis.exists("lock_report_7")


def test_release_in_the_body_is_let_pass_where_leaving_is_told_not_to_raise(redis):
    with redis.lock("lock_report_7", timeout=5, raise_on_release_error=False) as lock:
        lock.release()

    assert not redis.exists("lock_report_7")


def test_release_in_the_body_leaves_the_next_holder_alone(redis):
    other = redis.lock("lock_report_7", timeout=5)

    with redis.lock("lock_report_7", timeout=5, raise_on_release_error=False) as lock:
        lock.release()
        other.acquire()

    assert other.owned()


def test_release_of_a_lock_no_longer_owned_forgets_the_token_although_it_raises(redis):
    lock = redis.lock("lock_report_7", timeout=5)
    lock.acquire()
    redis.set("lock_report_7", "another")

    with pytest.raises(LockNotOwnedError):
        lock.release()

    assert lock.local.token is None
    with pytest.raises(LockError) as again:
        lock.release()
    assert not isinstance(again.value, LockNotOwnedError)


def test_lock_is_owned_by_its_token_and_by_no_other(redis):
    lock = redis.lock("lock_report_7", timeout=5)
    lock.acquire()
    mine = redis.get("lock_report_7")

    redis.set("lock_report_7", mine + b"x")
    assert lock.locked() and not lock.owned()
    redis.set("lock_report_7", mine)
    assert lock.owned()


@pytest.mark.parametrize("act", [lambda lock: lock.extend(5), lambda lock: lock.reacquire()])
def test_lock_that_could_not_be_extended_keeps_its_token(redis, act):
    """As redis-py's does: only a release forgets it."""
    lock = redis.lock("lock_report_7", timeout=5)
    lock.acquire()
    mine = redis.getdel("lock_report_7")

    with pytest.raises(LockNotOwnedError):
        act(lock)

    redis.set("lock_report_7", mine, px=5_000)
    assert lock.owned()
