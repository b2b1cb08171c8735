"""The deadline that somebody saw before a lock is extended, so that two who saw the same one do not add to each other's. No I/O."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.acts.lifetime_look import Looked
from dashboard.records import HeldLock, Snapshot

MS = timedelta(milliseconds=1)
SAME_DEADLINE = timedelta(milliseconds=75)  # beyond what the answers took: Redis rounds to milliseconds, and its clock drifts from ours between two readings


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenDeadline:
    """When a lock was seen to expire, by Redis' clock, and by how much that may be wrong."""

    at_ms: int = 0
    within_ms: int = -1  # less than nothing: none was seen, so any deadline will do


ANY = SeenDeadline()


def seen_in(looked: Looked) -> SeenDeadline:
    """The one that a plan shows."""
    lock = looked.judged.lock if looked.judged else None
    return SeenDeadline(at_ms=looked.deadline_ms, within_ms=_within(lock)) if looked.deadline_ms else ANY


def expected(looked: Looked, known: Snapshot, at: datetime | None) -> SeenDeadline:
    """The one that somebody read in a list, by our clock: how far it is from the one that is read now is the same by Redis' clock."""
    lock = looked.judged.lock if looked.judged else None
    if at is None or lock is None or lock.expires_at is None or not looked.deadline_ms:
        return ANY
    listed = next((one for one in known.locks if (one.id, one.token_digest) == (lock.id, lock.token_digest)), None)
    return SeenDeadline(at_ms=looked.deadline_ms + round((at - lock.expires_at) / MS), within_ms=_within(lock, listed))


def _within(*read: HeldLock | None) -> int:
    """Each answer may have come late by what it took."""
    return math.ceil((SAME_DEADLINE + sum((lock.read_in for lock in read if lock), timedelta(0))) / MS)
