"""What the observer knows of runs: the active ones, and those that ended and still matter to a lock."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.records import HeldLock, Run
from dashboard.sources.foreign import as_dict

KEPT = timedelta(minutes=5)  # an ended run that no lock names
ABSENT_FOR = timedelta(seconds=4)  # not active in two answers of its worker: it ended without an event
MAX_RUNS = 20_000
MAX_SHOWN = 2000
MAX_ARGS = 200
ENDS = {"task-succeeded": "SUCCESS", "task-failed": "FAILURE", "task-revoked": "REVOKED", "task-retried": "RETRY", "task-rejected": "REJECTED"}


class RunBook:
    """One run per task id, the latest; an earlier one of that id is kept beside it while it matters."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.before: dict[tuple[str, str | None, int | None], Run] = {}
        self.failed_at: list[datetime] = []

    def restore(self, runs: Iterable[Run]) -> None:
        self.runs = {run.task_id: run for run in runs}

    def event(self, event: Mapping[str, Any], at: datetime) -> bool:
        """A task event; False for one that tells nothing of a run."""
        kind, task_id = event["type"], event.get("uuid")
        if not isinstance(task_id, str) or kind == "task-sent" or (task_id not in self.runs and len(self.runs) >= MAX_RUNS):
            return False
        time = _time(event.get("timestamp"))
        run = self._current(task_id, kind, event)
        if kind == "task-received":
            run = replace(run, name=_text(event.get("name")), retries=_number(event.get("retries")) or 0, args=_capped(event.get("args")), received_at=time)
        elif kind == "task-started":
            run = replace(run, started_at=time)
        elif outcome := ENDS.get(kind):
            run = replace(run, ended_at=time, outcome=outcome, error=_error(event))
            if outcome == "FAILURE":
                self.failed_at.append(at)
        self.runs[task_id] = replace(run, worker=_text(event.get("hostname")), parent_pid=_number(event.get("pid")))
        return True

    def _current(self, task_id: str, kind: str, event: Mapping[str, Any]) -> Run:
        """The run that this event is about: a new one where the id was received again."""
        run = self.runs.get(task_id)
        if run is None:
            return Run(task_id=task_id)
        again = kind == "task-received" and (run.received_at is not None or run.started_at is not None)
        if again:
            self.before[task_id, run.worker, run.pid] = run
            return Run(task_id=task_id, redelivered=True)
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
        self.failed_at = [at for at in self.failed_at if now - at < timedelta(hours=1)]

    def shown(self) -> tuple[Run, ...]:
        """Active runs first, then the ended ones that matter, capped."""
        ordered = sorted(self.runs.values(), key=lambda run: run.ended_at is not None)
        return (*ordered[:MAX_SHOWN], *self.before.values())


def _matters(run: Run, named: set[str | None], attempts: list[datetime], workers: set[str], now: datetime) -> bool:
    if run.task_id in named:
        return True
    if run.ended_at is None:
        return run.worker is None or run.worker in workers
    began, ended = run.started_at, run.ended_at
    return now - ended < KEPT or (began is not None and any(began <= at <= ended for at in attempts))


def _error(event: Mapping[str, Any]) -> str | None:
    """The exception; Celery 5.7 says `ExceptionWithTraceback()` of a lost process, and what it was only in the traceback's last line."""
    said, traceback = event.get("exception"), event.get("traceback")
    if isinstance(said, str) and said.startswith("ExceptionWithTraceback") and isinstance(traceback, str):
        lines = [line.strip() for line in traceback.strip().splitlines() if line.strip(" \"'")]
        said = next((line for line in reversed(lines) if "Error" in line), said)
    return _capped(said)


def _time(value: object) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, (int, float)) and 0 < value < 1e11 else None


def _text(value: object) -> str | None:
    return value[:512] if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _capped(value: object) -> str | None:
    return value[:MAX_ARGS] if isinstance(value, str) else None
