"""A value's nodes as lines of text, indented as Python would write them; short values stay on one line."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from dashboard.inert import CLOSING, OPENING, Node, literal
from dashboard.words.results import number

MAX_LINE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: how far in, what stands before the value, the value, and what there is to say about it."""

    depth: int
    key: str = ""
    text: str
    kind: str
    note: str = ""


def lines(node: Node) -> list[Line]:
    """The whole value, 2,000 lines or so at most."""
    return list(_lines(node, 0, ""))


def _lines(node: Node, depth: int, after: str) -> Iterator[Line]:
    key = node.key or ""
    if node.kind not in OPENING or not node.children or _is_short(node):
        yield Line(depth=depth, key=key, text=literal(node) + after, kind=node.kind, note=_note(node))
        return
    opening = (node.text if node.kind == "call" else "") + OPENING[node.kind]
    yield Line(depth=depth, key=key, text=opening, kind=node.kind, note=_note(node))
    for child in node.children:
        yield from _lines(child, depth + 1, ",")
    if node.is_cut:
        yield Line(depth=depth + 1, text="…", kind="more")
    yield Line(depth=depth, text=CLOSING[node.kind] + after, kind=node.kind)


def _is_short(node: Node) -> bool:
    is_deep = node.kind != "call" and any(child.children and any(deep.children for deep in child.children) for child in node.children)
    if node.is_cut or len(node.children) > 20 or is_deep:
        return False
    return not any(child.is_cut or child.kind == "hidden" for child in node.children) and len(literal(node)) <= MAX_LINE


def _note(node: Node) -> str:
    """What was left out, in numbers."""
    if node.kind == "hidden":
        return _("hidden")
    if not node.is_cut or node.size is None:
        return ""
    if node.kind == "text":
        return _("%(n)s characters") % {"n": number(node.size)}
    if node.kind == "bytes":
        return _("%(n)s bytes") % {"n": number(node.size)}
    shown = len(node.children)
    return _("%(shown)s of %(n)s shown") % {"shown": number(shown), "n": number(node.size)} if node.size > shown else ""
