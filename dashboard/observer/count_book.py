"""Totals for machines that draw their own curves: they only ever grow, and go on from the last snapshot after a restart. No I/O, no clock."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dashboard.observer.alike import Alike, Runs
from dashboard.observer.live_run import LiveRun
from dashboard.observer.run_events import instant
from dashboard.records import Counts, Spread, TaskCount
from dashboard.records.counts import RUNTIME_BOUNDS, WAIT_BOUNDS

MAX_ROWS = 500  # tasks × hosts × queues; each makes about forty lines of /metrics
IDLE = timedelta(hours=1)  # a row that nothing was counted in for so long makes room for another: hosts come and go
CLEAR_EVERY = timedelta(minutes=1)
MAX_EXCEPTIONS = 20  # of one row; the others count as OTHERS
MAX_NAME = 200
OTHERS = "others"
MAX_FOUND = 4 * MAX_ROWS
EXCEPTION = re.compile(r"([\w.]{1,200})\s*[(:]")
Key = tuple[str, str, str]


@dataclass
class _Durations:
    """A spread that grows."""

    bounds: Sequence[float]
    counts: list[int] = field(default_factory=list)
    total_s: float = 0.0

    def add(self, durations: Iterable[float]) -> None:
        bounds, counts, total_s = self.bounds, self.counts or [0] * (len(self.bounds) + 1), self.total_s
        for said in durations:
            seconds = said if said > 0.0 else 0.0  # it is below zero where two clocks differ
            counts[bisect_left(bounds, seconds)] += 1
            total_s += seconds
        self.counts, self.total_s = counts, total_s

    def restore(self, spread: Spread) -> None:
        if len(spread.counts) == len(self.bounds) + 1:
            self.counts, self.total_s = list(spread.counts), spread.total_s

    def spread(self) -> Spread:
        return Spread(counts=tuple(self.counts), total_s=self.total_s)


class _Row:
    """What is counted of one task on one host from one queue."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.runtimes, self.waits = _Durations(RUNTIME_BOUNDS), _Durations(WAIT_BOUNDS)
        self.counted_at: datetime | None = None

    def count(self, kind: str, runs: Runs, at: datetime) -> None:
        self.events[kind] += len(runs)
        self.counted_at = at
        if kind == "task-failed":
            for said in (exception_of(run.error) for run in runs):
                self.failures[said if said in self.failures or len(self.failures) < MAX_EXCEPTIONS else OTHERS] += 1
        elif kind == "task-succeeded" and (runtimes := [run.runtime for run in runs if run.runtime is not None]):
            self.runtimes.add(runtimes)
        elif kind == "task-started" and (waits := [wait for run in runs if (wait := _wait_of(run)) is not None]):
            self.waits.add(waits)


def _wait_of(run: LiveRun) -> float | None:
    """Seconds from its sending, or from when it was due, to its start; None where its sending was not seen."""
    if run.started_at is None or run.sent_at is None:
        return None
    eta_at = instant(run.eta) if run.eta is not None else None
    return run.started_at - (max(run.sent_at, eta_at.timestamp()) if eta_at is not None else run.sent_at)


class CountBook:
    """Counts events of runs, and attempts that locks turned away."""

    def __init__(self) -> None:
        self._rows: dict[Key, _Row] = {}
        self._found: dict[tuple[str | None, ...], _Row] = {}  # the same rows by what events say, which costs less to look up
        self._refused: Counter[str] = Counter()
        self._uncounted = 0
        self._since: datetime | None = None
        self._cleared_at: datetime | None = None
        self._taken = Counts()

    def restore(self, counts: Counts) -> None:
        """Go on from what the observer before had written."""
        self._taken, self._since, self._uncounted = counts, counts.since, counts.uncounted
        self._refused = Counter(counts.refused)
        for task in counts.tasks:
            row = self._rows[task.name, task.host, task.queue] = _Row()
            row.events, row.failures = Counter(task.events), Counter(task.failures)
            row.runtimes.restore(task.runtimes)
            row.waits.restore(task.waits)
            row.counted_at = task.counted_at

    def events(self, alike: Alike, runs: Runs, at: datetime) -> None:
        """Count events of runs, those being taken in."""
        self._since = self._since or at
        row = self._found.get(alike[1:]) or self._row_of(alike, at)
        if row is None:
            self._uncounted += len(runs)
        else:
            row.count(alike.kind, runs, at)

    def _row_of(self, alike: Alike, at: datetime) -> _Row | None:
        """The row that these belong to; None where that would be one too many."""
        key = ((alike.name or "")[:MAX_NAME], host_of(alike.sender or ""), (alike.queue or "")[:MAX_NAME])
        if key not in self._rows and self._has_room(at):
            self._rows[key] = _Row()
        if len(self._found) >= MAX_FOUND:
            self._found.clear()
        if key in self._rows:
            self._found[alike[1:]] = self._rows[key]
        return self._rows.get(key)

    def _has_room(self, at: datetime) -> bool:
        """Whether there may be one more row; when all are taken, those that are idle go, once in a while, for looking at all of them costs."""
        if len(self._rows) >= MAX_ROWS and (self._cleared_at is None or at - self._cleared_at >= CLEAR_EVERY):
            self._cleared_at = at
            self._rows = {key: row for key, row in self._rows.items() if row.counted_at is not None and at - row.counted_at < IDLE}
            self._found.clear()
        return len(self._rows) < MAX_ROWS

    def refused(self, cache: str, at: datetime) -> None:
        """Count an attempt that a lock of this cache turned away."""
        self._since = self._since or at
        self._refused[cache] += 1

    def take(self, now: datetime) -> None:
        """Have the totals of this moment be those that are told: they are many, so they are written now and then only."""
        self._since = self._since or now
        self._taken = Counts(
            since=self._since,
            tasks=tuple(_as_record(key, row) for key, row in self._rows.items()),
            uncounted=self._uncounted,
            refused=dict(self._refused),
        )

    @property
    def taken(self) -> Counts:
        """The totals as of the last `take`."""
        return self._taken


def _as_record(key: Key, row: _Row) -> TaskCount:
    name, host, queue = key
    return TaskCount(
        name=name,
        host=host,
        queue=queue,
        events=dict(row.events),
        failures=dict(row.failures),
        runtimes=row.runtimes.spread(),
        waits=row.waits.spread(),
        counted_at=row.counted_at,
    )


def host_of(sender: str) -> str:
    """`web-2` of `celery@web-2` and of `gen4711@web-2`: a name for each process would be a row for each process."""
    return (sender.rpartition("@")[2] or sender)[:MAX_NAME]


def exception_of(error: str | None) -> str:
    """The class in `ValueError('x')` and in `billiard.exceptions.WorkerLostError: …`."""
    found = EXCEPTION.match(error or "")
    return found[1].rpartition(".")[2] if found else "UnknownException"
