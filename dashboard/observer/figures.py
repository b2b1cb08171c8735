"""Samples for the Overview's spark lines: one each 5 s for 5 minutes; what is not known at a sample is None, never 0."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from dashboard.records import Figures

EVERY = timedelta(seconds=5)
SAMPLES = 60
HOUR = timedelta(hours=1)


class FigureBook:
    """Keeps the samples; who calls says what is known."""

    def __init__(self) -> None:
        self.samples: dict[str, deque[int | None]] = {name: deque(maxlen=SAMPLES) for name in ("locks", "refused", "ready", "unacked", "busy", "failed")}
        self.sampled_at: datetime | None = None

    def restore(self, figures: Figures) -> None:
        for name, samples in self.samples.items():
            samples.extend(getattr(figures, name))

    def due(self, now: datetime) -> bool:
        return self.sampled_at is None or now - self.sampled_at >= EVERY

    def sample(self, now: datetime, *, refused_at: Sequence[datetime] | None, failed_at: Sequence[datetime] | None, **known: int | None) -> None:
        """One more sample of each figure; refused and failed are counted since the last one."""
        since = self.sampled_at or now
        for name, value in known.items():
            self.samples[name].append(value)
        for name, times in (("refused", refused_at), ("failed", failed_at)):
            self.samples[name].append(None if times is None else sum(at > since for at in times))
        self.sampled_at = now

    def figures(self, now: datetime, *, refused_at: Sequence[datetime] | None, failed_at: Sequence[datetime] | None) -> Figures:
        return Figures(
            **{name: tuple(samples) for name, samples in self.samples.items()},
            refused_last_hour=None if refused_at is None else sum(now - at <= HOUR for at in refused_at),
            failed_last_hour=None if failed_at is None else sum(now - at <= HOUR for at in failed_at),
        )


def total(counts: Sequence[int | None]) -> int | None:
    """Their sum; None where one of them is not known."""
    return None if any(count is None for count in counts) else sum(count for count in counts if count is not None)
