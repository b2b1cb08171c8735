"""Releases by hand: the operator's act and the lock's going are told apart, in either order, and belong together by lock and token."""

from collections import deque
from datetime import datetime, timedelta

from dashboard.observer.observations import ReleasedByHand
from dashboard.records import HeldLock

TOGETHER = timedelta(seconds=30)  # the act and what it did: both are told within a second or two
MAX_REMEMBERED = 500


class Hands:
    """The last acts and the last locks that went, each until the other is told."""

    def __init__(self) -> None:
        self._acts: deque[ReleasedByHand] = deque(maxlen=MAX_REMEMBERED)
        self._open: deque[ReleasedByHand] = deque(maxlen=MAX_REMEMBERED)  # of these, those whose lock is not known to be gone
        self._gone: deque[tuple[HeldLock, datetime]] = deque(maxlen=MAX_REMEMBERED)

    def told(self, act: ReleasedByHand) -> HeldLock | None:
        """An act, perhaps told before; the lock that it took away, where that is known to be gone and this is the first to say why."""
        if act in self._acts:
            return None
        self._acts.append(act)
        found = next((gone for gone in self._gone if _belong(act, *gone)), None)
        if found is None:
            self._open.append(act)
            return None
        self._gone.remove(found)
        return found[0]

    def knows(self, act: ReleasedByHand) -> bool:
        """Whether it was told before."""
        return act in self._acts

    def gone(self, lock: HeldLock, at: datetime) -> ReleasedByHand | None:
        """A lock went before its time; the act that did it, where it was told already."""
        act = next((act for act in self._open if _belong(act, lock, at)), None)
        if act is None:
            self._gone.append((lock, at))
        else:
            self._open.remove(act)  # where its token is put back, the next going is another's
        return act


def _belong(act: ReleasedByHand, lock: HeldLock, at: datetime) -> bool:
    return (act.lock_id, act.token_digest) == (lock.id, lock.token_digest) and abs(at - act.at) <= TOGETHER
