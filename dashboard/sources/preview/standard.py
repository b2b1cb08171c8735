"""Calls in pickles whose meaning everybody knows (dates, decimals, UUIDs), written as Python writes them. Read from their arguments, never made."""

from collections.abc import Callable

from dashboard.sources.preview.things import Thing

DATETIME_BYTES, DATE_BYTES, TIME_BYTES = 10, 4, 6
_Wording = Callable[[list[Thing]], list[str] | None]


def with_meaning(call: Thing) -> Thing:
    """The call with readable arguments where its name is known and they are as they should be; else as it was."""
    callee = call.callee
    if callee is None or callee.kind != "name" or call.pairs or len(call.items) > 2:
        return call
    name = str(callee.value)
    if name in {"builtins.set", "builtins.frozenset"} and len(call.items) == 1 and call.items[0].kind == "list":
        return Thing("set", items=call.items[0].items)
    wording = _WORDINGS.get(name)
    literals = wording(call.items) if wording else None
    if literals is None:
        return call
    rest = call.items[1:] if name in _WITH_ZONE else []
    return Thing("call", items=[*(Thing("number", literal) for literal in literals), *rest], callee=callee)


def _packed(argument: list[Thing], length: int) -> bytes | None:
    """The bytes that these types are pickled as; protocol 2 writes them as text, told how to make bytes of it."""
    first = argument[0] if argument else None
    if first is not None and first.kind == "call" and first.callee is not None and first.callee.value == "_codecs.encode" and first.items:
        said = first.items[0].value
        value = said.encode("latin-1", "replace") if isinstance(said, str) and len(said) == length else None
    else:
        value = first.value if first is not None and isinstance(first.value, bytes) else None
    return value if value is not None and len(value) == length else None


def _datetime(argument: list[Thing]) -> list[str] | None:
    raw = _packed(argument, DATETIME_BYTES)
    if raw is None:
        return None
    micro = int.from_bytes(raw[7:], "big")
    parts = [int.from_bytes(raw[:2], "big"), raw[2] & 0x7F, *raw[3:7]]
    return [*map(str, parts), *([str(micro)] if micro else [])]


def _date(argument: list[Thing]) -> list[str] | None:
    raw = _packed(argument, DATE_BYTES)
    return [str(int.from_bytes(raw[:2], "big")), str(raw[2]), str(raw[3])] if raw else None


def _time(argument: list[Thing]) -> list[str] | None:
    raw = _packed(argument, TIME_BYTES)
    return [str(raw[0] & 0x7F), str(raw[1]), str(raw[2]), str(int.from_bytes(raw[3:], "big"))] if raw else None


_WORDINGS: dict[str, _Wording] = {"datetime.datetime": _datetime, "datetime.date": _date, "datetime.time": _time}
_WITH_ZONE = {"datetime.datetime", "datetime.time"}
