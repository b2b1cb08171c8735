"""The runs that the observer keeps: which, how many, and for how long. What events tell of them is taken in by the book of runs."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain, islice

from dashboard.judge.life import UPTIME_WITHIN
from dashboard.observer.live_run import LiveRun
from dashboard.observer.lock_interest import LockInterest
from dashboard.observer.run_changes import RunChanges
from dashboard.observer.worker_book import began_at
from dashboard.records import RUN_KEPT, SENT_KEPT, HeldLock, Refusal, Run, Worker

MAX_RUNS = 20_000  # that go on, and as many that ended
MAX_SHOWN = 2000
MAX_SENT_SHOWN = 500
MAX_BEFORE = 500
MAX_KEPT = 2000  # ended long ago, and kept for a lock
UNHEARD = timedelta(hours=1)  # a run of a process that another has replaced; as long as a silent worker is known
Process = tuple[str, int | None]  # a worker's name and the pid of its own process


class KnownRuns:
    """One run per task id, the latest; an earlier one of that id is kept beside it while it matters."""

    def __init__(self, max_runs: int = MAX_RUNS) -> None:
        self.going: dict[str, LiveRun] = {}
        self.ended: OrderedDict[str, LiveRun] = OrderedDict()  # in the order in which their ends were told; a plain dict would be slow to give its first
        self.kept: dict[str, LiveRun] = {}  # ended too long ago for that, and kept for a lock
        self.before: dict[tuple[str, int, float | None], LiveRun] = {}  # earlier tries and deliveries, the oldest first
        self.sent: OrderedDict[str, LiveRun] = OrderedDict()  # seen as they were sent, the oldest first
        self._retried: dict[str, LiveRun] = {}  # those of them that must have been retried, though nobody has said so
        self._early: dict[str, Refusal] = {}
        self._of_locks: set[str] = set()  # those that ended and that a verdict may depend on, where not all can be shown
        self._heirs: set[str] = set()  # those that go on and may have a lock, or be handed one, likewise
        self._interest, self.changes = LockInterest(), RunChanges()
        self._max_runs = max_runs
        self.missed_at: datetime | None = None  # when a run that may hold a lock, or take one, was last forgotten for want of room
        self.are_all_shown = True  # of these

    def restore(self, runs: Iterable[Run]) -> None:
        """As `shown` gave them: the latest of an id comes first, of those that ended the latest as well."""
        ended: dict[str, LiveRun] = {}
        for run in map(LiveRun.of, runs):
            if not run.worker and not run.received_at:
                self.sent[run.task_id] = run
            elif run.task_id in self.going or run.task_id in ended:
                self._put_before(run, run.heard())
            else:
                (self.going if run.outcome is None else ended)[run.task_id] = run
        self.ended = OrderedDict(reversed(ended.items()))

    def clock_was_set(self, at: datetime) -> None:
        """Our own: nothing was heard later than now, though the clock that we had said so."""
        for run in chain(self.going.values(), self.ended.values(), self.kept.values(), self.before.values(), self.sent.values()):
            if run.heard_at is not None and run.heard_at > at:
                run.heard_at, run.image = at, None

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

    def is_over(self, task_id: str) -> bool:
        """Whether the latest run of that id is known to have ended."""
        run = self.get(task_id)
        return run is not None and run.outcome is not None

    def _put_before(self, run: LiveRun, at: datetime) -> None:
        while len(self.before) >= MAX_BEFORE:
            gone = self.before.pop(next(iter(self.before)))
            if self._interest.has(gone):
                self.missed_at = at
            self._retried.pop(gone.task_id, None)
        self.before[run.task_id, run.retries, run.received_at or run.started_at] = run

    def _put_away(self, task_id: str, at: datetime) -> None:
        """It ended first of all that are kept: only a lock makes it worth remembering."""
        run = self.ended.pop(task_id)
        if self._interest:
            self._keep(run, at)

    def _keep(self, run: LiveRun, at: datetime) -> None:
        """Where a lock may be its own."""
        if not self._interest.has(run):
            return
        if len(self.kept) < MAX_KEPT:
            self.kept[run.task_id] = run
        else:
            self.missed_at = at

    def _is_over(self, run: LiveRun, at: datetime) -> None:
        """It has ended, or nobody follows it any more, and nothing was told of its end: where it may hold a lock, that is a doubt, and it is kept."""
        del self.going[run.task_id]
        self._keep(run, at)
        run.outcome = "LOST" if run.is_lost else "UNKNOWN"
        self.changes.leaves(run)

    def forget(self, locks: Iterable[HeldLock], workers: Mapping[Process, Worker], now: datetime) -> None:
        """Drop the runs that ended and that no lock names or may have been taken by, and those whose process is long gone."""
        self._interest = LockInterest.of(locks)
        names = {name for name, _ in workers}
        for run in list(self.going.values()):
            process = workers.get((run.worker or "", run.parent_pid))
            is_known = run.worker is None or process is not None or (run.parent_pid is None and run.worker in names)
            if process is not None and now - run.heard() >= UNHEARD and is_of_one_before(run, process):
                is_known = False
            if not is_known and not self._interest.names(run):
                self._is_over(run, now)
        wanted = self._interest.has if len(self.going) + len(self.ended) > MAX_SHOWN and self._interest else None
        self._of_locks = {key for key, run in self.ended.items() if wanted(run)} if wanted else set()
        holders = self._of_locks | self.kept.keys()
        self._heirs = {key for key, run in self.going.items() if self._interest.is_heir(run, holders)} if wanted else set()
        while self.ended and now - (first := next(iter(self.ended.values()))).heard() >= RUN_KEPT:
            self._put_away(first.task_id, now)
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
        """Runs that may be handed a lock, that started, those kept for a lock, waiting ones, ended ones, the latest first, sent ones, earlier tries; and how
        many found no room.
        """
        heirs = [run for key, run in self.going.items() if key in self._heirs] if self._heirs else []
        started, waiting = _parted(run for run in self.going.values() if run.task_id not in self._heirs)
        of_locks = [self.ended[key] for key in self._of_locks if key in self.ended]
        ended = (run for run in reversed(self.ended.values()) if run.task_id not in self._of_locks)
        self.are_all_shown = len(heirs) + len(started) + len(self.kept) + len(of_locks) <= MAX_SHOWN
        known = islice(chain(heirs, started, self.kept.values(), of_locks, waiting, ended), MAX_SHOWN)
        shown = [*known, *list(self.sent.values())[-MAX_SENT_SHOWN:], *self.before.values()]
        total = len(self.going) + len(self.ended) + len(self.kept) + len(self.sent) + len(self.before)
        return tuple(run.shown() for run in shown), total - len(shown)


def _parted(going: Iterable[LiveRun]) -> tuple[list[LiveRun], list[LiveRun]]:
    """Those that have started, and those that wait."""
    started, waiting = list[LiveRun](), list[LiveRun]()
    for run in going:
        (waiting if run.started_at is None else started).append(run)
    return started, waiting


def is_of_one_before(run: LiveRun, process: Worker) -> bool:
    """Whether it was last heard of before this process began: then it is of one that had the same name, and perhaps its pid."""
    began = began_at(process)
    return began is not None and run.heard() <= began + UPTIME_WITHIN
