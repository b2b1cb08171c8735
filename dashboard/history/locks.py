"""Reads the history of locks. Each question is bounded; its errors are the database's."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connections

from dashboard.history.lock_rows import CERTAINTIES, CODES, COLUMNS, TABLE, WHATS
from dashboard.history.names_read import known_names
from dashboard.history.read import EPOCH
from dashboard.history.rows import key_of_identity
from dashboard.records import LockMoment

LAST = 2**63 - 1
MAX_OF_RUNS, MAX_EXTENDED = 200, 20


@dataclass(frozen=True, slots=True)
class LockPage:
    """What happened to a lock, newest first; `older`: where the next page begins, 0 where there is none."""

    moments: Sequence[LockMoment]
    older: int


def page_of(lock_id: str, before: int = LAST, limit: int = 100, alias: str = "default") -> LockPage:
    """The newest events of that lock before this one.  Cost: one statement over an index, and one for the names now and then."""
    key = key_of_identity(lock_id)
    rows = _rows(alias, "lock = %s AND id < %s ORDER BY id DESC LIMIT %s", [key, before, limit + 1]) if key is not None else []
    return LockPage(_told_once(moments_of(rows[:limit], alias)), rows[limit - 1][0] if len(rows) > limit else 0)


def _told_once(moments: Sequence[LockMoment]) -> Sequence[LockMoment]:
    """By the time at which each happened: a death is written when it is proved, and once more where its lock is put back by hand."""
    told, dead = list[LockMoment](), set[str]()
    for one in reversed(moments):  # as they were written
        if one.what == "died" and one.token_digest in dead:
            continue
        told.append(one)
        if one.what == "died":
            dead.add(one.token_digest)
        elif one.what == "alive":
            dead.discard(one.token_digest)
    return sorted(told, key=lambda one: (one.at, one.row), reverse=True)


def moments_of_runs(rows: Collection[int], alias: str = "default") -> list[LockMoment]:
    """What is written of the locks of these runs of the history, the earliest first: how often one was extended lately, all else from its begin on.

    Cost: two statements over an index.
    """
    if not rows:
        return []
    of_runs = f"run IN ({', '.join(f'{row:d}' for row in rows)}) AND run > 0"
    found = events(alias, f"{of_runs} AND what <> {CODES['extended']} ORDER BY id LIMIT {MAX_OF_RUNS}")
    extended = events(alias, f"{of_runs} AND what = {CODES['extended']} ORDER BY id DESC LIMIT {MAX_EXTENDED}")
    return sorted([*found, *extended], key=lambda one: one.row)


def events(alias: str, condition: str) -> list[LockMoment]:
    """What happened under this condition, which has whole numbers and names of our own alone.  Cost: as of `page_of`."""
    return moments_of(_rows(alias, condition, ()), alias)


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
        run=told["run"],
    )
