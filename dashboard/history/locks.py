"""Reads the history of locks. Each question is bounded; its errors are the database's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connections

from dashboard.history.lock_rows import CERTAINTIES, COLUMNS, TABLE, WHATS
from dashboard.history.names_read import known_names
from dashboard.history.read import EPOCH, id_at
from dashboard.history.rows import TASK, key_of_identity
from dashboard.records import LockMoment

LAST = 2**63 - 1
MAX_OF_RUN = 50
NEAR = 10_000  # events of a run's task, from its begin on and up to its end
TOLD_WITHIN = timedelta(minutes=10)  # what a run did to its locks, after its end


@dataclass(frozen=True, slots=True)
class LockPage:
    """What happened to a lock, newest first; `older`: where the next page begins, 0 where there is none."""

    moments: Sequence[LockMoment]
    older: int


def page_of(lock_id: str, before: int = LAST, limit: int = 100, alias: str = "default") -> LockPage:
    """The newest events of that lock before this one.  Cost: one statement over an index, and one for the names now and then."""
    key = key_of_identity(lock_id)
    rows = _rows(alias, "lock = %s AND id < %s ORDER BY id DESC LIMIT %s", [key, before, limit + 1]) if key is not None else []
    return LockPage(moments_of(rows[:limit], alias), rows[limit - 1][0] if len(rows) > limit else 0)


def moments_of_run(task_id: str, task_name: str, since: int, until: datetime | None, alias: str = "default") -> list[LockMoment]:
    """What is written of the locks of this task id from that row on, the earliest first; `until`: its end.

    Of a task that is run all the time the first and the last NEAR events of that time are looked through.  Cost: two statements over an index.
    """
    numbers = [number for text, number in known_names(alias).folded.get(TASK, ()) if text == task_name.casefold()]
    if not numbers:
        return []
    last = id_at(until + TOLD_WITHIN) if until is not None else LAST
    within = f"task IN ({', '.join(map(str, numbers))}) AND id >= {since:d} AND id < {last:d}"
    found: dict[int, LockMoment] = {}
    for order in ("id", "id DESC"):
        near = f"SELECT id FROM {TABLE} WHERE {within} ORDER BY {order} LIMIT {NEAR}"  # noqa: S608  # whole numbers, and names of our own
        found |= {one.row: one for one in events(alias, f"id IN ({near}) AND task_id = %s ORDER BY {order} LIMIT {MAX_OF_RUN}", (task_id,))}
    return [found[row] for row in sorted(found)]


def events(alias: str, condition: str, values: Sequence[Any] = ()) -> list[LockMoment]:
    """What happened under this condition, which has whole numbers, names of our own and places for values alone.  Cost: as of `page_of`."""
    return moments_of(_rows(alias, condition, values), alias)


def _rows(alias: str, condition: str, values: Sequence[Any]) -> list[Sequence[Any]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM {TABLE} WHERE {condition}", values)  # noqa: S608  # columns and conditions of our own
        return list(cursor.fetchall())


def moments_of(rows: Sequence[Sequence[Any]], alias: str) -> list[LockMoment]:
    """The rows as records, their names looked up."""
    texts = known_names(alias).texts
    if any(row[place] and row[place] not in texts for row in rows for place in (2, 6, 7)):
        texts = known_names(alias, at_once=True).texts
    return [_moment(dict(zip(COLUMNS, row, strict=True)), texts) for row in rows]


def _moment(told: Mapping[str, Any], texts: Mapping[int, str]) -> LockMoment:
    return LockMoment(
        row=told["id"],
        lock_id=(told["lock"] % 2**64).to_bytes(8, "big").hex(),
        cache=told["cache"],
        name=texts.get(told["name"], ""),
        what=WHATS.get(told["what"], "unknown"),
        at=EPOCH + timedelta(microseconds=told["at_us"]),
        span=None if told["span_us"] < 0 else timedelta(microseconds=told["span_us"]),
        task_id=told["task_id"] or None,
        task_name=texts.get(told["task"]) or None,
        worker=texts.get(told["worker"]) or None,
        certainty=CERTAINTIES[told["certainty"]],
        token_digest=told["token"],
        by=told["by_whom"] or None,
    )
