"""The runs that the observer keeps: which, how many, and for how long. What events tell of them is taken in by the book of runs."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain, islice

from dashboard.observer.live_run import LiveRun
from dashboard.observer.lock_interest import LockInterest
from dashboard.observer.run_changes import RunChanges
from dashboard.records import RUN_KEPT, HeldLock, Refusal, Run

MAX_RUNS = 20_000  # that go on, and as many that ended
MAX_SHOWN = 2000
MAX_SENT_SHOWN = 500
MAX_BEFORE = 500
MAX_KEPT = 2000  # ended long ago, and kept for a lock
SENT_KEPT = timedelta(hours=1)
Process = tuple[str, int | None]  # a worker's name and the pid of its own process


class KnownRuns:
    """One run per task id, the latest; an earlier one of that id is kept beside it while it matters."""

    def __init__(self, max_runs: int = MAX_RUNS) -> None:
        self.going: dict[str, LiveRun] = {}
        self.ended: dict[str, LiveRun] = {}  # in the order in which their ends were told
        self.kept: dict[str, LiveRun] = {}  # ended too long ago for that, and kept for a lock
        self.before: dict[tuple[str, int, float | None], LiveRun] = {}  # earlier tries and deliveries, the oldest first
        self.sent: dict[str, LiveRun] = {}  # seen as they were sent, the oldest first
        self._retried: dict[str, LiveRun] = {}  # those of them that must have been retried, though nobody has said so
        self._early: dict[str, Refusal] = {}
        self._interest, self.changes = LockInterest(), RunChanges()
        self._max_runs = max_runs

    def restore(self, runs: Iterable[Run]) -> None:
        """As `shown` gave them: the latest of an id comes first, of those that ended the latest as well."""
        ended: dict[str, LiveRun] = {}
        for run in map(LiveRun.of, runs):
            if not run.worker and not run.received_at:
                self.sent[run.task_id] = run
            elif run.task_id in self.going or run.task_id in ended:
                self._put_before(run)
            else:
                (self.going if run.outcome is None else ended)[run.task_id] = run
        self.ended = dict(reversed(ended.items()))

    def get(self, task_id: object) -> LiveRun | None:
        """The latest run of that id, be it only sent."""
        if not isinstance(task_id, str):
            return None
        return self.going.get(task_id) or self.ended.get(task_id) or self.kept.get(task_id) or self.sent.get(task_id)

    def sent_at(self, task_id: str) -> float | None:
        """When a message was sent that no worker has told of yet; None where that was not seen."""
        run = self.sent.get(task_id)
        return run.sent_at if run else None

    def is_refused(self, task_id: str | None) -> bool:
        """Whether it was told already that a lock turned away the latest run of that id."""
        run = self.going.get(task_id or "") or self.ended.get(task_id or "")
        return run.refused_by is not None if run is not None else task_id in self._early

    def _put_before(self, run: LiveRun) -> None:
        while len(self.before) >= MAX_BEFORE:
            gone = self.before.pop(next(iter(self.before)))
            self._retried.pop(gone.task_id, None)
        self.before[run.task_id, run.retries, run.received_at or run.started_at] = run

    def _put_away(self, task_id: str) -> None:
        """It ended first of all that are kept: only a lock makes it worth remembering."""
        run = self.ended.pop(task_id)
        if self._interest and len(self.kept) < MAX_KEPT and self._interest.has(run):
            self.kept[task_id] = run

    def _is_over(self, run: LiveRun) -> None:
        """It has ended, or nobody follows it any more, and nothing was told of its end."""
        del self.going[run.task_id]
        run.outcome = "LOST" if run.is_lost else "UNKNOWN"
        self.changes.leaves(run)

    def forget(self, locks: Iterable[HeldLock], workers: Collection[Process], now: datetime) -> None:
        """Drop the runs that ended and that no lock names or may have been taken by, and those whose process is long gone."""
        self._interest = LockInterest.of(locks)
        names = {name for name, _ in workers}
        for run in list(self.going.values()):
            is_known = run.worker is None or (run.worker, run.parent_pid) in workers or (run.parent_pid is None and run.worker in names)
            if not is_known and not self._interest.names(run):
                self._is_over(run)
        while self.ended and now - (first := next(iter(self.ended.values()))).heard() >= RUN_KEPT:
            self._put_away(first.task_id)
        self.kept = {key: run for key, run in self.kept.items() if self._interest.has(run)}
        self.before = {key: run for key, run in self.before.items() if now - run.heard() < RUN_KEPT or self._interest.has(run)}
        while self.sent and now - (first := next(iter(self.sent.values()))).heard() >= SENT_KEPT:
            self.changes.leaves(self.sent.pop(first.task_id))
        self._early = {key: refusal for key, refusal in self._early.items() if now - refusal.at < RUN_KEPT}

    def are_lost(self, task_ids: Collection[str]) -> None:
        """It is proved of these that no word of their end will come."""
        for run in (self.going[task_id] for task_id in task_ids if task_id in self.going):
            if not run.is_lost:
                run.is_lost = True
                self.changes.note(run)

    def running(self) -> Iterator[Run]:
        """Those that have started and not ended."""
        return (run.shown() for run in self.going.values() if run.started_at is not None)

    def shown(self) -> tuple[tuple[Run, ...], int]:
        """Active runs, then the ended ones, the latest first, then those that were only sent, then earlier tries; and how many found no room."""
        known = islice(chain(self.going.values(), reversed(self.ended.values()), self.kept.values()), MAX_SHOWN)
        shown = [*known, *list(self.sent.values())[-MAX_SENT_SHOWN:], *self.before.values()]
        total = len(self.going) + len(self.ended) + len(self.kept) + len(self.sent) + len(self.before)
        return tuple(run.shown() for run in shown), total - len(shown)
