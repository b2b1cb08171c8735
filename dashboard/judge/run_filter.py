"""What may be typed into the filter of runs, and which runs it leaves. Pure."""

import re
from datetime import UTC, datetime

from dashboard.judge.query import within, words_of
from dashboard.judge.runs import WAITING, JudgedRun

FIELDS = frozenset({"task", "worker", "queue", "state", "lock", "id", "since", "until"})
WHOLE_ID, IDENTITY = 36, 16  # characters of a task id, and of what stands for it in addresses
PART_OF_ID = re.compile(r"[0-9a-f-]{6,35}")


def matches_run(one: JudgedRun, query: str) -> bool:
    """Whether it has every part of the query: free words, and `field:value` for task, worker, queue, state, lock, id, since, until."""
    return not query or all(_has(one, field, value) for field, value in words_of(query, FIELDS))


def is_by_lock(query: str) -> bool:
    """Whether it names a lock as such."""
    return any(field == "lock" for field, _value in words_of(query, FIELDS))


def is_by_part_of_id(query: str) -> bool:
    """Whether it looks for a run by less than its id, by which the history finds none."""
    return any(_is_part_of_id(field, value) for field, value in words_of(query, FIELDS))


def _is_part_of_id(field: str, value: str) -> bool:
    if field == "id":
        return len(value) not in {IDENTITY, WHOLE_ID}
    return not field and PART_OF_ID.fullmatch(value) is not None and len(value) != IDENTITY and not value.isalpha()


def time_of(value: str) -> datetime | None:
    """A time as it is typed into a filter: ISO 8601, in UTC where it names no zone; None for anything else."""
    try:
        at = datetime.fromisoformat(value.upper())
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _has(one: JudgedRun, field: str, value: str) -> bool:
    run = one.run
    if field in {"since", "until"}:
        at, first = time_of(value), run.sent_at or run.received_at or run.started_at or run.heard_at
        return at is not None and first is not None and ((first >= at) if field == "since" else (first < at))
    if field == "state":
        return value in {one.state, (run.outcome or "").casefold()} or (value == "waiting" and one.state in WAITING)
    return within(value, _texts(one, field)) or (field in {"id", ""} and len(value) == IDENTITY and value == one.id)


def _texts(one: JudgedRun, field: str) -> tuple[str | None, ...]:
    """Where a part of the query is looked for; a free word everywhere."""
    run = one.run
    if field == "task":
        return (run.name,)
    if field == "worker":
        return (run.worker,)
    if field == "queue":
        return (run.queue,)
    if field == "id":
        return run.task_id, run.parent_id, run.root_id
    locks = (run.refused_by, *(lock.lock.name for lock in one.locks))
    return locks if field == "lock" else (run.name, run.task_id, run.worker, run.queue, *locks)
