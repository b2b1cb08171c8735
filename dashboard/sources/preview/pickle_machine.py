"""The stack and the memo that a pickle's operations work on; what they build does nothing."""

from dataclasses import dataclass, field

from dashboard.sources.preview.opcodes import Broken
from dashboard.sources.preview.things import CONTAINERS, Thing


@dataclass(slots=True)
class Machine:
    """The stack and the memo of the pickle's own little machine."""

    stack: list[Thing] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)  # how high the stack was at each mark
    memo: dict[int, Thing] = field(default_factory=dict)
    protocol: int = 0

    def result(self, *, is_whole: bool) -> Thing:
        """What is on the stack at the end; of a pickle that ended early, everything that was begun, put where it would have gone."""
        while not is_whole and (self.marks or len(self.stack) > 1):
            self._close()
        return self.stack[-1] if self.stack and not self.marks else nothing()

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


def nothing() -> Thing:
    """What stands for a value that is not there."""
    return Thing("other", "…", is_cut=True)


def _grow(target: Thing, things: list[Thing]) -> None:
    """Put things into a container that was never finished."""
    target.is_cut = True
    if target.kind == "dict":
        put(target, things)
    elif target.kind != "tuple":
        add(target, things)


def add(target: Thing, things: list[Thing]) -> None:
    """What APPEND does.  Raises: Broken, for a value that nothing can be added to."""
    if target.kind in {"list", "set"}:
        target.items += things
    elif target.kind == "call":
        target.contents = target.contents or Thing("list")
        target.contents.items += things
    else:
        raise Broken


def put(target: Thing, things: list[Thing]) -> None:
    """What SETITEM does; `things` are keys and values in turn.  Raises: Broken, as above."""
    if target.kind == "call":
        target.contents = target.contents or Thing("dict")
        target = target.contents
    elif target.kind != "dict":
        raise Broken
    target.pairs += zip(things[::2], things[1::2], strict=False)
