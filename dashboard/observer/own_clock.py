"""Notices that this machine's clock was set, or that the machine stood still: then no moment from before can be compared with one since."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic

WITHIN_S = 1.0  # a clock that is set smoothly goes wrong by less between two looks
Reading = tuple[float, datetime, float]


def read() -> Reading:
    """The time, between two readings of the clock that nobody sets: this thread may be kept waiting between any two of the three."""
    return monotonic(), datetime.now(UTC), monotonic()


class OwnClock:
    """Asked about once a second."""

    def __init__(self, look: Callable[[], Reading] = read) -> None:
        self._look = look
        self._last = look()
        self.by = timedelta(0)  # by how much more it went on than time did, as closely as this thread could look

    def was_set(self) -> bool:
        """Whether it went on by another time than can have passed since this was asked last."""
        (begun, then, noted), (before, now, after) = self._last, self._look()
        self._last = before, now, after
        gone_on = (now - then).total_seconds()
        self.by = now - then - timedelta(seconds=before - begun)
        return not before - noted - WITHIN_S <= gone_on <= after - begun + WITHIN_S
