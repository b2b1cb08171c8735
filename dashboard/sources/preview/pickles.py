"""Reads a pickle without loading it: its operations build inert things. Nothing is imported, called or made from a name, ever."""

from dataclasses import dataclass

from dashboard.sources.preview.opcodes import MAX_OPERATIONS, Broken, Ended, Operation, operations
from dashboard.sources.preview.pickle_machine import Machine
from dashboard.sources.preview.pickle_steps import STEPS
from dashboard.sources.preview.pickle_values import VALUES
from dashboard.sources.preview.things import Thing

_NOTHING = {"FRAME", "STOP", "READONLY_BUFFER"}


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
    machine, note, done = Machine(), "", 0
    try:
        for operation in operations(raw):
            done += 1
            if done > MAX_OPERATIONS:
                note = "too-many-operations"
                break
            _do(machine, operation)
    except Ended:
        note = "cut"
    except Broken:
        note = "broken"
    return Pickle(thing=machine.result(is_whole=not note), protocol=machine.protocol, note=note)


def _do(machine: Machine, operation: Operation) -> None:
    """One step.  Raises: Broken, where the stack has not what it needs."""
    name, argument = operation
    if name in VALUES:
        machine.stack.append(VALUES[name](argument))
    elif name in STEPS:
        STEPS[name](machine, argument)
    elif name not in _NOTHING:
        raise Broken
