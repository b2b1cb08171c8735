"""Reads JSON: its nesting is counted before anything is parsed, and what was cut off is closed where the last whole value ended."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.sources.preview.things import Thing, boolean, none, number, text

MAX_NESTING = 100
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{},]|"', re.DOTALL)
_CLOSING = {"[": "]", "{": "}"}


class _Number(str):
    """A number's literal, told apart from a text."""

    __slots__ = ()


class _Pairs(list[tuple[str, object]]):
    """An object's members as written: in order, a name that comes twice twice."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Nesting:
    """How deep it goes, and where it can be cut."""

    depth: int
    whole_until: int = 0  # behind the last value that is surely whole
    open_there: tuple[str, ...] = ()


def read_json(said: str, *, is_whole: bool) -> Thing | None:
    """The value; None where it is no JSON.  One that is nested too deeply is said to be."""
    if not said.lstrip()[:1] or said.lstrip()[0] not in '[{"tfn-0123456789':
        return None
    nesting = nesting_of(said)
    if nesting.depth > MAX_NESTING:
        return Thing("other", f"JSON, nested {nesting.depth} deep", is_cut=True)
    closed = said if is_whole else said[: nesting.whole_until] + "".join(_CLOSING[mark] for mark in reversed(nesting.open_there))
    if not closed:
        return None
    try:
        value = json.loads(closed, parse_int=_Number, parse_float=_Number, parse_constant=_Number, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return None
    thing = _thing(value)
    if not is_whole:
        _mark_cut(thing, len(nesting.open_there))
    return thing


def nesting_of(said: str) -> Nesting:
    """One pass over brackets outside of strings, no recursion."""
    opened: list[str] = []
    depth = whole_until = 0
    open_there: Sequence[str] = ()
    for found in _TOKEN.finditer(said):
        mark = found[0]
        if mark == '"':  # a string that never ends
            break
        if mark in _CLOSING:
            opened.append(mark)
            depth = max(depth, len(opened))
            if depth > MAX_NESTING:
                depth = max(depth, said.count("[") + said.count("{"))
                break
            whole_until, open_there = found.end(), tuple(opened)
        elif mark in "]}":
            if opened:
                opened.pop()
            whole_until, open_there = found.end(), tuple(opened)
        elif mark == ",":
            whole_until, open_there = found.start(), tuple(opened)
    return Nesting(depth=depth, whole_until=whole_until, open_there=tuple(open_there))


def _thing(value: object) -> Thing:
    """At most MAX_NESTING deep."""
    if isinstance(value, _Number):
        return number(str(value))
    if isinstance(value, str):
        return text(value)
    if isinstance(value, _Pairs):
        return Thing("dict", pairs=[(text(name), _thing(member)) for name, member in value])
    if isinstance(value, list):
        return Thing("list", items=[_thing(item) for item in value])
    return none() if value is None else boolean(value)


def _mark_cut(thing: Thing, levels: int) -> None:
    """Say of each container that was still open that it goes on."""
    for _ in range(levels):
        thing.is_cut = True
        members = [value for _, value in thing.pairs] or thing.items
        if not members or members[-1].kind not in {"list", "dict"}:
            return
        thing = members[-1]
