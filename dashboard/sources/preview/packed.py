"""Reads msgpack byte by byte: lengths are compared with what is there before anything is taken, extensions are only named."""

import struct
from datetime import UTC, datetime
from typing import Any

from dashboard.sources.preview.things import Thing, boolean, none, number, text

MAX_NESTING = 100
MAX_VALUES = 50_000
_NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
_LENGTHS = {0xC4: ("bytes", 1), 0xC5: ("bytes", 2), 0xC6: ("bytes", 4), 0xD9: ("text", 1), 0xDA: ("text", 2), 0xDB: ("text", 4)}
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_CONTAINERS = {0xDC: ("list", 2), 0xDD: ("list", 4), 0xDE: ("dict", 2), 0xDF: ("dict", 4)}
TIMESTAMP = -1


class _Ended(Exception):
    """The bytes end in the middle of the value."""


class _Odd(Exception):
    """No msgpack."""


def read_packed(raw: bytes, *, is_whole: bool) -> Thing | None:
    """The value; None where the bytes are no msgpack, or go on behind it."""
    if not raw or raw[0] < 0x80:  # a small integer: every text begins like one
        return None
    reader = _Reader(raw)
    try:
        thing = reader.value(0)
    except (_Odd, _Ended):
        return None
    if reader.has_ended and (is_whole or thing.kind not in {"list", "dict"}):
        return None
    return thing if reader.at == len(raw) or reader.has_ended else None


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.at = self._values = 0
        self.has_ended = False

    def _take(self, size: int) -> bytes:
        if self.at + size > len(self._raw):
            raise _Ended
        self.at += size
        return self._raw[self.at - size : self.at]

    def _length(self, width: int) -> int:
        return int.from_bytes(self._take(width), "big")

    def value(self, depth: int) -> Thing:
        self._values += 1
        if depth > MAX_NESTING or self._values > MAX_VALUES:
            raise _Odd
        first = self._take(1)[0]
        if first < 0x80 or first >= 0xE0:
            return number(str(first if first < 0x80 else first - 0x100))
        if first < 0xA0:
            return self._container("dict" if first < 0x90 else "list", first & 0x0F, depth)
        if first < 0xC0:
            return _text(self._take(first & 0x1F))
        return self._marked(first, depth)

    def _marked(self, first: int, depth: int) -> Thing:
        """A value that says its type and length by its own first byte."""
        if first in _NUMBERS:
            return self._number(_NUMBERS[first])
        if first in _LENGTHS:
            kind, width = _LENGTHS[first]
            found = self._take(self._length(width))
            return _text(found) if kind == "text" else Thing("bytes", found)
        if first in _CONTAINERS:
            kind, width = _CONTAINERS[first]
            return self._container(kind, self._length(width), depth)
        if first in {0xC0, 0xC2, 0xC3}:
            return none() if first == 0xC0 else boolean(first == 0xC3)
        return self._extension(first)

    def _number(self, layout: str) -> Thing:
        (value,) = struct.unpack(layout, self._take(struct.calcsize(layout)))
        return number(repr(value))

    def _container(self, kind: str, length: int, depth: int) -> Thing:
        thing = Thing(kind)
        try:
            for _ in range(min(length, len(self._raw))):
                if kind == "list":
                    thing.items.append(self.value(depth + 1))
                else:
                    key = self.value(depth + 1)
                    thing.pairs.append((key, self.value(depth + 1)))
                if self.has_ended:
                    break
        except _Ended:
            self.has_ended = True
        thing.is_cut = self.has_ended
        return thing

    def _extension(self, first: int) -> Thing:
        """Never handed to a hook that would make something of it."""
        if first == 0xC1:
            raise _Odd
        length = self._length(_EXTENSIONS[first]) if first in _EXTENSIONS else 1 << (first - 0xD4)
        code = int.from_bytes(self._take(1), "big", signed=True)
        said = self._take(length)
        at = _timestamp(said) if code == TIMESTAMP else None
        if at is not None:
            return Thing("other", at.isoformat())
        return Thing("call", items=[number(str(code)), Thing("bytes", said)], callee=Thing("name", "ExtType"))


def _text(said: bytes) -> Thing:
    try:
        return text(said.decode())
    except UnicodeDecodeError:
        return Thing("bytes", said)


def _timestamp(said: bytes) -> datetime | None:
    layouts: dict[int, Any] = {4: ">I", 8: ">Q", 12: ">Iq"}
    if len(said) not in layouts:
        return None
    parts = struct.unpack(layouts[len(said)], said)
    seconds = parts[1] if len(said) == 12 else parts[0] & 0x3FFFFFFFF if len(said) == 8 else parts[0]
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
