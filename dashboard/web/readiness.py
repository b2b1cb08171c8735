"""Whether what Lockhouse stands on answers: its database, its own Redis, the observer and each watched source. Never waits for more than a second.

A database or a Redis that hangs holds up only the one thread that asks it: who asks meanwhile is told that it is away.
"""

import threading
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Generic, Literal, TypeVar

from django.db import DatabaseError, connection

from dashboard import snapshot as snapshots
from dashboard.judge.facts import STALE_AFTER
from dashboard.records import Snapshot

WAIT_S = 0.9  # the rest of the second is for the answer itself
T = TypeVar("T")
FRESH_S = 1.0  # an answer this young is given again, so that nobody can keep the sources busy by asking


class Probe(Generic[T]):
    """One question in a thread of its own; never two at once. Its answer is None for "no"."""

    def __init__(self, ask: Callable[[], T | None]) -> None:
        self._ask = ask
        self._guard = threading.Lock()
        self._is_answered = threading.Event()
        self._is_asking = False
        self._answer: T | None = None
        self._at = float("-inf")

    def start(self) -> None:
        """Have it asked, unless it is being asked or was just now."""
        with self._guard:
            if self._is_asking or monotonic() - self._at < FRESH_S:
                return
            self._is_asking = True
            self._is_answered.clear()
        threading.Thread(target=self._run, name="lockhouse-probe", daemon=True).start()

    def _run(self) -> None:
        answer = None
        try:
            answer = self._ask()
        finally:
            with self._guard:
                self._answer, self._at, self._is_asking = answer, monotonic(), False
            self._is_answered.set()

    def answer(self, seconds: float) -> T | None:
        """What it answers; None where it has not within that time."""
        return self._answer if self._is_answered.wait(max(seconds, 0.0)) else None


def _database() -> Literal[True] | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return None
    finally:
        connection.close()  # this thread's own
    return True


def _own_redis() -> Snapshot | None:
    """What it holds."""
    known = snapshots.newest()
    return None if any(source.name == snapshots.OWN_SOURCE and not source.ok for source in known.sources) else known


_DATABASE, _OWN_REDIS = Probe(_database), Probe(_own_redis)


def sources(now: datetime) -> dict[str, bool | None]:
    """By name, whether it answers; what an observer would have to say is not known (None) where none keeps it fresh."""
    until = monotonic() + WAIT_S
    _DATABASE.start()
    _OWN_REDIS.start()
    known = _OWN_REDIS.answer(until - monotonic())
    is_there = _DATABASE.answer(until - monotonic()) is not None
    return {"database": is_there, snapshots.OWN_SOURCE: known is not None, **observed(known or Snapshot(), now)}


def observed(known: Snapshot, now: datetime) -> dict[str, bool | None]:
    """The observer and what it watches; of the present a silent one knows nothing (None)."""
    is_fresh = known.at is not None and now - known.at <= STALE_AFTER
    watched = {source.name: source.ok if is_fresh else None for source in known.sources if source.name != snapshots.OWN_SOURCE}
    return {"observer": is_fresh, **watched}
