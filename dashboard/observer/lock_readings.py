"""Two readings of one lock put together."""

from dataclasses import replace
from datetime import datetime, timedelta

from dashboard.records import HeldLock

SAME_DEADLINE = timedelta(milliseconds=75)  # beyond what the answers took: Redis rounds to milliseconds, and its clock drifts from ours between two readings
CREPT = timedelta(milliseconds=25)  # a deadline that is off by more is put right, though nobody moved it; far more than clocks drift between two readings
OTHER_CLOCK = timedelta(seconds=2)  # how far the clock of the observer before may have been from ours

AT_ONCE = timedelta(seconds=2)  # an operator's act and what was seen of it, by the clocks of two processes

UNREAD_FOR = timedelta(seconds=15)  # a lock past its deadline is read each second, and every lock within 10


def is_unread(lock: HeldLock, now: datetime) -> bool:
    """Whether nobody has read it since its deadline, which passed long ago."""
    return lock.expires_at is not None and lock.seen_at < lock.expires_at and now - lock.expires_at > UNREAD_FOR


def lapsed_key(lock: HeldLock) -> str:
    """What tells an expired lock from the one that is now held under the same key."""
    return f"{lock.id}-{lock.token_digest}"


def is_deleted_early(lock: HeldLock) -> bool:
    """Whether a lock that is gone before its time may have been deleted by another than its holder: that run was to hold it until its own end."""
    return lock.taken_by == "send" and lock.claim is not None and lock.claim.task_id is not None


def whole(timeout: timedelta | None) -> timedelta | None:
    """The whole life that was asked for: its reading is a few milliseconds short, for it took a moment to read."""
    if timeout is None:
        return None
    seconds = timedelta(seconds=round(timeout.total_seconds()))
    return seconds if abs(timeout - seconds) <= SAME_DEADLINE else timeout


def is_put_off(old: HeldLock, new: HeldLock) -> bool:
    """Whether its deadline was put off for sure: even the earliest that it can be now is later than the latest that it can have been."""
    if old.expires_at is None or new.expires_at is None:
        return old.expires_at is not None
    return new.expires_at > old.expires_at + old.read_in + SAME_DEADLINE


def was_put_off_at(lock: HeldLock, at: datetime) -> bool:
    """Whether its deadline was last put off about then."""
    return lock.renewed_at is not None and abs(lock.renewed_at - at) <= AT_ONCE


def read_by_another(lock: HeldLock) -> HeldLock:
    """As the observer before read it, by the clock that it had."""
    return replace(lock, read_in=max(lock.read_in, OTHER_CLOCK))


def merged_with(old: HeldLock, new: HeldLock) -> HeldLock:
    """The same token read again: what was learnt first stays, and a deadline moves only when it was really moved, or is known better."""
    expires_at, read_in, timeout, renewed_at = old.expires_at, old.read_in, old.timeout, old.renewed_at
    is_put_off_now = is_put_off(old, new)
    if is_put_off_now or is_put_off(new, old) or _is_surer(old, new):
        renewed_at = new.seen_at if is_put_off_now else renewed_at
        expires_at, read_in = new.expires_at, new.read_in
        timeout = whole(expires_at - old.acquired_at if expires_at and old.acquired_at else new.timeout)
    return replace(
        new, first_seen_at=old.first_seen_at, acquired_at=old.acquired_at, expires_at=expires_at, read_in=read_in, timeout=timeout, renewed_at=renewed_at,
        proved=old.proved, put_back_at=old.put_back_at,
    )  # fmt: skip


def has_moved(held: HeldLock, reading: HeldLock, *, live: bool) -> bool:
    """Whether its holder took it, or put it off, just before this reading."""
    is_taken = live and held.first_seen_at == reading.first_seen_at and held.put_back_at is None
    return is_taken or held.renewed_at == reading.seen_at


def _is_surer(old: HeldLock, new: HeldLock) -> bool:
    """Whether it says of the same deadline more than the reading before, or the clocks crept apart since that one."""
    if old.expires_at is None or new.expires_at is None:
        return False
    return new.read_in + CREPT < old.read_in or (abs(new.expires_at - old.expires_at) > CREPT and new.read_in <= old.read_in + CREPT)
