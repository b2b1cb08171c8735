"""The messages at the front of one queue, read when somebody asks; who may not see payloads is told so instead of their arguments."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard.exceptions import SourceUnavailable
from dashboard.records import Message, QueuePeek, QueueReading, Snapshot
from dashboard.redaction import hide_secrets
from dashboard.sources.messages import POISON
from dashboard.sources.peek import peek
from dashboard.web.instants import instant_of, maybe
from dashboard.web.links import run_url, task_url
from dashboard.words import short_id, spelled_out, visible
from dashboard.words.queues import PROBLEMS

PAYLOADS, UNREDACTED = "lockhouse.view_payloads", "lockhouse.view_unredacted"
MAX_BAD = 20  # told of by position; the others are in the list
MAX_GROUPS = 50
HARMLESS = {"pickle"}  # where workers accept it


def messages_of(queue: QueueReading, snapshot: Snapshot, may: frozenset[str], now: datetime) -> dict[str, Any]:
    """What `panels/queue_messages.html` shows; nothing in it is called `messages`, which the admin's base template takes for its own.

    Cost: one bounded read of the broker, a second at most.
    """
    if queue.wrong_type is not None:
        return {"unreadable": _("Its key holds a %(type)s, so there are no messages.") % {"type": visible(queue.wrong_type)}}
    if not queue.raw_name:
        return {"unreadable": _("Its name is too long to be read by.")}
    try:
        seen = peek(queue.raw_name)
    except SourceUnavailable as error:
        return {"unreadable": _("The broker could not be read: %(reason)s") % {"reason": visible(error.reason)}}
    rows = list(_rows(seen, frozenset(run.task_id for run in snapshot.runs), may, now))
    return {
        "read": instant_of(seen.read_at, now),
        "total": seen.total,
        "how_many": _how_many(seen),
        "stopped": _stopped(seen),
        "groups": list(_groups(seen))[:MAX_GROUPS],
        "more_groups": max(len(seen.groups) - MAX_GROUPS, 0),
        "looked_at": seen.looked_at,
        "bad": [_bad(message) for message in seen.messages if message.problem and message.problem not in HARMLESS][:MAX_BAD],
        "rows": rows,
        "has_times": any(row["eta"] or row["expires"] for row in rows),
        "may_see": PAYLOADS in may,
    }


def _how_many(seen: QueuePeek) -> str:
    if len(seen.messages) >= seen.total:
        return ngettext("%(n)s message", "all %(n)s messages", seen.total) % {"n": number_format(seen.total)}
    return _("the first %(shown)s of %(total)s") % {"shown": number_format(len(seen.messages)), "total": number_format(seen.total)}


def _stopped(seen: QueuePeek) -> str:
    reasons = {
        "time": _("It took longer than a second, so the rest was not read."),
        "bytes": _("The messages are large, so the rest was not read."),
        "huge": _("Several messages are so large that the rest was not read, to spare the broker."),
    }
    return reasons.get(seen.stopped_by, "")


def _groups(seen: QueuePeek) -> Iterator[dict[str, Any]]:
    for name, problem, count in seen.groups:
        yield {
            "task": visible(name) if name else "" if problem else _("a task not known"),
            "url": task_url(name) if name else "",
            "problem": str(PROBLEMS.get(problem, visible(problem))) if problem else "",
            "is_poison": problem in POISON,
            "count": number_format(count),
        }


def _bad(message: Message) -> str:
    values = {"n": message.position, "problem": PROBLEMS.get(message.problem, visible(message.problem))}
    if message.problem in POISON:
        return _("Poison at position %(n)s: it %(problem)s.") % values
    return _("Position %(n)s: it %(problem)s.") % values


def _rows(seen: QueuePeek, known: frozenset[str], may: frozenset[str], now: datetime) -> Iterator[dict[str, Any]]:
    """The messages; those whose run is remembered, and so has a page, link to it."""
    for message in seen.messages:
        yield {
            "position": message.position,
            "priority": message.priority if message.priority != "0" else "",
            "task": visible(message.task_name or ""),
            "task_url": task_url(message.task_name) if message.task_name else "",
            "task_id": short_id(message.task_id) if message.task_id else "",
            "run_url": run_url(message.task_id) if message.task_id and message.task_id in known else "",
            "whole_id": visible(message.task_id or ""),
            "args": _payload(message.args, may),
            "kwargs": _payload(message.kwargs, may) if message.kwargs != "{}" else "",
            "retries": message.retries,
            "eta": maybe(message.eta_at, now),
            "expires": maybe(message.expires_at, now),
            "is_expired": message.expires_at is not None and message.expires_at <= now,
            "origin": visible(message.origin or ""),
            "size": size(message.size_bytes),
            "problem": str(PROBLEMS.get(message.problem, visible(message.problem))) if message.problem else "",
            "detail": visible(message.detail),
            "is_poison": message.problem in POISON,
        }


def _payload(text: str | None, may: frozenset[str]) -> str:
    """The arguments as this person may see them."""
    if text is None or PAYLOADS not in may:
        return ""
    return spelled_out(text if UNREDACTED in may else hide_secrets(text))


def size(count: int) -> str:
    """Bytes in the unit that has the fewest digits."""
    if count < 1024:
        return _("%(n)s B") % {"n": count}
    if count < 1024 * 1024:
        return _("%(n)s KB") % {"n": number_format(count / 1024, 1)}
    return _("%(n)s MB") % {"n": number_format(count / 1024 / 1024, 1)}
