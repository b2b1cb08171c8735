"""The operations of a pickle that work on the stack and the memo. A call is only written down."""

from collections.abc import Callable

from dashboard.sources.preview.opcodes import Broken
from dashboard.sources.preview.pickle_machine import Machine, add, nothing, put
from dashboard.sources.preview.pickle_values import LONGEST_NAME, VALUES, name_of
from dashboard.sources.preview.standard import with_meaning
from dashboard.sources.preview.things import Thing


def _put(machine: Machine, argument: bytes) -> None:
    machine.memo[int.from_bytes(argument, "little")] = machine.top()


def _put_line(machine: Machine, argument: bytes) -> None:
    machine.memo[_line_number(argument)] = machine.top()


def _line_number(argument: bytes) -> int:
    if not argument.isdigit() or len(argument) > 20:
        raise Broken
    return int(argument)


def _protocol(machine: Machine, argument: bytes) -> None:
    machine.protocol = argument[0]


def _memoize(machine: Machine, argument: bytes) -> None:
    machine.memo[len(machine.memo)] = machine.top()


def _append(machine: Machine, argument: bytes) -> None:
    item = machine.pop()
    add(machine.top(), [item])


def _appends(machine: Machine, argument: bytes) -> None:
    items = machine.to_mark()
    add(machine.top(), items)


def _setitem(machine: Machine, argument: bytes) -> None:
    value, key = machine.pop(), machine.pop()
    put(machine.top(), [key, value])


def _setitems(machine: Machine, argument: bytes) -> None:
    items = machine.to_mark()
    put(machine.top(), items)


def _gather(kind: str) -> Callable[[Machine, bytes], None]:
    def gather(machine: Machine, argument: bytes) -> None:
        machine.stack.append(Thing(kind, items=machine.to_mark()))

    return gather


def _dict(machine: Machine, argument: bytes) -> None:
    items = machine.to_mark()
    machine.stack.append(Thing("dict", pairs=list(zip(items[::2], items[1::2], strict=False))))


def _tuple(size: int) -> Callable[[Machine, bytes], None]:
    def gather(machine: Machine, argument: bytes) -> None:
        items = [machine.pop() for _ in range(size)]
        machine.stack.append(Thing("tuple", items=items[::-1]))

    return gather


def _reduce(machine: Machine, argument: bytes) -> None:
    arguments, callee = machine.pop(), machine.pop()
    machine.stack.append(_call(callee, arguments))


def _call(callee: Thing, arguments: Thing, named: Thing | None = None) -> Thing:
    """Shares the lists of its arguments, for a memo may give the same ten thousand to each of ten thousand calls."""
    items = arguments.items if arguments.kind == "tuple" else [arguments]
    return with_meaning(Thing("call", items=items, pairs=named.pairs if named else [], callee=callee))


def _newobj_ex(machine: Machine, argument: bytes) -> None:
    named, arguments, callee = machine.pop(), machine.pop(), machine.pop()
    machine.stack.append(_call(callee, arguments, named))


def _obj(machine: Machine, argument: bytes) -> None:
    callee, *arguments = machine.to_mark() or [nothing()]  # made anew, so linear in the operations
    machine.stack.append(with_meaning(Thing("call", items=arguments, callee=callee)))


def _inst(machine: Machine, argument: bytes) -> None:
    callee = VALUES["GLOBAL"](argument)
    machine.stack.append(with_meaning(Thing("call", items=machine.to_mark(), callee=callee)))


def _stack_global(machine: Machine, argument: bytes) -> None:
    name, module = machine.pop(), machine.pop()
    if not isinstance(name.value, str) or not isinstance(module.value, str):
        raise Broken
    machine.stack.append(name_of(module.value[:LONGEST_NAME], name.value[:LONGEST_NAME]))


def _build(machine: Machine, argument: bytes) -> None:
    state = machine.pop()
    if machine.top().kind != "call":
        raise Broken
    machine.top().state = state


def _mark(machine: Machine, argument: bytes) -> None:
    machine.marks.append(len(machine.stack))


def _pop(machine: Machine, argument: bytes) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.pop()


def _pop_mark(machine: Machine, argument: bytes) -> None:
    machine.to_mark()


def _persistent(machine: Machine, argument: bytes) -> None:
    machine.stack.append(Thing("call", items=[machine.pop()], callee=Thing("name", "persistent_id")))


STEPS: dict[str, Callable[[Machine, bytes], None]] = {
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
