"""What is known of events that were never taken in: the gaps, what was dropped by type, and by the workers' own counts how many runs are missing.

A heartbeat says how many runs its worker has started since it began (`processed`; `celery.worker.state`, task_accepted). What that grew by over a
gap, less the starts that were told since, was not told. It is a lower bound: starts are told up to a second late, so those told after the gap are
counted for some seconds more before the difference is taken.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dashboard.observer.history_gaps import HistoryGaps
from dashboard.observer.observations import EventsDropped, EventsLost
from dashboard.records import EventGap
from dashboard.sources.event import Event

SETTLED = timedelta(seconds=6)  # three heartbeats after the gap
MAX_GAPS = 20
MAX_WORKERS = 1000
MAX_TYPES = 50
Process = tuple[str | None, int | None]


@dataclass
class _Open:
    """A gap that the workers' counts are awaited for: by worker what it had counted before it, and what it counts since."""

    gap: EventGap
    before: Mapping[Process, tuple[int, int]]
    after: dict[Process, int] = field(default_factory=dict)


class GapBook:
    """Keeps the last gaps; a gap of which more becomes known is told again."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self.dropped_at: datetime | None = None
        self.for_history = HistoryGaps()
        self._gaps: deque[EventGap] = deque(maxlen=MAX_GAPS)
        self._open: list[_Open] = []
        self._started: Counter[Process] = Counter()
        self._beats: dict[Process, tuple[int, int]] = {}  # what the last heartbeat counted, and how many starts had been told by then

    @property
    def gaps(self) -> tuple[EventGap, ...]:
        """The last ones, the newest last."""
        return tuple(self._gaps)

    def since(self) -> datetime | None:
        """Since when nothing was lost; None: nothing ever was."""
        ends = [gap.to_at for gap in self._gaps] + ([self.dropped_at] if self.dropped_at else [])
        return max(ends, default=None)

    def drop(self, seen: EventsDropped) -> None:
        """There was no room for these."""
        for kind, count in seen.by_type.items():
            self.dropped[kind if kind in self.dropped or len(self.dropped) < MAX_TYPES else "others"] += count
        self.dropped_at = seen.at
        self.for_history.dropped(seen)

    def lose(self, seen: EventsLost) -> None:
        """Nothing was received meanwhile."""
        gap = EventGap(from_at=seen.from_at, to_at=seen.to_at, was_cut=seen.was_cut)
        self._gaps.append(gap)
        self._open.append(_Open(gap, dict(self._beats)))
        del self._open[:-MAX_GAPS]
        self.for_history.lost(seen)

    def started(self, process: Process, count: int) -> None:
        """So many of its runs started, and were told."""
        self._started[process] += count

    def beat(self, event: Event) -> None:
        """A heartbeat with its worker's count."""
        key = (event.hostname, event.pid)
        if event.processed is None or (key not in self._beats and len(self._beats) >= MAX_WORKERS):
            return
        self._beats[key] = (event.processed, self._started[key])
        for one in self._open:
            if key in one.before:
                one.after.setdefault(key, event.processed)

    def settle(self, now: datetime) -> None:
        """Time passed: gaps that are long enough ago are told with what is known by now."""
        for one in [one for one in self._open if now - one.gap.to_at >= SETTLED]:
            self._open.remove(one)
            if one.after and one.gap in self._gaps:
                self._gaps[self._gaps.index(one.gap)] = replace(one.gap, runs_at_least=sum(self._missing(one, key) for key in one.after))

    def _missing(self, one: _Open, key: Process) -> int:
        counted, told = one.before[key]
        return max(0, one.after[key] - counted - (self._started[key] - told))

    def forget(self, living: set[Process]) -> None:
        """Of workers that are gone nothing more will be told."""
        for known in (self._started, self._beats):
            for key in known.keys() - living:
                del known[key]
