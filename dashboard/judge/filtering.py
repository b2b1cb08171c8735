"""The filter of locks that pages, API and command line share: free words, and `field:value` for some fields. Pure."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from dashboard.records import JudgedLock

_PART = re.compile(r'(?:(?P<field>\w+):)?(?:"(?P<quoted>[^"]*)"|(?P<word>\S+))')
MAX_QUERY = 500  # what a person types; the rest is cut


def _verdict(one: JudgedLock, value: str) -> bool:
    return value in one.flags or value == one.verdict


def _task(one: JudgedLock, value: str) -> bool:
    return _within(value, one.holder.task_name, one.holder.task_id)


def _worker(one: JudgedLock, value: str) -> bool:
    return _within(value, one.holder.worker)


def _cache(one: JudgedLock, value: str) -> bool:
    return value == one.lock.cache.casefold()


def _holder(one: JudgedLock, value: str) -> bool:
    holder = one.holder
    return value == holder.certainty or _within(value, holder.task_id, holder.task_name, holder.worker, holder.host)


def _any(one: JudgedLock, value: str) -> bool:
    return _within(value, one.lock.name, one.lock.key, one.holder.task_name, one.holder.worker)


FIELDS: dict[str, Callable[[JudgedLock, str], bool]] = {
    "verdict": _verdict,
    "task": _task,
    "worker": _worker,
    "cache": _cache,
    "holder": _holder,
}


def matches(judged: JudgedLock, query: str) -> bool:
    """Whether a lock has every part of the query, whatever the case; `verdict:` knows all its flags, `"..."` keeps spaces together.

    A word with a colon that is no field of ours (`lock:report`) is a free word, for many names of locks are like that.
    """
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
