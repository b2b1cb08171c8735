"""How messages move through one queue: what was seen of its depth and of what its readers received. No I/O, no clock."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

WINDOW = timedelta(seconds=60)
SHORTEST = timedelta(seconds=10)  # of what was seen; a rate over less would jump
GAP = timedelta(seconds=5)  # without a reading: what was before says nothing of a rate now
SAMPLES = 60


class Counter:
    """How often something happened within the window, by the second."""

    def __init__(self, window: timedelta = WINDOW + GAP) -> None:
        self._window = window
        self._seconds: deque[list[Any]] = deque()  # each a second and a count
        self._at: datetime | None = None

    def add(self, at: datetime, count: int = 1) -> None:
        if at is self._at:  # the events of one batch share their time
            self._seconds[-1][1] += count
            return
        self._at, second = at, at.replace(microsecond=0)
        if self._seconds and self._seconds[-1][0] >= second:
            self._seconds[-1][1] += count
        else:
            self._seconds.append([second, count])
        while second - self._seconds[0][0] > self._window:
            self._seconds.popleft()

    def by_minute(self) -> tuple[tuple[int, int], ...]:
        """How often in each minute since 1970 in which it happened, the oldest first."""
        minutes: dict[int, int] = {}
        for second, count in self._seconds:
            minute = int(second.timestamp()) // 60
            minutes[minute] = minutes.get(minute, 0) + count
        return tuple(minutes.items())

    def since(self, at: datetime) -> int:
        """How often from that second on."""
        first = at.replace(microsecond=0)
        return sum(count for second, count in self._seconds if second >= first)


@dataclass
class Flow:
    """One queue's depth over the window, and what was received of it."""

    received: Counter = field(default_factory=Counter)
    samples: deque[int | None] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    _depths: deque[tuple[datetime, int]] = field(default_factory=deque)
    _began: datetime | None = None  # of the messages that waited then …
    _left: int = 0  # … so many have not been received since

    def read(self, ready: int, at: datetime) -> None:
        """One more reading of the depth."""
        if self._depths and at - self._depths[-1][0] > GAP:
            self._depths.clear()
            self._began = None
        self._depths.append((at, ready))
        while len(self._depths) > 1 and at - self._depths[0][0] > WINDOW:
            self._depths.popleft()

    @property
    def since(self) -> datetime | None:
        """Since when the depth was seen without a gap, a window at most; None for less than SHORTEST."""
        if not self._depths or self._depths[-1][0] - self._depths[0][0] < SHORTEST:
            return None
        return self._depths[0][0]

    @property
    def grown(self) -> int | None:
        """By how much it is deeper than at the beginning of the window."""
        return self._depths[-1][1] - self._depths[0][1] if self.since is not None else None

    def told_since(self, events_since: datetime | None) -> datetime | None:
        """The first reading since which every event is taken in, a window ago at most; None for less than SHORTEST."""
        if events_since is None or not self._depths:
            return None
        first = next((at for at, _ready in self._depths if at >= events_since), None)
        return first if first is not None and self._depths[-1][0] - first >= SHORTEST else None

    def rates(self, since: datetime | None) -> tuple[float | None, float | None]:
        """Messages in and out per second since that reading: out is what was received, in is that and what the queue grew by. None: not known.

        Below zero would be messages that left and that nobody received: then what came in is not known.
        """
        before = next((ready for at, ready in self._depths if at == since), None)
        if since is None or before is None:
            return None, None
        at, ready = self._depths[-1]
        out = self.received.since(since)
        into, seconds = out + ready - before, (at - since).total_seconds()
        return (None if into < 0 else round(into / seconds, 2)), round(out / seconds, 2)

    def take(self, at: datetime, count: int) -> None:
        """Readers received so many messages of this queue."""
        self.received.add(at, count)
        self._left -= count

    def may_have_lost_one(self) -> None:
        """A reader of this queue received a message of which the queue is not known."""
        self._left -= 1

    def waiting_since(self, *, out_is_known: bool) -> datetime | None:
        """A moment of whose messages some must still wait, for fewer were received since than waited then, whatever their order."""
        at, ready = self._depths[-1]
        if not ready or not out_is_known:
            self._began = None
            return None
        self._left = min(self._left, ready)
        if self._began is None or self._left <= 0:
            self._began, self._left = at, ready
        return self._began
