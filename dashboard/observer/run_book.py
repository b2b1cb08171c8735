"""What the observer knows of runs: the active ones, and those that ended and still matter to a lock."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.observer.run_events import capped, described, ended, number, text, time_of
from dashboard.records import RUN_KEPT, HeldLock, Refusal, Run
from dashboard.sources.foreign import as_dict

ABSENT_FOR = timedelta(seconds=4)  # not active in two answers of its worker: it ended without an event
MAX_RUNS = 20_000
MAX_SHOWN = 2000
MAX_SENT = 5000  # sent, and not yet received by a worker that tells
MAX_SENT_SHOWN = 500
MAX_BEFORE = 500
SENT_KEPT = timedelta(hours=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
Process = tuple[str, int | None]  # a worker's name and the pid of its own process
ENDS = {"task-succeeded": "SUCCESS", "task-failed": "FAILURE", "task-revoked": "REVOKED", "task-retried": "RETRY", "task-rejected": "REJECTED"}


class RunBook:
    """One run per task id, the latest; an earlier one of that id is kept beside it while it matters."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.before: dict[tuple[str, int, datetime | None], Run] = {}  # earlier tries and deliveries, the oldest first
        self.sent: dict[str, Run] = {}  # seen as they were sent, the oldest first
        self.failed_at: list[datetime] = []
        self._named: set[str | None] = set()  # by locks

    def restore(self, runs: Iterable[Run]) -> None:
        """As `shown` gave them: the latest of an id comes first."""
        for run in runs:
            if not run.worker and not run.received_at:
                self.sent[run.task_id] = run
            elif run.task_id in self.runs:
                self._put_before(run)
            else:
                self.runs[run.task_id] = run

    def get(self, task_id: object) -> Run | None:
        """The latest run of that id, be it only sent."""
        return (self.runs.get(task_id) or self.sent.get(task_id)) if isinstance(task_id, str) else None

    def event(self, event: Mapping[str, Any], at: datetime, queue: str | None = None) -> bool:
        """A task event, with the queue it tells of where that is known; False for one that tells nothing of a run."""
        kind, task_id = event["type"], event.get("uuid")
        if not isinstance(task_id, str):
            return False
        if kind == "task-sent":
            return self._was_sent(task_id, event, at, queue)
        if task_id not in self.runs and not self._has_room():
            return False
        time = time_of(event.get("timestamp"))
        run = self._current(task_id, kind, event)
        if kind == "task-received":
            run = replace(described(run, event), received_at=time, queue=run.queue or queue)
        elif kind == "task-started":
            run = replace(run, started_at=time)
        elif outcome := ENDS.get(kind):
            if outcome == "RETRY" and self._was_retried(task_id, event, time, at):
                return True
            run = ended(run, event, outcome, time)
            if outcome == "FAILURE":
                self.failed_at.append(at)
        self.runs[task_id] = replace(run, worker=text(event.get("hostname")), parent_pid=number(event.get("pid")), heard_at=at)
        return True

    def _has_room(self) -> bool:
        """Make room by the runs that ended first; False where there is none, for all go on or matter to a lock."""
        if len(self.runs) < MAX_RUNS:
            return True
        over = [key for key, run in self.runs.items() if run.ended_at is not None and key not in self._named]
        for key in sorted(over, key=lambda key: _heard(self.runs[key]))[: MAX_RUNS // 10]:
            del self.runs[key]
        return bool(over)

    def _was_sent(self, task_id: str, event: Mapping[str, Any], at: datetime, queue: str | None) -> bool:
        """A sender tells after sending, so a quick worker may have received it already; a retry is sent under the id of its run."""
        sent_at, origin = time_of(event.get("timestamp")) or at, text(event.get("hostname"))
        known = self.runs.get(task_id)
        if known is not None and known.retries == (number(event.get("retries")) or 0):
            self.runs[task_id] = replace(known, sent_at=sent_at, origin=origin, queue=known.queue or queue, heard_at=at)
            return True
        while len(self.sent) >= MAX_SENT:
            del self.sent[next(iter(self.sent))]
        self.sent[task_id] = replace(described(Run(task_id=task_id), event), sent_at=sent_at, origin=origin, queue=queue, heard_at=at)
        return True

    def refused(self, refusal: Refusal) -> bool:
        """A worker reported that a lock turned away this run; False where the run is not known."""
        run = self.runs.get(refusal.task_id or "")
        if run is None:
            return False
        self.runs[run.task_id] = replace(run, refused_by=refusal.name, refused_lock_id=refusal.lock_id, refused_at=refusal.at)
        return True

    def _current(self, task_id: str, kind: str, event: Mapping[str, Any]) -> Run:
        """The run that this event is about: a new one where the id was received again."""
        run = self.runs.get(task_id)
        if run is None:
            return self.sent.pop(task_id, None) or Run(task_id=task_id)
        again = kind == "task-received" and (run.received_at is not None or run.started_at is not None)
        if again:
            if run.outcome is None and (number(event.get("retries")) or 0) > run.retries:
                run = replace(run, outcome="RETRY")  # its worker tells of it only after it has received the next try
            self._put_before(run)
            is_retry = run.outcome == "RETRY"
            sent = self.sent.pop(task_id, None)
            return replace(sent or Run(task_id=task_id), redelivered=not is_retry)
        return run

    def _was_retried(self, task_id: str, event: Mapping[str, Any], time: datetime | None, at: datetime) -> bool:
        """Whether this tells of a try whose next one was received first: it ends that one."""
        late = next((key for key, run in self.before.items() if key[0] == task_id and run.outcome == "RETRY" and run.ended_at is None), None)
        if late is not None:
            self.before[late] = replace(ended(self.before[late], event, "RETRY", time), heard_at=at)
        return late is not None

    def _put_before(self, run: Run) -> None:
        while len(self.before) >= MAX_BEFORE:
            del self.before[next(iter(self.before))]
        self.before[run.task_id, run.retries, run.received_at or run.started_at] = run

    def active(self, worker: str, parent_pid: int | None, listed: object, at: datetime) -> bool:
        """A worker's answer: all runs that it has now; one that it no longer lists has ended without a word.

        Those of another process of that name it cannot speak for: whether that one lives is judged elsewhere.
        """
        entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
        found = {str(entry.get("id")) for entry in entries}
        for entry in entries:
            self._still(worker, parent_pid, entry, at)
        going = [run for run in self.runs.values() if run.worker == worker and run.ended_at is None and run.task_id not in found]
        absent = [run for run in going if run.parent_pid in {None, parent_pid} or parent_pid is None]
        for run in absent:
            seen = run.last_active_at or run.started_at
            if seen is not None and at - seen > ABSENT_FOR:
                del self.runs[run.task_id]
        return bool(entries or absent)

    def _still(self, worker: str, parent_pid: int | None, entry: Mapping[str, Any], at: datetime) -> None:
        task_id = str(entry.get("id"))
        run = self.runs.get(task_id) or Run(task_id=task_id)
        if run.ended_at is not None:  # told while the answer was on its way, or by somebody who is not its worker
            self.runs[task_id] = replace(run, last_active_at=at, heard_at=at)
            return
        delivery = as_dict(entry.get("delivery_info"))
        self.runs[task_id] = replace(
            run,
            name=text(entry.get("name")) or run.name,
            worker=worker,
            parent_pid=(run.parent_pid if run.worker == worker else None) or parent_pid,  # an event tells which of two namesakes it was
            pid=number(entry.get("worker_pid")) or run.pid,
            queue=text(delivery.get("routing_key")) or run.queue,
            args=run.args or capped(repr(tuple(entry["args"])) if isinstance(entry.get("args"), list) else None),
            started_at=run.started_at or time_of(entry.get("time_start")),
            last_active_at=at,
            heard_at=at,
        )

    def forget(self, locks: Iterable[HeldLock], workers: Collection[Process], now: datetime) -> None:
        """Drop the runs that ended and that no lock names or may have been taken by, and those whose process is long gone."""
        self._named = {lock.claim.task_id for lock in locks if lock.claim}
        attempts = [lock.claim.attempted_at for lock in locks if lock.claim and lock.claim.attempted_at and not lock.claim.task_id]
        names = {name for name, _ in workers}

        def matters(run: Run) -> bool:
            if run.task_id in self._named:
                return True
            if run.ended_at is None and run.outcome is None:
                return run.worker is None or (run.worker, run.parent_pid) in workers or (run.parent_pid is None and run.worker in names)
            began, ended = run.started_at, run.ended_at
            return now - _heard(run) < RUN_KEPT or (began is not None and ended is not None and any(began <= at <= ended for at in attempts))

        self.runs = {key: run for key, run in self.runs.items() if matters(run)}
        self.before = {key: run for key, run in self.before.items() if matters(run)}
        self.sent = {key: run for key, run in self.sent.items() if run.sent_at is None or now - run.sent_at < SENT_KEPT}
        self.failed_at = [at for at in self.failed_at if now - at < timedelta(hours=1)]

    def shown(self) -> tuple[tuple[Run, ...], int]:
        """Active runs, then the ended ones, the latest first, then those that were only sent, then earlier tries; and how many found no room."""
        ordered = sorted(self.runs.values(), key=lambda run: (run.ended_at is not None, -_heard(run).timestamp() if run.ended_at else 0.0))
        shown = (*ordered[:MAX_SHOWN], *list(self.sent.values())[-MAX_SENT_SHOWN:], *self.before.values())
        return shown, len(self.runs) + len(self.sent) + len(self.before) - len(shown)


def _heard(run: Run) -> datetime:
    """When its last news came, by our clock: its worker's may be an hour off."""
    return run.heard_at or run.ended_at or run.started_at or LONG_AGO
