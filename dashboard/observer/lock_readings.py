"""Two readings of one lock put together."""

from dataclasses import replace
from datetime import datetime, timedelta

from dashboard.records import HeldLock

SAME_DEADLINE = timedelta(milliseconds=75)  # two readings of one TTL differ by the time that the answers took

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


def merged_with(old: HeldLock, new: HeldLock) -> HeldLock:
    """The same token read again: what was learnt first stays, and a deadline moves only when it was really moved."""
    expires_at, timeout, renewed_at = old.expires_at, old.timeout, old.renewed_at
    moved = (new.expires_at is None) != (expires_at is None) or (
        new.expires_at is not None and expires_at is not None and abs(new.expires_at - expires_at) > SAME_DEADLINE
    )
    if moved:
        if new.expires_at is None or (expires_at is not None and new.expires_at > expires_at):
            renewed_at = new.seen_at
        expires_at = new.expires_at
        timeout = whole(expires_at - old.acquired_at if expires_at and old.acquired_at else new.timeout)
    return replace(
        new, first_seen_at=old.first_seen_at, acquired_at=old.acquired_at, expires_at=expires_at, timeout=timeout, renewed_at=renewed_at, proved=old.proved
    )
