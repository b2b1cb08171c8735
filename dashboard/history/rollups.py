"""How runs ended, counted within each minute for each task, worker and queue. No I/O, no clock."""

from collections.abc import Iterator

from dashboard.history.rows import FAILED, LOST, QUEUE, REFUSED, REJECTED, RETRIED, REVOKED, SUCCEEDED, TASK, UNTOLD, US, WORKER, MinuteRow
from dashboard.history.sketch import Sketch, bucket, merge, packed

PLACES = {SUCCEEDED: 0, FAILED: 1, REFUSED: 2, RETRIED: 3, REVOKED: 4, REJECTED: 5, LOST: 6, UNTOLD: 6}
MAX_KEYS = 5000  # in one minute: combinations of task, worker and queue; what is beyond is not told apart
OTHERS = ("", "", "")
Key = tuple[str, str, str]  # task, worker, queue


class Tally:
    """What ended within one minute under one key."""

    __slots__ = ("counts", "runtimes")

    def __init__(self) -> None:
        self.counts = [0] * 7
        self.runtimes: Sketch = {}


class Rollups:
    """The minutes that are not finished, and which of them were counted on since they were taken last."""

    def __init__(self) -> None:
        self._minutes: dict[int, dict[Key, Tally]] = {}
        self._touched: set[int] = set()

    def add(self, at_us: int, key: Key, code: int, before: int, runtime_us: int) -> None:
        """A run has ended; `before` is how it was counted as having ended until now, 0 where it was not. Only a runtime of one that did something counts."""
        minute = at_us // (60 * US)
        tallies = self._minutes.get(minute)
        if tallies is None:
            tallies = self._minutes[minute] = {}
        tally = tallies.get(key)
        if tally is None:
            tally = tallies.setdefault(key if len(tallies) < MAX_KEYS else OTHERS, Tally())
        self._touched.add(minute)
        if before:
            tally.counts[PLACES[before]] -= 1
        tally.counts[PLACES[code]] += 1
        if runtime_us >= 0 and SUCCEEDED in (before, code):
            place = bucket(runtime_us)
            known = tally.runtimes.get(place, 0)
            tally.runtimes[place] = known + 1 if not before else max(0, known - 1) if code != SUCCEEDED else known

    def take(self, now_us: int) -> list[MinuteRow]:
        """The rows of the minutes that were counted on since, whole each time; those that are over are forgotten a minute later."""
        rows = [row for minute in sorted(self._touched) for row in _rows(minute, self._minutes[minute])]
        self._touched.clear()
        oldest = now_us // (60 * US) - 1
        self._minutes = {minute: tallies for minute, tallies in self._minutes.items() if minute >= oldest}
        return rows


def _rows(minute: int, tallies: dict[Key, Tally]) -> Iterator[MinuteRow]:
    """By task, by worker and by queue."""
    for place, kind in enumerate((TASK, WORKER, QUEUE)):
        sums: dict[str, Tally] = {}
        for key, tally in tallies.items():
            total = sums.get(key[place]) or sums.setdefault(key[place], Tally())
            total.counts = [one + other for one, other in zip(total.counts, tally.counts, strict=True)]
            merge(total.runtimes, tally.runtimes)
        for name, total in sums.items():
            if name:
                yield MinuteRow(minute=minute, kind=kind, name=name, counts=tuple(total.counts), runtimes=packed(total.runtimes))
