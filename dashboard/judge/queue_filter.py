"""The filter of queues that pages, API and command line share: free words, and `field:value` for some fields. Pure."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from dashboard.judge.filtering import MAX_QUERY
from dashboard.records import JudgedQueue

_PART = re.compile(r'(?:(?P<field>\w+):)?(?:"(?P<quoted>[^"]*)"|(?P<word>\S+))')


def _any(one: JudgedQueue, value: str) -> bool:
    return _within(value, one.queue.name, *(head.task_name for head in one.queue.heads), *(one.queue.consumers or ()))


FIELDS: dict[str, Callable[[JudgedQueue, str], bool]] = {
    "queue": lambda one, value: _within(value, one.queue.name),
    "task": lambda one, value: _within(value, *(head.task_name for head in one.queue.heads)),
    "worker": lambda one, value: _within(value, *(one.queue.consumers or ())),
    "warning": lambda one, value: any(value in fact.code for fact in one.warnings),
}


def matches_queue(judged: JudgedQueue, query: str) -> bool:
    """Whether a queue has every part of the query, whatever the case; a word with a colon that is no field of ours is a free word."""
    return all(FIELDS.get(field, _any)(judged, value) for field, value in _parts(query))


@lru_cache(maxsize=256)
def _parts(query: str) -> Sequence[tuple[str, str]]:
    found = []
    for part in _PART.finditer(query[:MAX_QUERY].casefold()):
        field = part["field"] or ""
        value = part["quoted"] if part["quoted"] is not None else part["word"]
        found.append((field, value) if field in FIELDS else ("", part[0].strip('"')))
    return found


def _within(value: str, *texts: str | None) -> bool:
    return any(value in text.casefold() for text in texts if text)
