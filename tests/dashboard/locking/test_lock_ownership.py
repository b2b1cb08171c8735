"""Whose a HolderLock is: its token, what is refused to whoever does not hold it, and what a block leaves behind, all as redis-py's Lock does."""

import threading

import pytest
from redis.exceptions import LockError, LockNotOwnedError, ResponseError


@pytest.mark.parametrize("act", [lambda lock: lock.extend(5), lambda lock: lock.reacquire(), lambda lock: lock.release()])
def test_lock_never_acquired_can_be_neither_extended_nor_released(redis, act):
    with pytest.raises(LockError):
        act(redis.lock("lock_report_7", timeout=5))


@pytest.mark.parametrize("act", [lambda lock: lock.extend(5), lambda lock: lock.reacquire(), lambda lock: lock.release()])
def test_lock_that_changed_hands_is_left_to_its_new_holder(redis, act):
    lock = redis.lock("lock_report_7", timeout=5)
    lock.acquire()
    redis.set("lock_report_7", "another")

    with pytest.raises(LockNotOwnedError):
        act(lock)

    assert redis.get("lock_report_7") == b"another"


@pytest.mark.parametrize("act", [lambda lock: lock.extend(5), lambda lock: lock.reacquire()])
def test_lock_without_timeout_has_nothing_to_extend(redis, act):
    lock = redis.lock("lock_report_7")
    lock.acquire()

    with pytest.raises(LockError):
        act(lock)


def test_context_manager_holds_and_releases_also_when_the_body_raises(redis):
    lock = redis.lock("lock_report_7", timeout=5)

    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError(lock.owned())

    assert not lock.locked()


def test_context_manager_raises_when_refused_and_leaves_the_holder_alone(redis):
    holder = redis.lock("lock_report_7")
    holder.acquire()

    with pytest.raises(LockError), redis.lock("lock_report_7", blocking_timeout=0.05, sleep=0.01):
        pytest.fail("two holders")

    assert holder.owned()


def test_leaving_a_lost_lock_raises_unless_told_not_to(redis):
    with pytest.raises(LockNotOwnedError), redis.lock("lock_report_7", timeout=5):
        redis.delete("lock_report_7")

    with redis.lock("lock_report_7", timeout=5, raise_on_release_error=False):
        redis.delete("lock_report_7")


def test_token_is_a_threads_own_unless_shared(redis):
    shared, own = redis.lock("lock_a", thread_local=False), redis.lock("lock_b")
    thread = threading.Thread(target=lambda: (shared.acquire(), own.acquire()))

    thread.start()
    thread.join(30)

    assert shared.owned() and not own.owned()
    shared.release()
    with pytest.raises(LockError):
        own.release()


@pytest.mark.parametrize("token", ["mine", b"mine", "d9c26803"])
def test_token_of_the_caller_is_used_as_it_is(redis, token):
    lock = redis.lock("lock_report_7")

    lock.acquire(token=token)

    assert redis.get("lock_report_7") == (token if isinstance(token, bytes) else token.encode())
    assert lock.owned()
    lock.release()


def test_lock_can_be_taken_again_by_the_same_object_with_another_token(redis):
    lock, tokens = redis.lock("lock_report_7", timeout=5), []

    for _ in range(2):
        lock.acquire()
        tokens.append(lock.local.token)
        lock.release()
        assert lock.local.token is None

    assert tokens[0] != tokens[1]


def test_attempt_through_the_holding_object_is_refused_and_leaves_it_held(redis):
    lock = redis.lock("lock_report_7", timeout=5)
    lock.acquire()

    assert lock.acquire(blocking=False) is False

    assert lock.owned()
    lock.release()


def test_errors_tell_the_name_of_the_lock(redis):
    lock = redis.lock("lock_report_7", timeout=5)

    with pytest.raises(LockError) as never_taken:
        lock.release()
    lock.acquire()
    redis.delete("lock_report_7")
    with pytest.raises(LockNotOwnedError) as lost:
        lock.extend(5)

    assert (never_taken.value.lock_name, lost.value.lock_name) == ("lock_report_7", "lock_report_7")


def test_token_without_a_thread_of_its_own_releases_from_any_thread(redis):
    lock = redis.lock("lock_report_7", thread_local=False)
    lock.acquire()

    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join(30)

    assert not lock.locked() and lock.local.token is None


def test_first_error_of_the_body_is_the_one_that_is_raised(redis):
    with pytest.raises(ZeroDivisionError), redis.lock("lock_report_7", timeout=5, raise_on_release_error=False):
        raise ZeroDivisionError(redis.delete("lock_report_7"))


def test_error_of_the_client_reaches_the_caller_as_it_is(redis):
    redis.hset("lock_report_7", "a", "b")

    assert redis.lock("lock_report_7").acquire(blocking=False) is False  # whatever is there, SET NX leaves it
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        redis.lock("lock_report_7").owned()
