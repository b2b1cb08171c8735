"""One send of a task as the events tell of it, and what makes two of them the same: task, arguments, queue."""

import ast
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from celery.utils.saferepr import saferepr

from dashboard.observer.run_events import time_of
from dashboard.records import ScheduleReading
from dashboard.records.schedules import RHYTHM
from dashboard.sources.event import Event

MAX_WHOLE = 500  # characters of a repr that was surely not cut
MAX_COMPARED = 400  # characters of a repr: events are cut a little beyond
SAME_CLOCK = timedelta(seconds=2)  # a sender whose clock is further off is told by ours
Signature = tuple[str, str, str]  # task, args, kwargs


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One message that was sent, or received by a worker where its sender does not tell."""

    task_id: str
    signature: Signature
    queue: str | None
    origin: str | None  # None: its sender does not tell
    at: datetime
    args: str  # the event's reprs, whole
    kwargs: str


def send_of(event: Event, at: datetime, queue: str | None) -> Send | None:
    """The send that an event of sending or of receiving tells of; None for a retry, which its own run sends."""
    if event.uuid is None or event.name is None or event.retries:
        return None
    args, kwargs = event.args or "", event.kwargs or ""
    return Send(
        task_id=event.uuid,
        signature=signature_in(event),
        queue=queue,
        origin=event.hostname if event.type == "task-sent" else None,
        at=_time(event.timestamp, at),
        args=args or "()",
        kwargs=kwargs or "{}",
    )


def signature_in(event: Event) -> Signature:
    """What this event says of its task and arguments."""
    return (event.name or "", core(event.args or ""), (event.kwargs or "")[:MAX_COMPARED] or "{}")


def signature_of(entry: ScheduleReading) -> Signature:
    """What the events of this entry's sends will say; only the task's name counts where its arguments are made anew each time."""
    if entry.can_be_sent:
        return (entry.task, core(_repr(entry.args)), _repr(entry.kwargs)[:MAX_COMPARED])
    return (entry.task, core(entry.args), entry.kwargs[:MAX_COMPARED]) if entry.source == RHYTHM else (entry.task, "", "")


def as_sent(send: Send) -> tuple[str, str, bool]:
    """Its arguments as JSON where their reprs are whole and say no more than JSON can; else the reprs, and False."""
    args, kwargs = _as_json(send.args, list), _as_json(send.kwargs, dict)
    if args is None or kwargs is None or core(_repr(args)) != core(send.args) or _repr(kwargs) != send.kwargs:
        return send.args, send.kwargs, False
    return args, kwargs, True


def _as_json(text: str, kind: type) -> str | None:
    if len(text) > MAX_WHOLE or "..." in text:
        return None
    try:
        value: Any = ast.literal_eval(text)
        value = list(value) if isinstance(value, tuple) else value
        return json.dumps(value) if isinstance(value, kind) else None
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _repr(text: str) -> str:
    """The repr that a sender would tell of arguments that are this JSON.  Source: `celery.app.amqp` cuts it at 1,024 characters."""
    return str(saferepr(json.loads(text), 1024))


def core(args: str) -> str:
    """`42` for `(42,)` and for `[42]`: beat makes lists of tuples."""
    text = args.strip()
    if text[:1] in "([" and text[-1:] in ")]":
        text = text[1:-1].rstrip().removesuffix(",")
    return text[:MAX_COMPARED]


def _time(timestamp: float | None, at: datetime) -> datetime:
    """The sender's own time, which does not wait for us; ours where their clock is another."""
    told = time_of(timestamp)
    return told if told is not None and abs(told - at) <= SAME_CLOCK else at
