"""Notices that this machine's clock was set, or that the machine stood still: then no moment from before can be compared with one since."""

from datetime import datetime, timedelta
from time import monotonic

WITHIN_S = 1.0  # the two clocks are read one after the other, and a clock that is set smoothly goes wrong by less


class OwnClock:
    """Asked about once a second."""

    def __init__(self, now: datetime) -> None:
        self._last, self._ticks = now, monotonic()

    def was_set(self, now: datetime) -> bool:
        """Whether it went on by another time than passed since this was asked last."""
        passed, self._ticks = monotonic() - self._ticks, monotonic()
        gone_on, self._last = now - self._last, now
        return abs(gone_on - timedelta(seconds=passed)) > timedelta(seconds=WITHIN_S)
