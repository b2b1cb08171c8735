"""What the observer knows of runs: the active ones, and those that ended and still matter to a lock."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.records import HeldLock, Refusal, Run
from dashboard.sources.foreign import as_dict

KEPT = timedelta(minutes=5)  # an ended run that no lock names
ABSENT_FOR = timedelta(seconds=4)  # not active in two answers of its worker: it ended without an event
MAX_RUNS = 20_000
MAX_SHOWN = 2000
MAX_SENT = 5000  # sent, and not yet received by a worker that tells
MAX_SENT_SHOWN = 500
SENT_KEPT = timedelta(hours=1)
MAX_ARGS = 200
ENDS = {"task-succeeded": "SUCCESS", "task-failed": "FAILURE", "task-revoked": "REVOKED", "task-retried": "RETRY", "task-rejected": "REJECTED"}


class RunBook:
    """One run per task id, the latest; an earlier one of that id is kept beside it while it matters."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.before: dict[tuple[str, str | None, int | None], Run] = {}
        self.sent: dict[str, Run] = {}  # seen as they were sent, the oldest first
        self.failed_at: list[datetime] = []

    def restore(self, runs: Iterable[Run]) -> None:
        for run in runs:
            (self.runs if run.worker or run.received_at else self.sent)[run.task_id] = run

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
        if task_id not in self.runs and len(self.runs) >= MAX_RUNS:
            return False
        time = _time(event.get("timestamp"))
        run = self._current(task_id, kind, event)
        if kind == "task-received":
            run = replace(_described(run, event), received_at=time, queue=run.queue or queue)
        elif kind == "task-started":
            run = replace(run, started_at=time)
        elif outcome := ENDS.get(kind):
            run = replace(run, ended_at=time, outcome=outcome, error=_error(event), runtime=_span(event.get("runtime")), result=_capped(event.get("result")))
            if outcome == "FAILURE":
                self.failed_at.append(at)
        self.runs[task_id] = replace(run, worker=_text(event.get("hostname")), parent_pid=_number(event.get("pid")))
        return True

    def _was_sent(self, task_id: str, event: Mapping[str, Any], at: datetime, queue: str | None) -> bool:
        """A sender tells after sending, so a quick worker may have received it already; a retry is sent under the id of its run."""
        sent_at, origin = _time(event.get("timestamp")) or at, _text(event.get("hostname"))
        known = self.runs.get(task_id)
        if known is not None and known.retries == (_number(event.get("retries")) or 0):
            self.runs[task_id] = replace(known, sent_at=sent_at, origin=origin, queue=known.queue or queue)
            return True
        while len(self.sent) >= MAX_SENT:
            del self.sent[next(iter(self.sent))]
        self.sent[task_id] = replace(_described(Run(task_id=task_id), event), sent_at=sent_at, origin=origin, queue=queue)
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
            self.before[task_id, run.worker, run.pid] = run
            is_retry = run.outcome == "RETRY"
            sent = self.sent.pop(task_id, None)
            return replace(sent or Run(task_id=task_id), redelivered=not is_retry)
        return run

    def active(self, worker: str, parent_pid: int | None, listed: object, at: datetime) -> bool:
        """A worker's answer: all runs that it has now; one that it no longer lists has ended without a word."""
        entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
        found = {str(entry.get("id")) for entry in entries}
        for entry in entries:
            self._still(worker, parent_pid, entry, at)
        absent = [run for run in self.runs.values() if run.worker == worker and run.ended_at is None and run.task_id not in found]
        for run in absent:
            seen = run.last_active_at or run.started_at
            if seen is not None and at - seen > ABSENT_FOR:
                del self.runs[run.task_id]
        return bool(entries or absent)

    def _still(self, worker: str, parent_pid: int | None, entry: Mapping[str, Any], at: datetime) -> None:
        task_id = str(entry.get("id"))
        run = self.runs.get(task_id) or Run(task_id=task_id)
        if run.ended_at is not None:  # told while the answer was on its way, or by somebody who is not its worker
            self.runs[task_id] = replace(run, last_active_at=at)
            return
        delivery = as_dict(entry.get("delivery_info"))
        self.runs[task_id] = replace(
            run,
            name=_text(entry.get("name")) or run.name,
            worker=worker,
            parent_pid=parent_pid or run.parent_pid,
            pid=_number(entry.get("worker_pid")) or run.pid,
            queue=_text(delivery.get("routing_key")) or run.queue,
            args=run.args or _capped(repr(tuple(entry["args"])) if isinstance(entry.get("args"), list) else None),
            started_at=run.started_at or _time(entry.get("time_start")),
            last_active_at=at,
        )

    def forget(self, locks: Iterable[HeldLock], workers: set[str], now: datetime) -> None:
        """Drop the runs that ended and that no lock names or may have been taken by, and those whose worker is long gone."""
        named = {lock.claim.task_id for lock in locks if lock.claim}
        attempts = [lock.claim.attempted_at for lock in locks if lock.claim and lock.claim.attempted_at and not lock.claim.task_id]
        self.runs = {key: run for key, run in self.runs.items() if _matters(run, named, attempts, workers, now)}
        self.before = {key: run for key, run in self.before.items() if run.task_id in named}
        self.sent = {key: run for key, run in self.sent.items() if run.sent_at is None or now - run.sent_at < SENT_KEPT}
        self.failed_at = [at for at in self.failed_at if now - at < timedelta(hours=1)]

    def shown(self) -> tuple[Run, ...]:
        """Active runs first, then the ended ones that matter, then those that were only sent; capped."""
        ordered = sorted(self.runs.values(), key=lambda run: run.ended_at is not None)
        return (*ordered[:MAX_SHOWN], *list(self.sent.values())[-MAX_SENT_SHOWN:], *self.before.values())


def _matters(run: Run, named: set[str | None], attempts: list[datetime], workers: set[str], now: datetime) -> bool:
    if run.task_id in named:
        return True
    if run.ended_at is None:
        return run.worker is None or run.worker in workers
    began, ended = run.started_at, run.ended_at
    return now - ended < KEPT or (began is not None and any(began <= at <= ended for at in attempts))


def _described(run: Run, event: Mapping[str, Any]) -> Run:
    """With what the events of sending and of receiving say alike."""
    return replace(
        run,
        name=_text(event.get("name")) or run.name,
        retries=_number(event.get("retries")) or 0,
        args=_capped(event.get("args")),
        kwargs=_capped(event.get("kwargs")),
        eta_at=_instant(event.get("eta")),
        expires_at=_instant(event.get("expires")),
        parent_id=_text(event.get("parent_id")),
        root_id=_text(event.get("root_id")),
    )


def _error(event: Mapping[str, Any]) -> str | None:
    """The exception; Celery 5.7 says `ExceptionWithTraceback()` of a lost process, and what it was only in the traceback's last line."""
    said, traceback = event.get("exception"), event.get("traceback")
    if isinstance(said, str) and said.startswith("ExceptionWithTraceback") and isinstance(traceback, str):
        lines = [line.strip() for line in traceback.strip().splitlines() if line.strip(" \"'")]
        said = next((line for line in reversed(lines) if "Error" in line), said)
    return _capped(said)


def _time(value: object) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, (int, float)) and 0 < value < 1e11 else None


def _instant(value: object) -> datetime | None:
    """A time as a message carries it: ISO 8601, in UTC where it names no zone."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _span(value: object) -> timedelta | None:
    return timedelta(seconds=value) if isinstance(value, (int, float)) and 0 <= value < 1e9 else None


def _text(value: object) -> str | None:
    return value[:512] if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _capped(value: object) -> str | None:
    return value[:MAX_ARGS] if isinstance(value, str) else None
