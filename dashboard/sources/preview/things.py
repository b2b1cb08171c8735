"""Values as the readers of formats build them, and their way into nodes: bounded in number, depth and length, secrets left out."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from dashboard.inert import Node
from dashboard.redaction import HIDDEN, hide_secrets, is_secret_name

MAX_NODES = 2000  # more is not read by anybody
MAX_CHILDREN = 200  # of one container, so that what comes after a long list is seen too
MAX_DEPTH = 12
MAX_TEXT = 200
MAX_BYTES = 64
MAX_KEY = 80
LOOKED_AT = 4096  # characters of a text that are searched for secrets before it is cut
MORE = Node(kind="more", text="…")


@dataclass(slots=True, eq=False)
class Thing:
    """A value that can still grow, and may hold itself: a pickle's memo allows that."""

    kind: str  # as of a Node
    value: object = None  # str, bytes, or the literal of a number
    items: list["Thing"] = field(default_factory=list)
    pairs: list[tuple["Thing", "Thing"]] = field(default_factory=list)  # of a dict; of a call its keyword arguments
    callee: "Thing | None" = None
    contents: "Thing | None" = None  # of a call: the list or dict of what was put into its result afterwards
    state: "Thing | None" = None  # what BUILD gave it
    is_cut: bool = False  # the value ended in the middle of it


CONTAINERS = frozenset({"list", "tuple", "set", "dict", "call"})


def none() -> Thing:
    """A None of its own: what reads a hostile pickle may change the things it holds."""
    return Thing("none", "None")


def boolean(value: object) -> Thing:
    """True or False."""
    return Thing("bool", "True" if value else "False")


def number(literal: str) -> Thing:
    """A number by its literal, which is kept as it was written."""
    return Thing("number", literal)


def text(value: str) -> Thing:
    """A text, whole: it is searched for secrets before it is cut."""
    return Thing("text", value)


class Shower:
    """Makes nodes of things; `hidden` counts what was left out as a secret."""

    def __init__(self, *, unredacted: bool = False) -> None:
        self.hidden = self._made = 0
        self._unredacted = unredacted
        self._redacted: dict[str, str] = {}  # a memo may repeat one text two thousand times

    def show(self, thing: Thing) -> Node:
        """The node of a whole value."""
        return self._node(thing, None, ())

    def _node(self, thing: Thing, key: str | None, above: tuple[Thing, ...]) -> Node:
        self._made += 1
        if thing in above:  # by identity: it holds itself
            return Node(kind="more", text="…", key=key, is_cut=True)
        if thing.kind == "text":
            return self._text(str(thing.value), key)
        if thing.kind == "bytes":
            return self._bytes(thing.value if isinstance(thing.value, bytes) else b"", key)
        if thing.kind in CONTAINERS:
            return self._container(thing, key, (*above, thing))
        return self._plain(thing.kind, str(thing.value), key)

    def _plain(self, kind: str, literal: str, key: str | None) -> Node:
        if self._is_hidden(literal):
            return self._hidden(key)
        return Node(kind=kind, text=_cut(literal, MAX_TEXT), key=key, is_cut=len(literal) > MAX_TEXT)

    def _text(self, value: str, key: str | None) -> Node:
        looked_at = value[:LOOKED_AT]
        shown = self._without_secrets(looked_at)
        self.hidden += shown != looked_at
        is_cut = len(shown) > MAX_TEXT or len(value) > LOOKED_AT
        return Node(kind="text", text=repr(shown[:MAX_TEXT]) + ("…" if is_cut else ""), key=key, size=len(value), is_cut=is_cut)

    def _bytes(self, value: bytes, key: str | None) -> Node:
        if self._is_hidden(value[:LOOKED_AT].decode("latin-1")):
            return self._hidden(key)
        is_cut = len(value) > MAX_BYTES
        return Node(kind="bytes", text=repr(value[:MAX_BYTES]) + ("…" if is_cut else ""), key=key, size=len(value), is_cut=is_cut)

    def _is_hidden(self, said: str) -> bool:
        return self._without_secrets(said[:LOOKED_AT]) != said[:LOOKED_AT]

    def _without_secrets(self, said: str) -> str:
        if self._unredacted:
            return said
        if said not in self._redacted:
            self._redacted[said] = hide_secrets(said)
        return self._redacted[said]

    def _hidden(self, key: str | None) -> Node:
        self.hidden += 1
        return Node(kind="hidden", text=HIDDEN, key=key)

    def _container(self, thing: Thing, key: str | None, above: tuple[Thing, ...]) -> Node:
        size = len(thing.items) + len(thing.pairs) + (thing.contents is not None) + _size_of_state(thing)
        name = _name(thing.callee) if thing.kind == "call" else ""
        if size and len(above) > MAX_DEPTH:
            return Node(kind=thing.kind, text=name, key=key, size=size, is_cut=True)
        children: list[Node] = []
        for label, member in islice(_members(thing), MAX_CHILDREN):
            if self._made >= MAX_NODES:
                break
            children.append(self._member(label, member, thing, above))
        return Node(kind=thing.kind, text=name, key=key, children=tuple(children), size=size, is_cut=thing.is_cut or len(children) < size)

    def _member(self, label: "Thing | str | None", member: Thing, parent: Thing, above: tuple[Thing, ...]) -> Node:
        key = label if isinstance(label, str) or label is None else self._key(label)
        if not self._unredacted and member.kind != "none" and (is_secret_name(_said(label)) or _is_second_of_secret_pair(parent, member)):
            return self._hidden(key)
        return self._node(member, key, above)

    def _key(self, label: Thing) -> str:
        if label.kind == "text":
            return _cut(repr(self._without_secrets(str(label.value)[:LOOKED_AT])), MAX_KEY)
        return _cut(self._inline(label, 0), MAX_KEY)

    def _inline(self, thing: Thing, depth: int) -> str:
        """A key that is no text, in short."""
        if thing.kind in CONTAINERS:
            inside = ", ".join(self._inline(item, depth + 1) for item in thing.items[:5]) if depth < 3 else "…"
            return (_name(thing.callee) if thing.kind == "call" else "") + f"({inside})"
        return self._node(thing, None, ()).text


def _members(thing: Thing) -> Iterator[tuple[Thing | str | None, Thing]]:
    for item in thing.items:
        yield None, item
    for label, value in thing.pairs:
        yield (label if thing.kind == "dict" else _said(label) or "?"), value
    if thing.contents is not None:
        yield None, thing.contents
    if thing.state is not None:
        yield from ((_said(name) or "?", value) for name, value in thing.state.pairs) if _is_of_attributes(thing.state) else [("state", thing.state)]


def _size_of_state(thing: Thing) -> int:
    if thing.state is None:
        return 0
    return len(thing.state.pairs) if _is_of_attributes(thing.state) else 1


def _is_of_attributes(state: Thing) -> bool:
    return state.kind == "dict" and not state.is_cut


def _is_second_of_secret_pair(parent: Thing, member: Thing) -> bool:
    """In `("password", "x")`, and so in lists of such pairs, the second says the secret."""
    items = parent.items
    return parent.kind in {"tuple", "list"} and len(items) == 2 and items[1] is member and is_secret_name(_said(items[0]))


def _said(label: "Thing | str | None") -> str:
    """The text of a name, "" where it is none."""
    if isinstance(label, str) or label is None:
        return label or ""
    if isinstance(label.value, bytes):
        return label.value[:MAX_TEXT].decode("latin-1")
    return str(label.value)[:MAX_TEXT] if label.kind == "text" else ""


def _name(callee: Thing | None) -> str:
    """What is called, by its name; something else that is called is only described."""
    if callee is not None and callee.kind == "call" and callee.callee is not None and callee.callee.kind == "name":
        return f"{_cut(str(callee.callee.value), MAX_TEXT)}(…)"
    return _cut(str(callee.value), MAX_TEXT) if callee is not None and callee.kind == "name" else "?"


def _cut(literal: str, limit: int) -> str:
    return literal if len(literal) <= limit else literal[:limit] + "…"
