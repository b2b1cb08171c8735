"""The filter of tasks that pages, API and command line share, and the groups that their prefixes make. Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from dashboard.judge.query import within, words_of
from dashboard.judge.tasks import STATES, JudgedTask

FIELDS = frozenset({"task", "queue", "worker", "state", "lock", "warning", "schedule"})
_PREFIX = re.compile(r"[^_.:]+[_.:]")


def matches_task(one: JudgedTask, query: str) -> bool:
    """Whether it has every part of the query: free words, and `field:value` for task, queue, worker, state, lock, schedule, warning."""
    return all(_has(one, field, value) for field, value in words_of(query, FIELDS))


def _has(one: JudgedTask, field: str, value: str) -> bool:
    if field == "state":
        return any(value == state for state in one.states if state in STATES)
    texts: dict[str, Sequence[str]] = {
        "task": (one.name,),
        "queue": one.queues,
        "worker": one.registered,
        "lock": [lock.name for lock in one.locks],
        "schedule": [schedule.name for schedule in one.schedules],
        "warning": [fact.code for fact in one.warnings],
    }
    return within(value, texts.get(field, (one.name, *one.queues)))


def prefix_of(name: str) -> str:
    """What comes before the first `_`, `.` or `:`, and that sign; "" for a name without one."""
    found = _PREFIX.match(name)
    return found[0] if found else ""


def grouped(judged: Sequence[JudgedTask], every: Sequence[str]) -> list[tuple[str, list[JudgedTask]]]:
    """The tasks by prefix, in the order of their names; one whose prefix no other of `every` name has is among the others, "", which come last."""
    sizes = Counter(prefix_of(name) for name in every)
    found: dict[str, list[JudgedTask]] = defaultdict(list)
    for one in sorted(judged, key=lambda one: one.name):
        prefix = prefix_of(one.name)
        found[prefix if sizes[prefix] > 1 else ""].append(one)
    return sorted(found.items(), key=lambda group: (not group[0], group[0]))
