"""The operations of a pickle that push one value, made of the argument alone."""

import codecs
import struct
from collections.abc import Callable

from dashboard.sources.preview.things import Thing, boolean, none, number, text

MAX_INTEGER_BYTES = 128  # a longer one is not written out: its digits would take time that grows with the square
LONGEST_NAME = 400
_RAW_UNICODE = codecs.lookup("raw-unicode-escape")  # looked up now: the first use of a codec imports it


def _integer(argument: bytes) -> Thing:
    if len(argument) > MAX_INTEGER_BYTES:
        return Thing("other", f"an integer of {len(argument)} bytes")
    return number(str(int.from_bytes(argument, "little", signed=True)))


def _unsigned(argument: bytes) -> Thing:
    return number(str(int.from_bytes(argument, "little")))


def _line_integer(argument: bytes) -> Thing:
    if argument in {b"00", b"01"}:
        return boolean(argument == b"01")
    return number(_ascii(argument.removesuffix(b"L")))


def _float(argument: bytes) -> Thing:
    (value,) = struct.unpack(">d", argument)
    return number(repr(value))


def _text(argument: bytes) -> Thing:
    try:
        return text(argument.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        return Thing("bytes", argument)


def _latin(argument: bytes) -> Thing:
    """A `str` of Python 2: bytes, mostly text."""
    return text(argument.decode("ascii")) if argument.isascii() else Thing("bytes", argument)


def _quoted(argument: bytes) -> Thing:
    """As `_latin`, in quotes; its escapes stay as they are written."""
    inside = argument[1:-1] if len(argument) > 1 and argument[:1] in {b"'", b'"'} and argument[:1] == argument[-1:] else argument
    return _latin(inside)


def _ascii(argument: bytes) -> str:
    return argument.decode("ascii", "backslashreplace")


def name_of(module: str, name: str) -> Thing:
    """The name of something that a pickle wants to import."""
    module = "builtins" if module == "__builtin__" else module
    return Thing("name", f"{module}.{name}"[:LONGEST_NAME])


VALUES: dict[str, Callable[[bytes], Thing]] = {
    "NONE": lambda argument: none(),  # each its own thing: a step of a hostile pickle could change a shared one
    "NEWTRUE": lambda argument: boolean(True),
    "NEWFALSE": lambda argument: boolean(False),
    "EMPTY_LIST": lambda argument: Thing("list"),
    "EMPTY_TUPLE": lambda argument: Thing("tuple"),
    "EMPTY_DICT": lambda argument: Thing("dict"),
    "EMPTY_SET": lambda argument: Thing("set"),
    "INT": _line_integer,
    "LONG": _line_integer,
    "BININT": _integer,
    "BININT1": _unsigned,
    "BININT2": _unsigned,
    "LONG1": _integer,
    "LONG4": _integer,
    "FLOAT": lambda argument: number(_ascii(argument)),
    "BINFLOAT": _float,
    "STRING": _quoted,
    "BINSTRING": _latin,
    "SHORT_BINSTRING": _latin,
    "BINBYTES": lambda argument: Thing("bytes", argument),
    "SHORT_BINBYTES": lambda argument: Thing("bytes", argument),
    "BINBYTES8": lambda argument: Thing("bytes", argument),
    "BYTEARRAY8": lambda argument: Thing("call", items=[Thing("bytes", argument)], callee=Thing("name", "bytearray")),
    "UNICODE": lambda argument: text(_RAW_UNICODE.decode(argument, "replace")[0]),
    "BINUNICODE": _text,
    "SHORT_BINUNICODE": _text,
    "BINUNICODE8": _text,
    "GLOBAL": lambda argument: name_of(*(_ascii(part) for part in argument.split(b"\n", 1))),
    "EXT1": lambda argument: Thing("name", f"extension {int.from_bytes(argument, 'little')}"),
    "EXT2": lambda argument: Thing("name", f"extension {int.from_bytes(argument, 'little')}"),
    "EXT4": lambda argument: Thing("name", f"extension {int.from_bytes(argument, 'little')}"),
    "PERSID": lambda argument: Thing("other", f"persistent id {_ascii(argument)}"),
    "NEXT_BUFFER": lambda argument: Thing("other", "a buffer kept elsewhere"),
}
