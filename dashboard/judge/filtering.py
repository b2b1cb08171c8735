"""The filter of locks that pages, API and command line share: free words, and `field:value` for some fields. Pure."""

from collections.abc import Callable, Mapping

from dashboard.judge.query import has_every_word, within, words_of
from dashboard.records import JudgedLock

VERDICTS = ("overlapping", "orphaned", "overrun", "expiring", "never-expires", "unknown", "held")  # the most urgent first


def _verdict(one: JudgedLock, value: str) -> bool:
    return value in one.flags or value == one.verdict


def _task(one: JudgedLock, value: str) -> bool:
    return within(value, (one.holder.task_name, one.holder.task_id))


def _worker(one: JudgedLock, value: str) -> bool:
    return within(value, (one.holder.worker,))


def _cache(one: JudgedLock, value: str) -> bool:
    return value == one.lock.cache.casefold()


def _holder(one: JudgedLock, value: str) -> bool:
    holder = one.holder
    return value == holder.certainty or within(value, (holder.task_id, holder.task_name, holder.worker, holder.host))


def _any(one: JudgedLock, value: str) -> bool:
    return within(value, (one.lock.name, one.lock.key, one.holder.task_name, one.holder.worker)) or _is_called(one, value)


def _is_called(one: JudgedLock, word: str) -> bool:
    """Whether that is its verdict, or one of its flags, as badges have it: `never-expires` is two words there."""
    return any(word == code or word in code.split("-") for code in (one.verdict, *one.flags))


FIELDS: Mapping[str, Callable[[JudgedLock, str], bool]] = {
    "verdict": _verdict,
    "task": _task,
    "worker": _worker,
    "cache": _cache,
    "holder": _holder,
}


def matches(judged: JudgedLock, query: str) -> bool:
    """Whether a lock has every part of the query, whatever the case; `verdict:` knows all its flags, `"..."` keeps spaces together.

    A word with a colon that is no field of ours (`lock:report`) is a free word, for many names of locks are like that. A free word may be a verdict, too.
    """
    return has_every_word(judged, query, FIELDS, _any)


def wrong_verdicts(query: str) -> list[str]:
    """What `verdict:` was given and is none."""
    return [value for field, value in words_of(query, frozenset(FIELDS)) if field == "verdict" and value not in VERDICTS]
