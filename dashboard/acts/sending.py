"""What somebody wrote of a message to send, as a value: every part checked, and what is wrong said in words. No I/O."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from dashboard.acts.json_text import MAX_CHARACTERS, parse
from dashboard.acts.refusals import Refused
from dashboard.conf import OWN_KEYS
from dashboard.records import Sending
from dashboard.sources.queue_names import Layout

MAX_NAME = 500  # characters of a task's or a queue's name
MAX_COUNT = 100  # messages at once
TYPED_ABOVE = 10  # more than so many are confirmed by typing the task's name
MAX_BODY = MAX_CHARACTERS + 100_000  # of a program's request, all around its arguments included
MAX_LATER = timedelta(days=3650)
PRIORITIES = range(10)  # the Redis transport cuts them to these
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,6})?")


def sending_of(given: Mapping[str, str], layout: Layout) -> Sending:
    """The message that these texts mean: `task`, `queue`, `args` and `kwargs` as JSON, `countdown`, `eta`, `expires`, `priority`, `result`, `count`.

    Raises: Refused, Malformed.
    """
    args, kwargs = arguments_of(given.get("args", ""), given.get("kwargs", ""))
    expires = given.get("expires", "").strip()
    seconds = _NUMBER.fullmatch(expires) is not None
    return checked(
        Sending(
            task=given.get("task", "").strip(),
            queue=given.get("queue", "").strip(),
            args=args,
            kwargs=kwargs,
            countdown=_span(given.get("countdown", ""), "countdown"),
            eta_at=_instant(given.get("eta", ""), "eta"),
            expires_in=_span(expires, "expires") if seconds else None,
            expires_at=None if seconds else _instant(expires, "expires"),
            priority=_whole(given.get("priority", ""), "priority"),
            ignore_result=not given.get("result"),
            count=_whole(given.get("count", ""), "count") or (1 if not given.get("count", "").strip() else 0),
        ),
        layout,
    )


def from_json(said: Mapping[str, Any], layout: Layout) -> Sending:
    """The message that a program's JSON object means; its values have their own types.  Raises: Refused, Malformed."""
    if not isinstance(said.get("ignore_result", True), bool):
        raise Refused("send_field_type", what="ignore_result")
    texts = {name: _text_of(name, said.get(name)) for name in ("task", "queue", "countdown", "eta", "expires", "priority", "count")}
    bare = sending_of({**texts, "result": "" if said.get("ignore_result", True) else "1"}, layout)
    args, kwargs = said.get("args") or [], said.get("kwargs") or {}
    if not isinstance(args, list):
        raise Refused("send_args_no_list")
    if not isinstance(kwargs, dict):
        raise Refused("send_kwargs_no_object")
    return replace(bare, args=tuple(args), kwargs=kwargs)


def _text_of(name: str, value: object) -> str:
    """A text or a number as `sending_of` reads it."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or (name in {"task", "queue"} and not isinstance(value, str)):
        raise Refused("send_field_type", what=name)
    return str(value)


def arguments_of(args: str, kwargs: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Both as values; empty texts mean none.  Raises: Refused, Malformed."""
    if len(args) + len(kwargs) > MAX_CHARACTERS:
        raise Refused("send_too_large", limit="1 MB")
    positional = parse(args, "args") if args.strip() else []
    named = parse(kwargs, "kwargs") if kwargs.strip() else {}
    if not isinstance(positional, list):
        raise Refused("send_args_no_list")
    if not isinstance(named, dict):
        raise Refused("send_kwargs_no_object")
    return tuple(positional), named


def checked(sending: Sending, layout: Layout) -> Sending:
    """The same, where it can be sent at all.  Raises: Refused."""
    for what, name in (("task", sending.task), ("queue", sending.queue)):
        if not name:
            raise Refused(f"send_no_{what}")
        if len(name) > MAX_NAME or not _is_utf8(name):
            raise Refused("send_name_odd", what=what, limit=MAX_NAME)
    if _is_reserved(sending.queue, layout):
        raise Refused("send_reserved")
    if not 1 <= sending.count <= MAX_COUNT:
        raise Refused("send_count", most=MAX_COUNT)
    if sending.priority is not None and sending.priority not in PRIORITIES:
        raise Refused("send_priority", least=PRIORITIES.start, most=PRIORITIES.stop - 1)
    if sending.countdown and sending.eta_at:
        raise Refused("send_two_starts")
    return sending


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_reserved(queue: str, layout: Layout) -> bool:
    """A key that the transport or we ourselves use, or one of another queue's lists: a message there would harm everybody."""
    own = {layout.unacked, layout.unacked_index, "unacked_mutex"}
    return queue in own or queue.startswith(("_kombu.", OWN_KEYS)) or layout.separator in queue


def digest_of(sending: Sending) -> str:
    """16 hex digits that stand for this very message: a plan for one is none for another."""
    said = [sending.task, sending.queue, sending.args, sending.kwargs, *options_of(sending).items()]
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def options_of(sending: Sending) -> dict[str, str]:
    """Its options as `sending_of` reads them; those with their default are left out."""
    found = {
        "countdown": _seconds(sending.countdown),
        "eta": sending.eta_at.isoformat() if sending.eta_at else "",
        "expires": sending.expires_at.isoformat() if sending.expires_at else _seconds(sending.expires_in),
        "priority": "" if sending.priority is None else str(sending.priority),
        "result": "" if sending.ignore_result else "1",
        "count": str(sending.count) if sending.count != 1 else "",
    }
    return {name: value for name, value in found.items() if value}


def _seconds(span: timedelta | None) -> str:
    return "" if span is None else f"{span.total_seconds():g}" if span.total_seconds() < 10**6 else f"{span.total_seconds():.0f}"


def _span(text: str, what: str) -> timedelta | None:
    if not text.strip():
        return None
    if _NUMBER.fullmatch(text.strip()) is None or (span := timedelta(seconds=float(text))) > MAX_LATER:
        raise Refused("send_no_seconds", what=what)
    return span


def _instant(text: str, what: str) -> datetime | None:
    """In UTC where it names no zone."""
    if not text.strip():
        return None
    try:
        at = datetime.fromisoformat(text.strip())
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Refused("send_no_time", what=what) from None
    if at > datetime.now(UTC) + MAX_LATER:
        raise Refused("send_no_time", what=what)
    return at


def _whole(text: str, what: str) -> int | None:
    if not text.strip():
        return None
    if re.fullmatch(r"\d{1,6}", text.strip()) is None:
        raise Refused("send_no_number", what=what)
    return int(text)
