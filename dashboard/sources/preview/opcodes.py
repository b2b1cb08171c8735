"""Splits a pickle into its operations with their raw arguments, by the table of the standard library's `pickletools`.

Only its table: `genops` decodes arguments as it goes, and some of its decoders warn, which may open source files; here an argument stays a slice of the
bytes, never longer than they are, whatever length it claims. (`pickletools` itself imports `pickle`, as Django does; nothing of ours calls it.)
"""

import pickletools
from collections.abc import Iterator

MAX_OPERATIONS = 50_000
_LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
_TWO_LINES = {"GLOBAL", "INST"}


Operation = tuple[str, bytes]  # one step: its name in `pickletools`, and its argument without length and line end


class Broken(Exception):
    """The bytes are no pickle from here on."""


class Ended(Exception):
    """The bytes end before the pickle does."""


def _shape(opcode: pickletools.OpcodeInfo) -> tuple[str, int]:
    return opcode.name, 0 if opcode.arg is None else opcode.arg.n


_SHAPES = {ord(opcode.code): _shape(opcode) for opcode in pickletools.opcodes}


def operations(pickled: bytes) -> Iterator[Operation]:
    """The operations up to STOP, which is the last one.  Raises: Broken, Ended."""
    at, size = 0, len(pickled)
    while at < size:
        shape = _SHAPES.get(pickled[at])
        if shape is None:
            raise Broken
        name, kind = shape
        if kind == 0:  # most have no argument
            at += 1
            yield name, b""
        else:
            start, end, at = _argument(pickled, at + 1, name, kind)
            yield name, pickled[start:end]
        if name == "STOP":
            return
    raise Ended


def _argument(pickled: bytes, at: int, name: str, kind: int) -> tuple[int, int, int]:
    """Where the argument starts and ends, and where the next operation is."""
    if kind == pickletools.UP_TO_NEWLINE:
        end = _line_end(pickled, at)
        if name in _TWO_LINES:
            end = _line_end(pickled, end + 1)
        return at, end, end + 1
    if kind in _LENGTHS:
        width = _LENGTHS[kind]
        start = at + width
        claimed = int.from_bytes(pickled[at:start], "little", signed=kind == pickletools.TAKEN_FROM_ARGUMENT4)
        if claimed < 0:
            raise Broken
        end = start + claimed
    else:
        start, end = at, at + kind
    if end > len(pickled):
        raise Ended
    return start, end, end


def _line_end(pickled: bytes, at: int) -> int:
    end = pickled.find(b"\n", at)
    if end < 0:
        raise Ended
    return end
