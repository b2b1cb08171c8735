"""One Celery event as the observer reads it, decoded straight from what the broker carries: anybody may have sent it.

What fits is taken as it is, in one go; what does not is read again field by field, and kept as far as it is fit to be kept. Nothing is ever
unpickled or decompressed: bytes that are no JSON are no event.
"""

import json
from binascii import a2b_base64
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec

from dashboard.sources.foreign import MAX_NUMBER, MAX_TEXT, clean_event

MAX_GROUP = 1000  # Celery's own groups have 24 events at most
MAX_LENIENT_BYTES = 1_000_000  # of what had to be read again: it is looked at by a slower reader
MAX_REPR = 4096  # Celery cuts at 1,024 characters; what is longer than this is cut to MAX_TEXT
MAX_KIND = 64  # of a type's characters, where it is only counted
NOT_TOLD = "not told"

Name = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
Repr = Annotated[str, msgspec.Meta(max_length=MAX_REPR)]
Instant = Annotated[float, msgspec.Meta(gt=0, lt=1e11)]
Span = Annotated[float, msgspec.Meta(ge=0, lt=1e9)]
Number = Annotated[int, msgspec.Meta(gt=-MAX_NUMBER, lt=MAX_NUMBER)]


class NoEvent(Exception):
    """What was published holds no event."""


class Event(msgspec.Struct, gc=False):
    """The fields that are read of any event; None: not told, or told as something that it cannot be.

    Source: `celery.worker.request`, `celery.app.amqp`, `celery.worker.heartbeat`; `lock-refused`, `-waiting`, `-lost`: `dashboard.locking.report`.
    """

    type: Name
    hostname: Name | None = None
    pid: Number | None = None
    timestamp: Instant | None = None  # by the sender's clock, seconds since 1970
    uuid: Name | None = None
    name: Name | None = None
    args: Repr | None = None  # reprs, which Celery cuts at 1,024 characters
    kwargs: Repr | None = None
    retries: Number | None = None
    eta: Name | None = None
    expires: Name | None = None
    parent_id: Name | None = None
    root_id: Name | None = None
    queue: Name | None = None
    routing_key: Name | None = None
    runtime: Span | None = None  # seconds
    result: Repr | None = None
    exception: Repr | None = None
    traceback: str | msgspec.UnsetType | None = msgspec.UNSET  # an unknown task's failure has none, not even an empty one
    processed: Number | None = None  # of heartbeats
    loadavg: Annotated[list[float], msgspec.Meta(max_length=3)] | None = None
    sw_ident: Name | None = None
    sw_ver: Name | None = None
    key: Name | None = None  # of a lock
    task: Name | None = None
    waited: Span | None = None
    digest: Name | None = None  # of an attempt's token: the lock's token_digest, once it is acquired
    limit: Span | None = None  # seconds that an attempt waits at most
    noticed: Name | None = None  # by what a holder noticed that it had lost its lock


class Envelope(msgspec.Struct, gc=False):
    """What kombu puts around a message; msgspec takes the base64 off by the type of `body`."""

    body: bytes


_envelope = msgspec.json.Decoder(Envelope)
_bare = msgspec.json.Decoder(bytes)
_single = msgspec.json.Decoder(Event)
_group = msgspec.json.Decoder(Annotated[list[Event], msgspec.Meta(min_length=1, max_length=MAX_GROUP)])
_anything = msgspec.json.Decoder()
TOO_ODD = (msgspec.DecodeError, RecursionError, UnicodeError, ValueError)  # DecodeError: ValidationError as well


HEAD = b'{"body": "'  # how kombu's JSON begins
BEGIN = len(HEAD)
BACKSLASH = ord("\\")


def bare(payload: bytes) -> bytes:
    """Of a message whose body comes first and is base64 that text alone, in its quotes: half of a message is its envelope, and many may have to wait."""
    if payload.startswith(HEAD):
        end = payload.find(b'"', BEGIN)
        if end > 0 and payload[end - 1] != BACKSLASH:  # in what is no base64 the first quote is an escaped one
            return payload[BEGIN - 1 : end + 1]
    return b"" if payload.startswith(b'"') else payload


def _body_of(payload: bytes) -> bytes:
    return _bare.decode(payload) if payload.startswith(b'"') else _envelope.decode(payload).body


def read_events(payloads: Iterable[bytes]) -> tuple[list[Event], int]:
    """The events of these messages, whole or bare, and how many of them hold none."""
    events, unread = list[Event](), 0
    single, add = _single.decode, events.append
    for payload in payloads:
        try:
            body = _body_of(payload)
            if body.startswith(b"["):
                events += _group.decode(body)
            else:
                add(single(body))
        except TOO_ODD:
            odd = _odd_events(payload)
            events += odd
            unread += not odd
    return events, unread


def _odd_events(payload: bytes) -> list[Event]:
    """The events of what does not fit, with each field that is fit to be kept; none where it holds none."""
    if len(payload) > MAX_LENIENT_BYTES:
        return []
    try:
        body = _loaded(_body(_loaded(payload)))
    except NoEvent:
        return []
    return [event for fields in (body if isinstance(body, list) else [body])[:MAX_GROUP] if (event := event_of(fields)) is not None]


def _loaded(text: bytes | str) -> Any:
    """JSON as Python's senders write it: lone surrogates and NaN included."""
    try:
        return _anything.decode(text)
    except TOO_ODD:
        return _python_json(text)


def _python_json(text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NoEvent("no JSON") from error


def _body(envelope: Any) -> bytes | str:
    if isinstance(envelope, str):
        return _without_base64(envelope)
    body = envelope.get("body") if isinstance(envelope, dict) else None
    properties = envelope.get("properties") if isinstance(envelope, dict) else None
    if not isinstance(body, str):
        raise NoEvent("no message")
    is_plain = isinstance(properties, dict) and properties.get("body_encoding") is None
    return body if is_plain else _without_base64(body)


def _without_base64(body: str) -> bytes:
    try:
        return a2b_base64(body)
    except ValueError as error:
        raise NoEvent("no base64") from error


def event_of(fields: object) -> Event | None:
    """The event with these fields, each that cannot be what it should be left out; None where it is none."""
    kept = clean_event(fields) if isinstance(fields, Mapping) else {}
    if not isinstance(kept.get("type"), str):
        return None
    told = {name: _cut(name, value) for name, value in kept.items() if name in FIELDS and value is not None}
    try:
        return msgspec.convert(told, Event)
    except msgspec.ValidationError:
        return msgspec.convert({name: value for name, value in told.items() if _fits(name, value)}, Event)


def _cut(name: str, value: object) -> object:
    return value[:MAX_TEXT] if isinstance(value, str) and name != "traceback" else value


def _fits(name: str, value: object) -> bool:
    try:
        msgspec.convert({"type": "", name: value}, Event)
    except msgspec.ValidationError:
        return False
    return True


FIELDS = frozenset(Event.__struct_fields__)


def kinds_in(payload: bytes) -> Iterable[str]:
    """The types of the events in a message that is thrown away, without reading more of it."""
    try:
        body = _body_of(payload)
        return [one.type[:MAX_KIND] for one in (_kinds.decode(body) if body[:1] == b"[" else [_kind.decode(body)])]
    except TOO_ODD:
        return [NOT_TOLD]


class _Kind(msgspec.Struct, gc=False):
    type: str


_kind = msgspec.json.Decoder(_Kind)
_kinds = msgspec.json.Decoder(Annotated[list[_Kind], msgspec.Meta(max_length=MAX_GROUP)])
