"""What the history is told of events that were never taken in: what was dropped is one gap for as long as it goes on. No I/O, no clock."""

from datetime import datetime, timedelta

from dashboard.history.rows import US, Gap
from dashboard.observer.observations import EventsDropped, EventsLost

TOLD_EVERY = timedelta(seconds=1)  # what was dropped is told together once a second
OVER = timedelta(seconds=3)  # without another drop
LONGEST = timedelta(minutes=1)  # then it is written and another begins, so that not much is lost with an observer


class HistoryGaps:
    """Collects them until they are taken."""

    def __init__(self) -> None:
        self._found: list[Gap] = []
        self._began: datetime | None = None  # of what is being dropped
        self._last = self._events = 0

    def lost(self, seen: EventsLost) -> None:
        """Nothing was received meanwhile; how much that was nobody knows."""
        self._found.append(Gap(from_us=_us(seen.from_at), to_us=_us(seen.to_at), why="cut"))

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


def _us(at: datetime) -> int:
    return int(at.timestamp() * US)
