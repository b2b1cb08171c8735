"""What the history is told of what was never seen: events that were dropped or not received, caches that did not answer. No I/O, no clock.

What goes on is one gap, told again and again with a later end, so that it is known while it lasts and whatever becomes of this observer.
"""

from datetime import datetime, timedelta

from dashboard.history.rows import CACHE_UNSEEN, US, Gap
from dashboard.observer.observations import EventsDropped, EventsLost
from dashboard.records import SourceState

TOLD_EVERY = timedelta(seconds=1)  # what was dropped is told together once a second
OVER = timedelta(seconds=3)  # without another drop
EVENTS, CACHE = "events", "cache "  # names of sources
LONGEST = timedelta(minutes=1)  # then it is written and another begins, so that not much is lost with an observer


class HistoryGaps:
    """Collects them until they are taken."""

    def __init__(self) -> None:
        self._found: list[Gap] = []
        self._began: datetime | None = None  # of what is being dropped
        self._last = self._events = 0
        self._cut_us: int | None = None  # since when no events are received, where that goes on

    def lost(self, seen: EventsLost) -> None:
        """Nothing was received meanwhile; how much that was nobody knows."""
        if seen.to_at > seen.from_at:  # where only our clock was set nothing is missing
            self._found.append(Gap(from_us=self._cut_us or _us(seen.from_at), to_us=_us(seen.to_at), why="cut"))

    def away(self, source: SourceState, from_at: datetime) -> None:
        """Nothing was seen of it up to the moment that is said as the beginning of its state."""
        if source.name == EVENTS:
            self._cut_us = None if source.ok else _us(from_at)
            self._found.append(Gap(from_us=_us(from_at), to_us=_us(source.since), why="cut"))
        elif is_in_history(source.name):
            self._found.append(Gap(from_us=_us(from_at), to_us=_us(source.since), why=CACHE_UNSEEN, cache=source.name.removeprefix(CACHE)))

    def dropped(self, seen: EventsDropped) -> None:
        """So many events found no room."""
        self._began = self._began or seen.at - TOLD_EVERY
        self._last, self._events = _us(seen.at), self._events + sum(seen.by_type.values())

    def take(self, now: datetime, *, whole: bool = False) -> list[Gap]:
        """Those that are over, or with `whole` all of them."""
        if self._began is not None and (whole or _us(now - OVER) >= self._last or now - self._began >= LONGEST):
            self._found.append(Gap(from_us=_us(self._began), to_us=self._last, why="events", how_many=self._events))
            self._began, self._events = None, 0
        found, self._found = self._found, []
        return found


def is_in_history(source: str) -> bool:
    """Whether what this source tells is kept there."""
    return source == EVENTS or source.startswith(CACHE)


def _us(at: datetime) -> int:
    return int(at.timestamp() * US)
