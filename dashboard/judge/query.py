"""What people type into a filter, in parts: free words, and `field:value` for the fields of a list. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

MAX_QUERY = 500  # what a person types; the rest is cut
MAX_WORDS = 10  # different ones, as well: each may stand for as many names as the history knows
T = TypeVar("T")
_LIKE_A_FIELD = re.compile(r"(-?[a-z_]{2,20}):(?!//)")
_PART = re.compile(r'(?:(?P<field>\w+):)?(?:"(?P<quoted>[^"]*)"|(?P<word>\S+))')


@lru_cache(maxsize=256)
def words_of(query: str, fields: frozenset[str]) -> Sequence[tuple[str, str]]:
    """Field and value of each part in lower case, once each; a word with a colon that is no field here is a free word, whose field is empty."""
    return _every_word(query, fields)[:MAX_WORDS]


def _every_word(query: str, fields: frozenset[str]) -> list[tuple[str, str]]:
    found = dict[tuple[str, str], None]()
    for part in _PART.finditer(query[:MAX_QUERY].casefold()):
        field = part["field"] or ""
        value = part["quoted"] if part["quoted"] is not None else part["word"]
        found[(field, value) if field in fields else ("", part[0].strip('"'))] = None
    return list(found)


def is_cut(query: str) -> bool:
    """Whether it is longer than what is looked for."""
    return len(query.rstrip()) > MAX_QUERY or len(_every_word(query, frozenset())) > MAX_WORDS


def strange_fields(query: str, fields: frozenset[str]) -> list[str]:
    """What stands before a colon and is no field here, so that it was looked for as a word."""
    return [found[1] for field, value in words_of(query, fields) if not field and (found := _LIKE_A_FIELD.match(value))]


def has_every_word(row: T, query: str, fields: Mapping[str, Callable[[T, str], bool]], other: Callable[[T, str], bool]) -> bool:
    """Whether a row has every part of the query; `other` looks where free words are looked for."""
    return all(fields.get(field, other)(row, value) for field, value in words_of(query, frozenset(fields)))


def within(value: str, texts: Iterable[str | None]) -> bool:
    """Whether one of the texts has this in it, whatever the case."""
    for text in texts:  # noqa: SIM110  # asked of each of thousands of rows at each push, and a generator costs twice that
        if text and value in text.casefold():
            return True
    return False
