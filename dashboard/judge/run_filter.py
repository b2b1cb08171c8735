"""What may be typed into the filter of runs, and which runs it leaves. Pure."""

import re
from datetime import UTC, datetime, time, timedelta

from dashboard.judge.query import within, words_of
from dashboard.judge.runs import STATES, WAITING, JudgedRun

FIELDS = frozenset({"task", "worker", "queue", "state", "lock", "id", "since", "until"})
WHOLE_ID, IDENTITY = 36, 16  # characters of a task id, and of what stands for it in addresses
STATE_VALUES = frozenset(STATES) | {"waiting", "success", "failure", "retry"}  # the last as Celery calls them
UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_SHORT_TIME = re.compile(r"(?<!\S)(since|until):(\S+)", re.IGNORECASE)
_AGO = re.compile(r"(\d{1,4})([smhd])", re.IGNORECASE)
_OF_DAY = re.compile(r"\d\d:\d\d(:\d\d)?")
PART_OF_ID = re.compile(r"[0-9a-f-]{6,35}")


def matches_run(one: JudgedRun, query: str) -> bool:
    """Whether it has every part of the query: free words, and `field:value` for task, worker, queue, state, lock, id, since, until."""
    return not query or all(_has(one, field, value) for field, value in words_of(query, FIELDS))


def is_in_state(one: JudgedRun, query: str) -> bool:
    """Whether it is in the states that the query asks for."""
    return all(_has(one, field, value) for field, value in words_of(query, FIELDS) if field == "state")


def may_be_by_lock(query: str) -> bool:
    """Whether it names a lock, or has a word that may be a part of a lock's name."""
    return any(field in {"lock", ""} for field, _value in words_of(query, FIELDS))


def absolute(query: str, now: datetime) -> str:
    """The query with `since:10m` (ago) and `since:04:28` (of today, UTC) as the times that they stand for; the same for `until`."""
    return _SHORT_TIME.sub(lambda found: f"{found[1]}:{at.isoformat()}" if (at := _short_time(found[2], now)) else found[0], query)


def typed_time(value: str, now: datetime) -> datetime | None:
    """The moment that a person means by this; None for what is no time."""
    return _short_time(value, now) or time_of(value)


def _short_time(value: str, now: datetime) -> datetime | None:
    if ago := _AGO.fullmatch(value):
        return now.replace(microsecond=0) - int(ago[1]) * UNITS[ago[2].casefold()]
    try:
        return datetime.combine(now.astimezone(UTC), time.fromisoformat(value), UTC) if _OF_DAY.fullmatch(value) else None
    except ValueError:
        return None


def wrong_parts(query: str) -> list[tuple[str, str]]:
    """Fields with values that they do not take: what is no time, and what is no state."""
    return [(field, value) for field, value in words_of(query, FIELDS) if _is_wrong(field, value)]


def _is_wrong(field: str, value: str) -> bool:
    return time_of(value) is None if field in {"since", "until"} else field == "state" and value not in STATE_VALUES


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
