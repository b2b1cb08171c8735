"""What a message says: decoding never fails, and what is wrong with a message is part of the answer. No I/O.

Source: kombu's virtual `Message` and Celery's `on_task_received` decide what a worker can do with it.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

MAX_TEXT = 512
PICKLES = {"application/x-python-serialize"}
CONTENT_TYPES = {"application/json", "application/x-yaml", "application/x-msgpack", "application/data", "text/plain"} | PICKLES
# An error that leaves kombu's `drain_events` ends the worker; what was fetched was not yet noted as unacknowledged, and is
# lost. A KeyError counts as one of the connection there: the worker reconnects and goes on. Tried with kombu 5.7, and held by a test.
ENDS_WORKERS = {"not-utf8", "not-json", "not-an-object", "too-deep", "odd-envelope", "body-not-base64", "body-encoding"}
POISON = ENDS_WORKERS | {"no-properties"}
NEEDED = ("delivery_tag", "delivery_info")  # of the properties
MAX_DEPTH = 900  # of JSON: a message nests a handful of levels; a worker's parser gives up near a thousand
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one message says of itself; `problem` is a code for what is wrong with it, empty where a worker can run it."""

    mark: str  # what it is told apart by: its task id, else its delivery tag, else a digest of its bytes
    problem: str = ""
    detail: str = ""  # of the problem: the kind of value, the content type
    task_id: str | None = None
    task_name: str | None = None
    args: str | None = None  # the sender's repr, which it has shortened itself
    kwargs: str | None = None
    retries: int | None = None
    eta_at: datetime | None = None
    expires_at: datetime | None = None
    origin: str | None = None


def decode(raw: bytes) -> Said:
    """What these bytes say.  Never raises: what a worker could not read either is said with its reason."""
    if _depth(raw) > MAX_DEPTH:
        return Said(mark=_digest(raw), problem="too-deep")
    try:
        value = json.loads(raw.decode("utf-8", "replace"))  # as kombu does
    except RecursionError:
        return Said(mark=_digest(raw), problem="too-deep")
    except ValueError:
        return Said(mark=_digest(raw), problem="not-json" if _is_utf8(raw) else "not-utf8")
    if not isinstance(value, dict):
        return Said(mark=_digest(raw), problem="not-an-object", detail=_kind(value))
    return said_by(value, _digest(raw))


def said_by(message: Mapping[str, Any], otherwise: str = "") -> Said:
    """What a message says that is JSON already; `otherwise` is its mark where it has neither task id nor delivery tag."""
    properties, headers = _dict(message.get("properties")), _dict(message.get("headers"))
    body = _body(message, properties)
    says = headers if "task" in headers else body.says
    problem, detail = _problem(message, properties, says, body)
    task_id = text_of(says.get("id"))
    return Said(
        mark=task_id or text_of(properties.get("delivery_tag")) or otherwise,
        problem=problem,
        detail=detail,
        task_id=task_id,
        task_name=text_of(says.get("task")),
        args=_repr(headers, "argsrepr", says, "args"),
        kwargs=_repr(headers, "kwargsrepr", says, "kwargs"),
        retries=says["retries"] if isinstance(says.get("retries"), int) else None,
        eta_at=time_of(says.get("eta")),
        expires_at=time_of(says.get("expires")),
        origin=text_of(headers.get("origin")),
    )


@dataclass(frozen=True, slots=True)
class _Body:
    problem: str = ""
    detail: str = ""
    says: Mapping[str, Any] = field(default_factory=dict)  # of protocol 1, whose body says what headers say in protocol 2


def _body(message: Mapping[str, Any], properties: Mapping[str, Any]) -> _Body:
    """The body, decoded only as far as a worker's main process does it, and as JSON alone."""
    body, encoding, kind = message.get("body"), properties.get("body_encoding"), message.get("content-type")
    if body and encoding not in (None, "", "base64"):
        return _Body("body-encoding", text_of(str(encoding)) or "")
    try:
        plain = base64.b64decode(body) if body and encoding == "base64" else body or b""
    except (binascii.Error, ValueError, TypeError):
        return _Body("body-not-base64")
    if kind not in (None, "", "application/json"):
        return _Body()
    found = _json(plain)
    return _Body("" if found is not None or not plain else "body-not-json", "", found if isinstance(found, dict) else {})


def _json(plain: object) -> object:
    try:
        raw = plain.encode() if isinstance(plain, str) else plain
        return json.loads(raw) if isinstance(raw, bytes) and _depth(raw) <= MAX_DEPTH else None
    except (ValueError, RecursionError):
        return None


def _problem(message: Mapping[str, Any], properties: Mapping[str, Any], says: Mapping[str, Any], body: _Body) -> tuple[str, str]:
    """The worst of what is wrong, as a worker would find it."""
    kind = message.get("content-type")
    if not _is_envelope(message):
        return "odd-envelope", ""
    if not all(name in properties for name in NEEDED) or not {"exchange", "routing_key"} <= set(_dict(properties["delivery_info"])):
        return "no-properties", ""
    if body.problem in ENDS_WORKERS:
        return body.problem, body.detail
    if "task" not in says:
        return "no-headers", ""
    if isinstance(kind, str) and kind in PICKLES:
        return "pickle", ""
    if kind is not None and (not isinstance(kind, str) or kind not in CONTENT_TYPES):
        return "content-type", text_of(str(kind)) or ""
    return body.problem, body.detail


def _is_envelope(message: Mapping[str, Any]) -> bool:
    """Where there are properties, delivery info and headers, they are objects; headers may be missing."""
    properties, headers = message.get("properties", {}), message.get("headers")
    return isinstance(properties, dict) and isinstance(properties.get("delivery_info", {}), dict) and (not headers or isinstance(headers, dict))


def _repr(headers: Mapping[str, Any], name: str, says: Mapping[str, Any], otherwise: str) -> str | None:
    """The arguments' repr as the sender wrote it; of protocol 1 the arguments themselves."""
    if isinstance(headers.get(name), str):
        return text_of(headers[name])
    return text_of(repr(says[otherwise])) if otherwise in says and "task" not in headers else None


def _depth(raw: bytes) -> int:
    """How deep the brackets go, strings left out; counted before anything is parsed, without recursion."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    for found in _BRACKETS.finditer(raw):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(found[0], 0)
        deepest = max(deepest, depth)
    return deepest


def _kind(value: object) -> str:
    return {type(None): "null", list: "list", str: "text", bool: "boolean"}.get(type(value), "number")


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _digest(raw: bytes) -> str:
    return sha256(raw).hexdigest()[:16]


def text_of(value: object) -> str | None:
    """The text, cut; None for anything else, so that no odd value gets further."""
    return value[:MAX_TEXT].encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else None


def time_of(value: object) -> datetime | None:
    """The instant that an ISO text names, in UTC where it does not say; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value[:64])
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
