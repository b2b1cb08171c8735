"""Samples for the Overview's spark lines: one each 5 s for 5 minutes; what is not known at a sample is None, never 0."""

from collections import Counter as Tally
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from dashboard.observer.queue_flow import Counter
from dashboard.records import Figures

EVERY = timedelta(seconds=5)
SAMPLES = 60
HOUR = timedelta(hours=1)
NONE: Mapping[int, int] = {}


class FigureBook:
    """Keeps the samples; who calls says what is known."""

    def __init__(self) -> None:
        self.samples: dict[str, deque[int | None]] = {name: deque(maxlen=SAMPLES) for name in ("locks", "refused", "ready", "unacked", "busy", "failed")}
        self.sampled_at: datetime | None = None
        self._since_sampled = {"refused": 0, "failed": 0}
        self._last_hour = {name: Counter(HOUR) for name in self._since_sampled}
        self._by_minute: dict[str, tuple[tuple[int, int], ...]] = dict.fromkeys(self._since_sampled, ())  # as of the last sample

    def restore(self, figures: Figures, refused: Iterable[int] = (), failed: Mapping[int, int] = NONE) -> None:
        """Go on from what the observer before had counted; what its last sample had not yet is among the minutes of `refused` attempts and of what `failed`."""
        for name, samples in self.samples.items():
            samples.extend(getattr(figures, name))
        self._by_minute = {"refused": _larger(figures.refused_by_minute, Tally(refused)), "failed": _larger(figures.failed_by_minute, failed)}
        for name, minutes in self._by_minute.items():
            for minute, count in minutes:
                self._last_hour[name].add(datetime.fromtimestamp(minute * 60, UTC), count)

    def due(self, now: datetime) -> bool:
        return self.sampled_at is None or now - self.sampled_at >= EVERY

    def sample(self, now: datetime, *, are_events_received: bool, **known: int | None) -> None:
        """One more sample of each figure; refused and failed are counted since the last one."""
        for name, value in known.items():
            self.samples[name].append(value)
        for name, counted in self._since_sampled.items():
            self.samples[name].append(counted if are_events_received else None)
        self._since_sampled = dict.fromkeys(self._since_sampled, 0)
        self._by_minute = {name: counter.by_minute() for name, counter in self._last_hour.items()}
        self.sampled_at = now

    def count(self, name: str, at: datetime, how_many: int = 1) -> None:
        """So many more that were refused, or that failed."""
        self._since_sampled[name] += how_many
        self._last_hour[name].add(at, how_many)

    def figures(self, now: datetime, *, are_events_received: bool, whole_since: datetime | None = None) -> Figures:
        """Those of now; what an observer before had counted is among the last hour, what happened while none ran is not."""
        counts = {name: counter.since(now - HOUR) if are_events_received else None for name, counter in self._last_hour.items()}
        return Figures(
            locks=tuple(self.samples["locks"]),
            refused=tuple(self.samples["refused"]),
            ready=tuple(self.samples["ready"]),
            unacked=tuple(self.samples["unacked"]),
            busy=tuple(self.samples["busy"]),
            failed=tuple(self.samples["failed"]),
            refused_last_hour=counts["refused"],
            failed_last_hour=counts["failed"],
            refused_by_minute=self._by_minute["refused"],
            failed_by_minute=self._by_minute["failed"],
            whole_since=whole_since,
        )


def _larger(sampled: Iterable[tuple[int, int]], told: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    """Of each minute the larger count, the oldest first."""
    counts = dict(sampled)
    return tuple((minute, max(counts.get(minute, 0), told.get(minute, 0))) for minute in sorted({*counts, *told}))


def total(counts: Sequence[int | None]) -> int | None:
    """Their sum; None where one of them is not known."""
    return None if any(count is None for count in counts) else sum(count for count in counts if count is not None)
