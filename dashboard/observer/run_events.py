"""What Celery's events and answers say of a run, as the fields of a `Run`: anybody may have sent them, so nothing in them is taken for granted."""

import ast
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.records import Run

MAX_ARGS = 200
MAX_TRACEBACK = 600
NOT_REGISTERED = "NotRegistered("


def ended(run: Run, event: Mapping[str, Any], outcome: str, time: datetime | None) -> Run:
    """With how it ended."""
    return replace(
        run,
        name=run.name or unregistered_name(event),
        ended_at=time,
        outcome=outcome,
        error=error(event),
        traceback_end=traceback_end(event.get("traceback")),
        runtime=span(event.get("runtime")),
        result=capped(event.get("result")),
    )


def described(run: Run, event: Mapping[str, Any]) -> Run:
    """With what the events of sending and of receiving say alike."""
    return replace(
        run,
        name=text(event.get("name")) or run.name,
        retries=number(event.get("retries")) or 0,
        args=capped(event.get("args")),
        kwargs=capped(event.get("kwargs")),
        eta_at=instant(event.get("eta")),
        expires_at=instant(event.get("expires")),
        parent_id=text(event.get("parent_id")),
        root_id=text(event.get("root_id")),
    )


def error(event: Mapping[str, Any]) -> str | None:
    """The exception; Celery 5.7 says `ExceptionWithTraceback()` of a lost process, and what it was only in the traceback's last line."""
    said, traceback = event.get("exception"), event.get("traceback")
    if isinstance(said, str) and said.startswith("ExceptionWithTraceback") and isinstance(traceback, str):
        lines = [line.strip() for line in traceback.strip().splitlines() if line.strip(" \"'")]
        said = next((line for line in reversed(lines) if "Error" in line), said)
    return capped(said)


def unregistered_name(event: Mapping[str, Any]) -> str | None:
    """The name that a worker threw a message away for, because it does not know it; None for any other event.

    Source: `celery.worker.consumer`, on_unknown_task: `task-failed` with nothing but the id and `NotRegistered('the name')`.
    """
    said = event.get("exception")
    if event["type"] != "task-failed" or "traceback" in event or not isinstance(said, str) or not said.startswith(NOT_REGISTERED):
        return None
    try:
        name = ast.literal_eval(said.removeprefix(NOT_REGISTERED).rstrip(",)"))
    except (SyntaxError, ValueError):  # it was too long to be kept whole
        return None
    return name if isinstance(name, str) and name else None


def traceback_end(value: object) -> str | None:
    """Where it was raised and what: the last lines with something in them."""
    lines = [line.rstrip() for line in value.splitlines() if line.strip(" \"'")] if isinstance(value, str) else []
    return "\n".join(lines[-3:])[-MAX_TRACEBACK:] or None


def time_of(value: object) -> datetime | None:
    """Seconds since 1970 as an instant."""
    return datetime.fromtimestamp(value, UTC) if isinstance(value, (int, float)) and 0 < value < 1e11 else None


def instant(value: object) -> datetime | None:
    """A time as a message carries it: ISO 8601, in UTC where it names no zone."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def span(value: object) -> timedelta | None:
    """Seconds as a duration."""
    return timedelta(seconds=value) if isinstance(value, (int, float)) and 0 <= value < 1e9 else None


def text(value: object) -> str | None:
    """A name or an id, cut."""
    return value[:512] if isinstance(value, str) else None


def number(value: object) -> int | None:
    """A whole number."""
    return value if isinstance(value, int) else None


def capped(value: object) -> str | None:
    """A repr, cut."""
    return value[:MAX_ARGS] if isinstance(value, str) else None
