"""Makes what strangers sent fit to be kept: anybody who can reach the broker may publish an event or answer for a worker.

Text is capped and its lone surrogates escaped (they cannot be written anywhere), numbers are finite and of 64 bits, trees are bounded;
whatever is of another kind is None.
"""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any
from uuid import UUID

MAX_TEXT = 512
MAX_TRACEBACK = 4096  # only its end is read
MAX_FIELDS = 60
MAX_ITEMS = 2000
MAX_DEPTH = 6
HEX = re.compile("[0-9a-f]{32}")
MAX_NUMBER = 2**53  # more than any pid, count or time in seconds


def clean_text(value: str, limit: int = MAX_TEXT) -> str:
    """The text as it can be written: at most `limit` characters, lone surrogates escaped."""
    return value[:limit].encode("utf-8", "backslashreplace").decode()[: limit * 6]


def clean_event(fields: Mapping[str, Any]) -> dict[str, Any]:
    """An event with flat fields alone, the load of a machine aside; of a traceback its end is kept."""
    cleaned = {}
    for name, value in list(fields.items())[:MAX_FIELDS]:
        if isinstance(name, str):
            last = value[-MAX_TRACEBACK:] if name == "traceback" and isinstance(value, str) else None
            kept = clean_text(last, MAX_TRACEBACK) if last is not None else _load(value) if name == "loadavg" else _leaf(value)
            cleaned[clean_text(name, 64)] = kept
    return cleaned


def clean_tree(value: Any, depth: int = 0) -> Any:
    """A worker's answer: dicts and lists of what `clean_event` keeps, bounded in depth and size."""
    if isinstance(value, dict):
        items = list(value.items())[:MAX_ITEMS] if depth < MAX_DEPTH else []
        return {clean_text(name): clean_tree(item, depth + 1) for name, item in items if isinstance(name, str)}
    if isinstance(value, (list, tuple)):
        return [clean_tree(item, depth + 1) for item in value[:MAX_ITEMS]] if depth < MAX_DEPTH else []
    return _leaf(value)


def _load(value: Any) -> list[float] | None:
    """A machine's load over 1, 5 and 15 minutes, the only list that an event is asked for."""
    found = [number for number in map(_leaf, value[:3]) if isinstance(number, (int, float))] if isinstance(value, list) else []
    return found or None


def _leaf(value: Any) -> str | int | float | bool | None:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and isfinite(value) and abs(value) < MAX_NUMBER:
        return value
    return _id(value)


def _id(value: Any) -> str | None:
    """A UUID, as some give to their tasks as ids, or how kombu's JSON writes one.  Source: `kombu.utils.json`."""
    if isinstance(value, dict) and value.get("__type__") == "uuid" and HEX.fullmatch(told := str(as_dict(value.get("__value__")).get("hex"))):
        return str(UUID(hex=told))
    return str(value) if isinstance(value, UUID) else None


def as_dict(value: Any) -> dict[str, Any]:
    """The dict, or an empty one where something else was sent."""
    return value if isinstance(value, dict) else {}
