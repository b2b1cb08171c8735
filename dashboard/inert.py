"""What the watched system wrote, made harmless: text with nothing hidden in it, a value as nodes that say what it is and do nothing. A leaf."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, format (bidi, zero width), surrogates, private, line and paragraph ends
BLANK_LETTERS = {"\u115f", "\u1160", "\u2800", "\u3164", "\uffa0"}  # letters by category, and yet nothing to be seen
FIRST_BEYOND_BMP = 0x10000


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One value. What is long, deep or secret was left out when it was made, and says so."""

    kind: str  # "none", "bool", "number", "text", "bytes", "list", "tuple", "set", "dict", "call", "name", "hidden", "more", "other"
    text: str = ""  # the literal of a plain value, the name of what is called, what is left out
    key: str | None = None  # the literal under which it stands in a dict, or the name of an attribute or argument
    children: tuple["Node", ...] = ()
    size: int | None = None  # how many items, characters or bytes there really are; None: not known
    is_cut: bool = False  # it has more than is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What can be said of a value without carrying any of it out."""

    root: Node
    format: str  # "pickle", "json", "msgpack", "integer", "text", "bytes", "empty", "compressed" (with what we cannot read)
    protocol: int | None = None  # of a pickle
    compressor: str | None = None  # "zlib", "gzip", "xz", "lzma", "zstd", "lz4", "brotli"
    total_bytes: int  # of the value in Redis
    read_bytes: int  # of those, how many were looked at
    unpacked_bytes: int | None = None  # after decompression, as far as it was done
    is_whole: bool  # everything was looked at: nothing is missing but what nodes say
    note: str = ""  # why it is shown the way it is: "broken", "too-deep", "bomb", "too-many-operations", "needs-memory"
    hidden: int = 0  # how many secrets were left out


OPENING = {"list": "[", "tuple": "(", "set": "{", "dict": "{", "call": "("}
CLOSING = {"list": "]", "tuple": ")", "set": "}", "dict": "}", "call": ")"}


def literal(node: Node) -> str:
    """The value on one line, as Python writes it; `…` where something was left out."""
    return "".join(_written(node))


def _written(node: Node) -> Iterator[str]:
    if node.kind not in OPENING:
        yield node.text
        return
    if node.kind == "set" and not node.children:
        yield "set()"
        return
    yield (node.text if node.kind == "call" else "") + OPENING[node.kind]
    for place, child in enumerate(node.children):
        yield ", " if place else ""
        if child.key is not None:
            yield f"{child.key}: " if node.kind == "dict" else f"{child.key}="
        yield from _written(child)
    if node.is_cut and (not node.children or node.children[-1].kind != "more"):
        yield ", …" if node.children else "…"
    yield ("," if node.kind == "tuple" and len(node.children) == 1 and not node.is_cut else "") + CLOSING[node.kind]


def child(node: Node, key: str) -> Node | None:
    """What stands under that text in a dict."""
    return next((one for one in node.children if one.key == repr(key)), None) if node.kind == "dict" else None


@lru_cache(maxsize=8192)
def visible(text: str) -> str:
    r"""The text with everything that a screen hides or turns around spelled out: U+202E becomes `\u202e`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelled(character) if _is_hidden(character) else character for character in text)


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in HIDDEN_CATEGORIES or character in BLANK_LETTERS


def _spelled(character: str) -> str:
    code = ord(character)
    return f"\\U{code:08x}" if code >= FIRST_BEYOND_BMP else f"\\u{code:04x}"
