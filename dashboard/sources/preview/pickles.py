"""Reads a pickle without loading it: its operations build inert things. Nothing is imported, called or made from a name, ever."""

import codecs
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from dashboard.sources.preview.opcodes import MAX_OPERATIONS, Broken, Ended, Operation, operations
from dashboard.sources.preview.standard import with_meaning
from dashboard.sources.preview.things import CONTAINERS, Thing, boolean, none, number, text

MAX_INTEGER_BYTES = 128  # a longer one is not written out: its digits would take time that grows with the square
LONGEST_NAME = 400
_RAW_UNICODE = codecs.lookup("raw-unicode-escape")  # looked up now: the first use of a codec imports it


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickle:
    """What a pickle says, as far as it could be followed."""

    thing: Thing
    protocol: int
    note: str = ""  # "broken", "cut", "too-many-operations"


def looks_like_pickle(raw: bytes) -> bool:
    """Whether the bytes begin as protocol 2 or later does."""
    return len(raw) > 2 and raw[0] == 0x80 and 2 <= raw[1] <= 5


def read_pickle(raw: bytes) -> Pickle:
    """The value that the pickle describes; where it ends early or breaks, what was there by then."""
    machine, note, done = _Machine(), "", 0
    try:
        for operation in operations(raw):
            done += 1
            if done > MAX_OPERATIONS:
                note = "too-many-operations"
                break
            machine.do(operation)
    except Ended:
        note = "cut"
    except Broken:
        note = "broken"
    return Pickle(thing=machine.result(is_whole=not note), protocol=machine.protocol, note=note)


@dataclass(slots=True)
class _Machine:
    """The stack and the memo of the pickle's own little machine."""

    stack: list[Thing] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)  # how high the stack was at each mark
    memo: dict[int, Thing] = field(default_factory=dict)
    protocol: int = 0

    def do(self, operation: Operation) -> None:
        """One step.  Raises: Broken, where the stack has not what it needs."""
        name, argument = operation
        if name in _PLAIN:
            self.stack.append(_PLAIN[name](argument))
        elif name in _STEPS:
            _STEPS[name](self, argument)
        elif name not in _NOTHING:
            raise Broken

    def result(self, *, is_whole: bool) -> Thing:
        """What is on the stack at the end; of a pickle that ended early, everything that was begun, put where it would have gone."""
        while not is_whole and (self.marks or len(self.stack) > 1):
            self._close()
        return self.stack[-1] if self.stack and not self.marks else _nothing()

    def _close(self) -> None:
        """Take what was gathered last as complete, and put it into what it was gathered for."""
        if self.marks:
            height = self.marks[-1]
            gathered = self.to_mark()
            is_for_the_one_below = height > (self.marks[-1] if self.marks else 0) and self.stack[-1].kind in CONTAINERS
        else:
            gathered = [self.stack.pop()]
            while self.stack and self.stack[-1].kind not in CONTAINERS:
                gathered.append(self.stack.pop())
            gathered.reverse()
            is_for_the_one_below = bool(self.stack)
        if is_for_the_one_below:
            _grow(self.stack[-1], gathered)
        else:
            self.stack.append(gathered[0] if len(gathered) == 1 else Thing("tuple", items=gathered, is_cut=True))

    def pop(self) -> Thing:
        """The thing on top, taken away."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise Broken
        return self.stack.pop()

    def top(self) -> Thing:
        """The thing on top."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise Broken
        return self.stack[-1]

    def to_mark(self) -> list[Thing]:
        """Everything above the last mark, in order."""
        if not self.marks:
            raise Broken
        height = self.marks.pop()
        found = self.stack[height:]
        del self.stack[height:]
        return found

    def from_memo(self, number: int) -> None:
        if number not in self.memo:
            raise Broken
        self.stack.append(self.memo[number])


def _nothing() -> Thing:
    return Thing("other", "…", is_cut=True)


def _grow(target: Thing, things: list[Thing]) -> None:
    """Put things into a container that was never finished."""
    target.is_cut = True
    if target.kind == "dict":
        _set(target, things)
    elif target.kind != "tuple":
        _add(target, things)


def _add(target: Thing, things: list[Thing]) -> None:
    """What APPEND does.  Raises: Broken, for a value that nothing can be added to."""
    if target.kind in {"list", "set"}:
        target.items += things
    elif target.kind == "call":
        target.contents = target.contents or Thing("list")
        target.contents.items += things
    else:
        raise Broken


def _set(target: Thing, things: list[Thing]) -> None:
    """What SETITEM does; `things` are keys and values in turn.  Raises: Broken, as above."""
    if target.kind == "call":
        target.contents = target.contents or Thing("dict")
        target = target.contents
    elif target.kind != "dict":
        raise Broken
    target.pairs += zip(things[::2], things[1::2], strict=False)


# Plain values.


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


def _name_of(module: str, name: str) -> Thing:
    module = "builtins" if module == "__builtin__" else module
    return Thing("name", f"{module}.{name}"[:LONGEST_NAME])


_PLAIN: dict[str, Callable[[bytes], Thing]] = {
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
    "GLOBAL": lambda argument: _name_of(*(_ascii(part) for part in argument.split(b"\n", 1))),
    "EXT1": lambda argument: Thing("name", f"extension {int.from_bytes(argument, 'little')}"),
    "EXT2": lambda argument: Thing("name", f"extension {int.from_bytes(argument, 'little')}"),
    "EXT4": lambda argument: Thing("name", f"extension {int.from_bytes(argument, 'little')}"),
    "PERSID": lambda argument: Thing("other", f"persistent id {_ascii(argument)}"),
    "NEXT_BUFFER": lambda argument: Thing("other", "a buffer kept elsewhere"),
}
_NOTHING = {"FRAME", "STOP", "READONLY_BUFFER"}


# Steps that work on the stack.


def _put(machine: _Machine, argument: bytes) -> None:
    machine.memo[int.from_bytes(argument, "little")] = machine.top()


def _put_line(machine: _Machine, argument: bytes) -> None:
    machine.memo[_line_number(argument)] = machine.top()


def _line_number(argument: bytes) -> int:
    if not argument.isdigit() or len(argument) > 20:
        raise Broken
    return int(argument)


def _protocol(machine: _Machine, argument: bytes) -> None:
    machine.protocol = argument[0]


def _memoize(machine: _Machine, argument: bytes) -> None:
    machine.memo[len(machine.memo)] = machine.top()


def _append(machine: _Machine, argument: bytes) -> None:
    item = machine.pop()
    _add(machine.top(), [item])


def _appends(machine: _Machine, argument: bytes) -> None:
    items = machine.to_mark()
    _add(machine.top(), items)


def _setitem(machine: _Machine, argument: bytes) -> None:
    value, key = machine.pop(), machine.pop()
    _set(machine.top(), [key, value])


def _setitems(machine: _Machine, argument: bytes) -> None:
    items = machine.to_mark()
    _set(machine.top(), items)


def _gather(kind: str) -> Callable[[_Machine, bytes], None]:
    def gather(machine: _Machine, argument: bytes) -> None:
        machine.stack.append(Thing(kind, items=machine.to_mark()))

    return gather


def _dict(machine: _Machine, argument: bytes) -> None:
    items = machine.to_mark()
    machine.stack.append(Thing("dict", pairs=list(zip(items[::2], items[1::2], strict=False))))


def _tuple(size: int) -> Callable[[_Machine, bytes], None]:
    def gather(machine: _Machine, argument: bytes) -> None:
        items = [machine.pop() for _ in range(size)]
        machine.stack.append(Thing("tuple", items=items[::-1]))

    return gather


def _reduce(machine: _Machine, argument: bytes) -> None:
    arguments, callee = machine.pop(), machine.pop()
    machine.stack.append(_call(callee, arguments))


def _call(callee: Thing, arguments: Thing, named: Thing | None = None) -> Thing:
    """Shares the lists of its arguments, for a memo may give the same ten thousand to each of ten thousand calls."""
    items = arguments.items if arguments.kind == "tuple" else [arguments]
    return with_meaning(Thing("call", items=items, pairs=named.pairs if named else [], callee=callee))


def _newobj_ex(machine: _Machine, argument: bytes) -> None:
    named, arguments, callee = machine.pop(), machine.pop(), machine.pop()
    machine.stack.append(_call(callee, arguments, named))


def _obj(machine: _Machine, argument: bytes) -> None:
    callee, *arguments = machine.to_mark() or [_nothing()]  # made anew, so linear in the operations
    machine.stack.append(with_meaning(Thing("call", items=arguments, callee=callee)))


def _inst(machine: _Machine, argument: bytes) -> None:
    callee = _PLAIN["GLOBAL"](argument)
    machine.stack.append(with_meaning(Thing("call", items=machine.to_mark(), callee=callee)))


def _stack_global(machine: _Machine, argument: bytes) -> None:
    name, module = machine.pop(), machine.pop()
    if not isinstance(name.value, str) or not isinstance(module.value, str):
        raise Broken
    machine.stack.append(_name_of(module.value[:LONGEST_NAME], name.value[:LONGEST_NAME]))


def _build(machine: _Machine, argument: bytes) -> None:
    state = machine.pop()
    if machine.top().kind != "call":
        raise Broken
    machine.top().state = state


def _mark(machine: _Machine, argument: bytes) -> None:
    machine.marks.append(len(machine.stack))


def _pop(machine: _Machine, argument: bytes) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.pop()


def _pop_mark(machine: _Machine, argument: bytes) -> None:
    machine.to_mark()


def _persistent(machine: _Machine, argument: bytes) -> None:
    machine.stack.append(Thing("call", items=[machine.pop()], callee=Thing("name", "persistent_id")))


_STEPS: dict[str, Callable[[_Machine, bytes], None]] = {
    "MARK": _mark,
    "PROTO": _protocol,
    "MEMOIZE": _memoize,
    "PUT": _put_line,
    "BINPUT": _put,
    "LONG_BINPUT": _put,
    "GET": lambda machine, argument: machine.from_memo(_line_number(argument)),
    "BINGET": lambda machine, argument: machine.from_memo(int.from_bytes(argument, "little")),
    "LONG_BINGET": lambda machine, argument: machine.from_memo(int.from_bytes(argument, "little")),
    "DUP": lambda machine, argument: machine.stack.append(machine.top()),
    "POP": _pop,
    "POP_MARK": _pop_mark,
    "APPEND": _append,
    "APPENDS": _appends,
    "ADDITEMS": _appends,
    "LIST": _gather("list"),
    "TUPLE": _gather("tuple"),
    "FROZENSET": _gather("set"),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "DICT": _dict,
    "SETITEM": _setitem,
    "SETITEMS": _setitems,
    "REDUCE": _reduce,
    "NEWOBJ": _reduce,
    "NEWOBJ_EX": _newobj_ex,
    "OBJ": _obj,
    "INST": _inst,
    "STACK_GLOBAL": _stack_global,
    "BUILD": _build,
    "BINPERSID": _persistent,
}
