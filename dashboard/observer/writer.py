"""Writes what changed of the state as a snapshot into our own Redis, and announces it: what somebody waits for at once, the rest when it is due."""

import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic, time_ns

from redis import Redis
from redis.exceptions import RedisError

from dashboard import snapshot
from dashboard.observer.announce import Announcer
from dashboard.observer.state import URGENT, State

log = logging.getLogger(__name__)
URGENT_EVERY_S = 0.02  # locks that change faster than this are written together
WRITE_EVERY_S = 0.2  # what is not urgent
AWAY_S = 1.0  # until it is tried again, where our Redis does not answer
LONGEST_S = 1.0  # that it waits for its share: a page says of itself that it is old after a few seconds
SHARE = 0.05  # of the time at most goes into what is not urgent: events come first, and there may be many


class Writer:
    """What is not written yet, and since when it may be."""

    def __init__(self, own: Redis, state: State, epoch: int) -> None:
        self._own, self._state, self._epoch = own, state, epoch
        self._version = time_ns()  # what a page has read of an observer before is never taken for ours, though we could not read how far that one had counted
        self._versions: dict[str, int] = {}
        self._dirty: set[str] = set(snapshot.SECTIONS)
        self._pressing: set[str] = set()  # those of it that somebody waits for: locks changed, not only time passed
        self._next_urgent = self._next_rest = 0.0
        self._rest_costs_from = 0.0  # until then the rest is not written beside what presses
        self._urgent, self._rest = Announcer(), Announcer()

    def changed(self, sections: Collection[str], *, by_time: bool = False) -> None:
        """They are to be written; what changed only because time passed does not press."""
        self._dirty |= set(sections)
        if not by_time:
            self._pressing |= set(sections) & URGENT

    def due_at(self) -> float | None:
        """When the next write is due, by the monotonic clock; None where there is nothing to write."""
        if not self._dirty:
            return None
        return min(self._next_urgent, self._next_rest) if self._pressing else self._next_rest

    def write_due(self) -> bool:
        """Write what is due; False where a newer leader has written, and nothing was."""
        now, due_at = monotonic(), self.due_at()
        if due_at is None or now < due_at:
            return True
        sections = set(self._dirty) if now >= self._rest_costs_from else set(self._pressing)
        self._next_urgent = now + URGENT_EVERY_S
        is_ours = self._write(sections)
        if sections - URGENT:
            took = monotonic() - now
            self._rest_costs_from = now + min(took / SHARE, LONGEST_S)
            self._next_rest = max(self._next_rest, now + WRITE_EVERY_S, self._rest_costs_from)
        return is_ours

    def _write(self, sections: set[str]) -> bool:
        self._version += 1
        self._versions |= dict.fromkeys(sections, self._version)
        written = replace(self._state.snapshot(datetime.now(UTC), sections), version=self._version)
        try:
            if not snapshot.put(self._own, written, self._versions, sections, epoch=self._epoch):
                return False
        except RedisError as error:
            log.warning("could not write the snapshot: %s", error)
            self._next_urgent = self._next_rest = monotonic() + AWAY_S
            return True
        pressing = self._pressing & sections
        self._dirty -= sections
        self._pressing -= sections
        self._urgent.announce(pressing)  # each on its own, so that what changes all the time does not hold up what somebody waits for
        self._rest.announce(sections - pressing)
        return True

    def close(self) -> None:
        """Announce what waits."""
        self._urgent.close()
        self._rest.close()
