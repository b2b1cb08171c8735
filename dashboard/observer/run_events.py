"""What Celery's events and answers say of a run: anybody may have sent them, so nothing in them is taken for granted."""

import ast
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from dashboard.records import Worker
from dashboard.sources.event import Event
from dashboard.sources.foreign import as_dict

if TYPE_CHECKING:
    from dashboard.observer.live_run import LiveRun

MAX_ARGS = 200
MAX_TRACEBACK = 600
NOT_REGISTERED = "NotRegistered("
NO_LITERAL = (SyntaxError, ValueError, TypeError, RecursionError, MemoryError)
MAX_SECONDS = 1e11
MAX_SAME, MAX_SAME_LENGTH = 5000, 100  # texts that are kept once, and characters of one
ENDS = {"task-succeeded": "SUCCESS", "task-failed": "FAILURE", "task-revoked": "REVOKED", "task-retried": "RETRY", "task-rejected": "REJECTED"}


def end(run: "LiveRun", event: Event, outcome: str, time: float) -> None:
    """Take in how it ended."""
    run.ended_at, run.outcome, run.runtime = time, outcome, event.runtime
    run.result = same(capped(event.result))
    if outcome != "SUCCESS":
        run.name = run.name or unregistered_name(event)
        run.error, run.traceback_end = error(event), traceback_end(event.traceback)


def describe(run: "LiveRun", event: Event) -> None:
    """Take in what the events of sending and of receiving say alike."""
    run.name = same(event.name) or run.name
    run.retries = event.retries or 0
    run.args, run.kwargs = capped(event.args), same(capped(event.kwargs))
    run.eta, run.expires = event.eta, event.expires
    run.parent_id, run.root_id = event.parent_id, run.task_id if event.root_id == run.task_id else event.root_id


def goes_on(run: "LiveRun", worker: str, parent_pid: int | None, entry: Mapping[str, Any]) -> None:
    """Take in what its worker answers of it while it runs."""
    run.name = text(entry.get("name")) or run.name
    run.parent_pid = (run.parent_pid if run.worker == worker else None) or parent_pid  # an event tells which of two namesakes it was
    run.worker = worker
    run.pid = number(entry.get("worker_pid")) or run.pid
    run.queue = text(as_dict(entry.get("delivery_info")).get("routing_key")) or run.queue
    run.args = run.args or capped(repr(tuple(entry["args"])) if isinstance(entry.get("args"), list) else None)
    run.started_at = run.started_at or seconds_of(entry.get("time_start"))


def whose(process: Worker | None, entry: Mapping[str, Any]) -> int | None:
    """The pid of the worker's process that named this run; None where the run is in none of its children: of two of one name the other has answered."""
    pid = number(entry.get("worker_pid"))
    if process is None or process.processes is None or pid is None or pid in {process.pid, *process.processes}:
        return process.pid if process is not None else None
    return None


def error(event: Event) -> str | None:
    """The exception; Celery 5.7 says `ExceptionWithTraceback()` of a lost process, and what it was only in the traceback's last line."""
    said, traceback = event.exception, event.traceback
    if said is not None and said.startswith("ExceptionWithTraceback") and isinstance(traceback, str):
        lines = [line.strip() for line in traceback[-8 * MAX_TRACEBACK :].strip().splitlines() if line.strip(" \"'")]
        said = next((line for line in reversed(lines) if "Error" in line), said)
    return capped(said)


def unregistered_name(event: Event) -> str | None:
    """The name that a worker threw a message away for, because it does not know it; None for any other event.

    Source: `celery.worker.consumer`, on_unknown_task: `task-failed` with nothing but the id and `NotRegistered('the name')`.
    """
    said = event.exception
    if said is None or event.type != "task-failed" or event.traceback is not UNSET or not said.startswith(NOT_REGISTERED):
        return None
    try:
        name = ast.literal_eval(said.removeprefix(NOT_REGISTERED).rstrip(",)"))
    except NO_LITERAL:  # it was too long to be kept whole, or is somebody's own invention
        return None
    return name if isinstance(name, str) and name else None


def traceback_end(value: object) -> str | None:
    """Where it was raised and what: the last lines with something in them."""
    lines = [line.rstrip() for line in value[-8 * MAX_TRACEBACK :].splitlines() if line.strip(" \"'")] if isinstance(value, str) else []
    return "\n".join(lines[-3:])[-MAX_TRACEBACK:] or None


def seconds_of(value: object) -> float | None:
    """Seconds since 1970, where they may be a time."""
    return float(value) if isinstance(value, (int, float)) and 0 < value < MAX_SECONDS else None


def time_of(value: object) -> datetime | None:
    """The same as an instant."""
    seconds = seconds_of(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None


def instant(value: object) -> datetime | None:
    """A time as a message carries it, ISO 8601, in UTC where it names no zone; one that no clock in UTC shows is none, for it cannot be written."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return at if at is None else at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def duration(seconds: float | None) -> timedelta | None:
    """The same as a duration."""
    return timedelta(seconds=seconds) if seconds is not None else None


_texts: dict[str, str] = {}


def same(text: str | None) -> str | None:
    """The same text, kept once for all runs that say it: of names, queues and workers there are few, and each event brings its own."""
    if text is None or (known := _texts.get(text)) is not None:
        return known if text is not None else None
    if len(text) <= MAX_SAME_LENGTH:
        if len(_texts) >= MAX_SAME:
            _texts.clear()
        _texts[text] = text
    return text


def text(value: object) -> str | None:
    """A name or an id, cut."""
    return value[:512] if isinstance(value, str) else None


def number(value: object) -> int | None:
    """A whole number."""
    return value if isinstance(value, int) else None


def capped(value: str | None) -> str | None:
    """A repr, cut."""
    return None if value is None else value[:MAX_ARGS]
