"""Takes events into the books, in batches: what is the same for all of a batch is done once for all of it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from dashboard.observer.alike import Alike
from dashboard.observer.books import Books
from dashboard.observer.live_run import LiveRun
from dashboard.observer.run_events import ENDS
from dashboard.sources.event import Event

BEGINS = frozenset({"task-sent", "task-received"})
OF_RUNS = BEGINS | ENDS.keys() | {"task-started"}
OF_WORKERS = frozenset({"worker-online", "worker-heartbeat", "worker-offline"})
Key = tuple[str, str | None, str | None, str | None]  # what `Alike` has


class EventReducer:
    """The way from an event to the books that it tells something."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def take(self, events: Sequence[Event], at: datetime) -> set[str]:
        """Take in events that were received together; the sections of the snapshot that changed."""
        books, changed = self._books, set[str]()
        heard: dict[tuple[str | None, int | None], Event] = {}  # the last one of each worker
        told: defaultdict[Key, list[LiveRun]] = defaultdict(list)
        books.pace.count(len(events), at)
        for event in events:
            kind = event.type
            if kind in OF_RUNS:
                if (run := books.runs.event(event, at)) is not None:
                    self._told(event, run, at)
                    told[kind, run.name, event.hostname, run.queue].append(run)
                if kind != "task-sent":
                    heard[event.hostname, event.pid] = event
            elif kind.startswith("lock-"):
                changed |= self._of_lock(event, at)
            elif kind in OF_WORKERS:
                changed |= self._of_worker(event, at)
            elif kind.startswith("task-"):
                heard[event.hostname, event.pid] = event
        return changed | self._heard(heard.values(), at) | self._all_told(told.items(), at)

    def _heard(self, events: Iterable[Event], at: datetime) -> set[str]:
        """One event of each worker that told something of runs."""
        books, changed = self._books, set[str]()
        for event in events:
            books.flow.tells(event.hostname)
            if not books.workers.has_just_told(event, at) and books.workers.event(event, at, books.pace.skew(event, at)):
                changed.add("workers")
        return changed

    def _told(self, event: Event, run: LiveRun, at: datetime) -> None:
        """It told something new of this run, which has been taken in: what depends on the order of events."""
        books, kind = self._books, event.type
        if kind == "task-started":
            books.gaps.started(event)
        elif kind in BEGINS:
            books.queue_book.event(event, run, at)
            books.schedules.event(event, run, at)
        else:
            books.tasks.ended(event, run, at)
            if kind == "task-revoked":
                books.queue_book.event(event, run, at)

    def _all_told(self, told: Iterable[tuple[Key, list[LiveRun]]], at: datetime) -> set[str]:
        """The same, where that does not: what is counted."""
        books, changed = self._books, set[str]()
        for key, runs in told:
            alike = Alike(*key)
            changed.add("runs")
            if alike.kind in BEGINS:
                books.tasks.begun(alike, runs, at)
                if books.flow.begun(alike, runs, at):
                    changed.add("flow")
            elif alike.kind == "task-failed":
                books.figures.count("failed", at, len(runs))
            books.counts.events(alike, runs, at)
        return changed

    def _of_worker(self, event: Event, at: datetime) -> set[str]:
        if event.type == "worker-heartbeat":
            self._books.pace.beat(event, at)
            self._books.queue_book.beat(event, at)
            self._books.gaps.beat(event)
        return {"workers"} if self._books.workers.event(event, at, self._books.pace.skew(event, at)) else set()

    def _of_lock(self, event: Event, at: datetime) -> set[str]:
        reduce = {"lock-refused": self._refused, "lock-waiting": self._waiting, "lock-lost": self._lost}.get(event.type)
        return reduce(event, at) if reduce else set()

    def _waiting(self, event: Event, at: datetime) -> set[str]:
        if not self._books.attempts.waiting(event, at):
            return set()
        self._books.lock_past.waiting(self._books.attempts.waits[event.digest or ""])
        return {"waits", "lanes"}

    def _lost(self, event: Event, at: datetime) -> set[str]:
        if not self._books.attempts.lost(event, at):
            return set()
        self._books.lock_past.lost(self._books.attempts.losses[-1])
        return {"losses", "lanes"}

    def _refused(self, event: Event, at: datetime) -> set[str]:
        books = self._books
        if not books.locks.refused(event, at):
            return set()
        waited = books.attempts.ended(event.digest, at, "refused")
        refusal = books.locks.refusals[-1]
        is_known = books.runs.is_refused(refusal.task_id)
        run = books.runs.refused(refusal)
        books.figures.count("refused", at)
        books.counts.refused(refusal.cache, at)
        books.flow.refused(refusal)
        books.lock_past.refused(refusal)
        if not is_known:
            books.tasks.refused(refusal, run)
        return {"refusals", "lanes", "runs", "flow", *(("waits",) if waited else ())}
