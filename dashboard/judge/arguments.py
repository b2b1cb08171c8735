"""Whether arguments fit a task's parameters, which parameter each is for, and which lock a run with them takes. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dashboard.records import Evidence, Parameter, Sending, Signature

BY_POSITION = {"positional", "either"}
BY_NAME = {"either", "keyword"}
_PART = re.compile(r"\{(\w*)\}")
MAX_IN_NAME = 200  # characters of a value that becomes part of a lock's name


def misfits(sending: Sending, signature: Signature) -> Iterator[Evidence]:
    """What the task's function would not take: it would end with a TypeError before it did anything."""
    places = [one for one in signature.parameters if one.kind in BY_POSITION]
    by_name = {one.name for one in signature.parameters if one.kind in BY_NAME}
    given = {one.name for one in places[: len(sending.args)]}
    if len(sending.args) > len(places) and not _has(signature, "rest"):
        yield Evidence(code="send_too_many", values={"given": len(sending.args), "taken": len(places)})
    if twice := sorted(given & by_name & sending.kwargs.keys()):
        yield Evidence(code="send_given_twice", values={"names": twice})
    if not _has(signature, "keywords") and (unexpected := sorted(sending.kwargs.keys() - by_name)):
        yield Evidence(code="send_unexpected", values={"names": unexpected})
    missing = [one.name for one in signature.parameters if _is_missing(one, given, sending.kwargs)]
    if missing:
        yield Evidence(code="send_missing", values={"names": missing})


def _is_missing(one: Parameter, given: set[str], kwargs: Mapping[str, Any]) -> bool:
    if one.has_default or one.kind in {"rest", "keywords"} or one.name in given:
        return False
    return one.kind == "positional" or one.name not in kwargs


def _has(signature: Signature, kind: str) -> bool:
    return any(one.kind == kind for one in signature.parameters)


def lock_name(pattern: str, sending: Sending, signature: Signature | None) -> str | None:
    """`lock_report_7` for `lock_report_{data_id}` and these arguments; None where they do not tell it.

    A part is the argument of that name: by the signature, else by keyword; a single part without one is the first argument.
    """
    parts = _PART.findall(pattern)
    if "*" in pattern:
        return None
    values = _by_name(sending, signature)
    if len(parts) == 1 and parts[0] not in values and sending.args and (signature is None or not parts[0]):
        values[parts[0]] = sending.args[0]
    found = {part: text for part in parts if (text := _in_name(values.get(part))) is not None}
    return _PART.sub(lambda part: found[part[1]], pattern) if len(found) == len(set(parts)) else None


def _by_name(sending: Sending, signature: Signature | None) -> dict[str, Any]:
    """The value of each parameter, defaults of plain kinds included."""
    values = dict(sending.kwargs)
    if signature is not None:
        places = [one.name for one in signature.parameters if one.kind in BY_POSITION]
        values = {one.name: _plain(one.default) for one in signature.parameters if one.default is not None} | values
        values |= dict(zip(places, sending.args, strict=False))
    return values


def _plain(default: str) -> Any:
    """A default that is a number or a text; anything else names no lock."""
    if re.fullmatch(r"-?\d{1,40}", default):
        return int(default)
    return default[1:-1] if re.fullmatch(r'"[^"\\]*"', default) else None


def _in_name(value: object) -> str | None:
    """As an f-string would write it."""
    if isinstance(value, (str, int, float)):
        text = str(value)
        return text if len(text) <= MAX_IN_NAME else None
    return None
