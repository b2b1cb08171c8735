"""The filter of queues that pages, API and command line share: free words, and `field:value` for some fields. Pure."""

from collections.abc import Callable, Mapping

from dashboard.judge.query import has_every_word, within
from dashboard.records import JudgedQueue


def _any(one: JudgedQueue, value: str) -> bool:
    return within(value, (one.queue.name, *(head.task_name for head in one.queue.heads), *(one.queue.consumers or ())))


FIELDS: Mapping[str, Callable[[JudgedQueue, str], bool]] = {
    "queue": lambda one, value: within(value, (one.queue.name,)),
    "task": lambda one, value: within(value, (head.task_name for head in one.queue.heads)),
    "worker": lambda one, value: within(value, one.queue.consumers or ()),
    "warning": lambda one, value: any(value in fact.code for fact in one.warnings),
}


def matches_queue(judged: JudgedQueue, query: str) -> bool:
    """Whether a queue has every part of the query, whatever the case; a word with a colon that is no field of ours is a free word."""
    return has_every_word(judged, query, FIELDS, _any)
