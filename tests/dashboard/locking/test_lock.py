"""HolderLock behaves as redis-py's Lock does and costs the same commands: taking, waiting, giving back, and its time."""

import threading
import time

import pytest
from redis.exceptions import LockError
from redis.lock import Lock

from dashboard.locking import HolderLock
from tests.dashboard.locking.helpers import until


def test_lock_is_held_from_acquire_to_release(redis):
    lock = redis.lock("lock_report_7")

    assert lock.acquire() is True
    assert lock.locked() and lock.owned()
    lock.release()

    assert not lock.locked() and not lock.owned()
    assert redis.get("lock_report_7") is None


def test_second_lock_is_refused_while_the_first_is_held(redis):
    first, second = redis.lock("lock_report_7"), redis.lock("lock_report_7")
    first.acquire()

    assert second.acquire(blocking=False) is False
    assert second.locked() and not second.owned()
    first.release()

    assert second.acquire(blocking=False) is True


def test_blocking_attempt_gives_up_after_its_timeout(redis):
    redis.lock("lock_report_7").acquire()

    began = time.monotonic()
    refused = redis.lock("lock_report_7", sleep=0.05).acquire(blocking_timeout=0.3)

    assert refused is False
    assert time.monotonic() - began >= 0.2


def test_blocking_timeout_and_sleep_of_the_lock_itself_count_too(redis):
    redis.lock("lock_report_7").acquire()

    assert redis.lock("lock_report_7", sleep=0.01, blocking_timeout=0.05).acquire() is False
    assert redis.lock("lock_report_7", blocking=False).acquire() is False


def test_waiting_attempt_gets_the_lock_when_it_is_released(redis):
    held, waiting = redis.lock("lock_report_7"), redis.lock("lock_report_7", sleep=0.01, thread_local=False)
    held.acquire()
    thread = threading.Thread(target=waiting.acquire, kwargs={"blocking_timeout": 30})

    thread.start()
    held.release()
    thread.join(30)

    assert waiting.owned()


@pytest.mark.parametrize(("timeout", "milliseconds"), [(50, 50_000), (52.5, 52_500)])
def test_timeout_bounds_the_lock_to_the_millisecond(redis, timeout, milliseconds):
    redis.lock("lock_report_7", timeout=timeout).acquire()

    assert milliseconds - 20_000 < redis.pttl("lock_report_7") <= milliseconds


def test_lock_without_timeout_is_held_until_released(redis):
    redis.lock("lock_report_7").acquire()

    assert redis.pttl("lock_report_7") == -1


def test_extend_adds_time_or_replaces_it(redis):
    lock = redis.lock("lock_report_7", timeout=10)
    lock.acquire()

    assert lock.extend(10) is True
    assert 15_000 < redis.pttl("lock_report_7") <= 20_000
    assert lock.extend(5.5, replace_ttl=True) is True
    assert redis.pttl("lock_report_7") <= 5_500


def test_reacquire_starts_the_timeout_again(redis):
    lock = redis.lock("lock_report_7", timeout=10)
    lock.acquire()
    redis.pexpire("lock_report_7", 5_000)

    assert lock.reacquire() is True

    assert redis.pttl("lock_report_7") > 5_000


def test_lock_works_through_a_client_that_decodes_answers(redis, server):
    decoding = type(redis).from_url(f"{server.connection_url}/1", decode_responses=True)

    with decoding.lock("lock_report_7", timeout=5) as lock:
        assert lock.owned()
        assert lock.extend(5)

    assert not lock.locked()


def test_expired_lock_is_free_for_the_next(redis):
    redis.lock("lock_report_7", timeout=0.01).acquire()

    assert until(lambda: redis.lock("lock_report_7").acquire(blocking=False))


def test_pause_longer_than_the_patience_is_not_slept(redis):
    redis.lock("lock_report_7").acquire()

    began = time.monotonic()
    with pytest.raises(LockError), redis.lock("lock_report_7", sleep=60, blocking_timeout=0.05):
        pytest.fail("two holders")

    assert time.monotonic() - began < 30


def test_no_patience_at_all_is_one_try(redis):
    held = redis.lock("lock_report_7")

    assert held.acquire(blocking_timeout=0) is True
    assert redis.lock("lock_report_7").acquire(blocking_timeout=0) is False


def test_scripts_that_the_server_forgot_are_sent_again(redis):
    lock = redis.lock("lock_report_7", timeout=5)
    lock.acquire()
    redis.script_flush()

    assert lock.extend(5) and lock.reacquire()
    lock.release()

    assert not lock.locked()


def test_lock_costs_the_same_commands_as_a_plain_one(lone_redis):
    plain = commands_of_ten_rounds(lone_redis, Lock)

    ours = commands_of_ten_rounds(lone_redis, HolderLock)

    assert ours == plain
    assert (ours["set"], ours["evalsha"]) == (10, 30)


def commands_of_ten_rounds(redis, lock_class):
    """Count every command that the server ran for ten rounds of acquire, extend, reacquire and release."""
    one_round(redis, lock_class)  # loads the scripts
    redis.config_resetstat()
    for _ in range(10):
        one_round(redis, lock_class)
    stats = redis.info("commandstats")
    return {name.removeprefix("cmdstat_"): figures["calls"] for name, figures in stats.items()}


def one_round(redis, lock_class):
    with redis.lock("lock_report_7", timeout=5, lock_class=lock_class) as lock:
        lock.extend(5)
        lock.reacquire()
