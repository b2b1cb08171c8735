"""Takes events into the books. What is only counted waits a moment, so that what many events have in common is looked up once for all of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dashboard.observer.alike import Alike
from dashboard.observer.books import Books
from dashboard.observer.live_run import LiveRun
from dashboard.observer.run_events import ENDS
from dashboard.sources.event import Event

BEGINS = frozenset({"task-sent", "task-received"})
PLAIN = BEGINS | {"task-started", "task-succeeded", "task-failed"}  # of these a stream is made
OF_WORKERS = frozenset({"worker-online", "worker-heartbeat", "worker-offline"})
WAITS = timedelta(milliseconds=20)  # after events were counted, those that follow are counted together
Key = tuple[str, str | None, str | None, str | None, int | None]  # what `Alike` has, and the sender's pid


class _Group:
    """Events that are counted together."""

    __slots__ = ("is_often", "last", "runs")

    def __init__(self, *, is_often: bool) -> None:
        self.is_often = is_often  # its task is sent too often to look for a rhythm in it
        self.runs: list[LiveRun] = []
        self.last: Event | None = None


class EventReducer:
    """The way from an event to the books that it tells something."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._groups: dict[Key, _Group] = {}
        self._worked: dict[str | None, list[LiveRun]] = {}  # by the task's name: in what order runs worked and failed is remembered
        self._at: datetime | None = None  # when the last of what waits was received
        self._counted_at: datetime | None = None

    def take(self, events: Sequence[Event], at: datetime) -> set[str]:
        """Take in events that were received together; the sections of the snapshot that changed."""
        changed, take, is_news = set[str](), self._books.runs.event, False
        self._at = at
        self._books.pace.count(len(events), at)
        for event in events:
            kind = event.type
            if kind not in PLAIN:
                changed |= self.count() | self._other(event, at)
                continue
            run = take(event, at)
            if run is None:
                changed |= self._heard(event, at)
                continue
            if kind in BEGINS:
                self._books.queue_book.event(event, run, at)
            elif kind != "task-started":
                self._ended(event, run, at)
            key = kind, run.name, event.hostname, run.queue, event.pid
            group = self._groups.get(key)
            if group is None:
                group = self._groups[key] = _Group(is_often=kind not in BEGINS or self._books.schedules.is_often(run.name))
            is_news = True
            group.runs.append(run)
            group.last = event
            if not group.is_often:
                self._books.schedules.event(event, run, at)
        if self._counted_at is None or at - self._counted_at >= WAITS:
            return changed | self.count()
        return changed | {"runs", "flow"} if is_news else changed

    def count(self) -> set[str]:
        """Count what waits; the sections that changed. To be asked before what the books know is read, or anything else is told to them."""
        changed, at = set[str](), self._at
        if at is None or not self._groups:
            return changed
        groups, worked, self._groups, self._worked = self._groups, self._worked, {}, {}
        heard: dict[tuple[str | None, int | None], Event] = {}  # the last one of each worker
        self._books.tasks.worked(worked, at)
        for (kind, name, sender, queue, pid), group in groups.items():
            self._count(Alike(kind, name, sender, queue), group, pid, at)
            changed |= {"runs", "flow"} if kind in BEGINS else {"runs"}
            if group.last is not None:
                heard[sender, pid] = group.last
        self._counted_at = at
        self._books.runs.changes.settle()
        return changed.union(*(self._heard(event, at) for event in heard.values()))

    def _count(self, alike: Alike, group: _Group, pid: int | None, at: datetime) -> None:
        books, runs = self._books, group.runs
        if alike.kind in BEGINS:
            books.queue_book.begun(alike, runs, at)
            books.tasks.begun(alike, runs, at)
            books.flow.begun(alike, runs, at)
            if group.is_often:
                books.schedules.are_more(alike, runs, at)
        elif alike.kind == "task-started":
            books.gaps.started((alike.sender, pid), len(runs))
        elif alike.kind == "task-failed":
            books.figures.count("failed", at, len(runs))
        books.counts.events(alike, runs, at)

    def _ended(self, event: Event, run: LiveRun, at: datetime) -> None:
        """What depends on the order of ends."""
        if event.type == "task-succeeded":
            if run.refused_by is None:  # it worked, unless it is known that a lock turned it away
                self._worked.setdefault(run.name, []).append(run)
            return
        worked, self._worked = self._worked, {}
        self._books.tasks.worked(worked, at)
        self._books.tasks.ended(event, run, at)

    def _heard(self, event: Event, at: datetime) -> set[str]:
        """It shows that its worker lives."""
        books = self._books
        if event.type == "task-sent":
            return set()
        books.flow.tells(event.hostname)
        return set() if books.workers.has_just_told(event, at) else self._of_its_worker(event, at)

    def _other(self, event: Event, at: datetime) -> set[str]:
        """What is taken in by itself."""
        kind = event.type
        if kind.startswith("lock-"):
            return self._of_lock(event, at)
        if kind in OF_WORKERS:
            return self._of_worker(event, at)
        changed = self._of_run(event, at) if kind in ENDS else set[str]()
        return changed | self._heard(event, at) if kind.startswith("task-") else changed

    def _of_run(self, event: Event, at: datetime) -> set[str]:
        """It was retried, revoked or rejected."""
        books, kind = self._books, event.type
        run = books.runs.event(event, at)
        if run is None:
            return set()
        books.tasks.ended(event, run, at)
        if kind == "task-revoked" and run.received_at is None and run.started_at is None:  # its message left the queue all the same
            books.queue_book.event(event, run, at)
            books.queue_book.begun(Alike(kind, run.name, event.hostname, run.queue), [run], at)
        books.counts.events(Alike(kind, run.name, event.hostname, run.queue), [run], at)
        return {"runs"}

    def _of_worker(self, event: Event, at: datetime) -> set[str]:
        if event.type == "worker-heartbeat":
            self._books.pace.beat(event, at)
            self._books.queue_book.beat(event, at)
            self._books.gaps.beat(event)
        return self._of_its_worker(event, at)

    def _of_its_worker(self, event: Event, at: datetime) -> set[str]:
        pace = self._books.pace
        return {"workers"} if self._books.workers.event(event, at, pace.skew(event, at), is_late=pace.is_late(event, at)) else set()

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
