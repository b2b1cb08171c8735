"""From a filter to the ids of the rows that it leaves, newest first: a statement that reads indexes alone, and stops when it has enough.

All values in a statement are whole numbers, for names have numbers.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from dashboard.history.lock_rows import ACQUIRED
from dashboard.history.lock_rows import TABLE as LOCKS
from dashboard.history.names_read import KnownNames
from dashboard.history.rows import LOCK, QUEUE, SUCCEEDED, TASK, WORKER, key_of, key_of_identity
from dashboard.history.statements import TABLE, newest_index

BY_NAME = {"task": TASK, "worker": WORKER, "queue": QUEUE, "lock": LOCK}
RARE = "outcome IN (1, 2, 3, 4, 5, 6, 8)"  # as in the index, or it is not taken
MAX_APART = 20  # names that are looked for one by one; more are found by going through the newest
NO_ROW = "1 = 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which runs are asked for."""

    words: tuple[tuple[str, str], ...] = ()  # field and value, in lower case: task, worker, queue, lock, id, "" for any of them
    codes: frozenset[int] | None = None  # how they ended; None: whatever that is
    since: int = 0  # the id of the first row and of the one after the last: ids are in the order in which runs were first heard of
    until: int = 2**63 - 1


@dataclass(slots=True)
class _Terms:
    """A filter in numbers."""

    tasks: frozenset[int] | None = None
    locks: frozenset[int] | None = None
    keys: frozenset[int] | None = None
    also: list[str] = field(default_factory=list)


def ids_of(alias: str, wanted: Wanted, names: KnownNames, limit: int) -> list[int]:
    """The ids of the newest rows that are wanted, `limit` at most.  Cost: one statement.  Raises: the database's errors."""
    terms = _terms(wanted, names)
    with connections[alias].cursor() as cursor:
        segments: Callable[[], Collection[int]] = lambda: _segments(cursor.execute, cursor.fetchone)  # noqa: E731
        statement = _statement(terms, wanted, limit, segments, connections[alias])
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()]


def _terms(wanted: Wanted, names: KnownNames) -> _Terms:
    terms = _Terms()
    for name, value in wanted.words:
        if name == "task":
            terms.tasks = _both(terms.tasks, names.within(TASK, value))
        elif name == "lock":
            terms.locks = _both(terms.locks, names.within(LOCK, value))
        elif name == "id":
            terms.keys = _both(terms.keys, _keys(value))
        elif name in BY_NAME:
            terms.also.append(_among(name, names.within(BY_NAME[name], value)))
        else:
            _anywhere(terms, value, names)
    if wanted.codes is not None:
        terms.also.append(_among("outcome", wanted.codes))
    terms.also += [f"id >= {wanted.since}"] if wanted.since else []
    terms.also.append(f"id < {wanted.until}")
    return terms


def _anywhere(terms: _Terms, value: str, names: KnownNames) -> None:
    """A free word: in one kind of name alone it is as good as said of that."""
    found = {column: numbers for column, kind in BY_NAME.items() if (numbers := names.within(kind, value))}
    if set(found) == {"task"}:
        terms.tasks = _both(terms.tasks, found["task"])
    elif set(found) == {"lock"}:
        terms.locks = _both(terms.locks, found["lock"])
    elif found:
        terms.also.append(f"({' OR '.join(_among(column, numbers) for column, numbers in found.items())})")
    else:
        terms.keys = _both(terms.keys, _keys(value))


def _keys(value: str) -> frozenset[int]:
    """Of a task id as a whole, or of what stands for it in addresses."""
    of_identity = key_of_identity(value)
    return frozenset({key_of(value)} | ({of_identity} if of_identity is not None else set()))


def _both(known: frozenset[int] | None, more: frozenset[int]) -> frozenset[int]:
    return more if known is None else known & more


def _among(column: str, numbers: Collection[int]) -> str:
    return f"{column} IN ({', '.join(map(str, sorted(numbers)))})" if numbers else NO_ROW


def _statement(terms: _Terms, wanted: Wanted, limit: int, segments: Callable[[], Collection[int]], connection: BaseDatabaseWrapper) -> str:
    """By the narrowest index that there is for it."""
    also = list(terms.also)
    if terms.keys is not None or terms.locks is not None:
        also += [_among("task", terms.tasks)] if terms.tasks is not None else []
        also += [_among("segment", segments()), _among("key", terms.keys)] if terms.keys is not None else []
        return _newest(also, limit) if terms.locks is None else _of_locks(terms.locks, also, wanted, limit, connection)
    if terms.tasks is not None and len(terms.tasks) <= MAX_APART:
        return _united([_newest([f"task = {number}", *also], limit) for number in sorted(terms.tasks)], limit)
    if terms.tasks is not None:
        also.append(_among("task", terms.tasks))
    elif wanted.codes and SUCCEEDED not in wanted.codes and 0 not in wanted.codes:
        return _united([_newest([f"outcome = {code}", RARE, *also], limit) for code in sorted(wanted.codes)], limit)
    return _newest(also, limit, index=newest_index(connection))


def _of_locks(locks: Collection[int], also: Collection[str], wanted: Wanted, limit: int, connection: BaseDatabaseWrapper) -> str:
    """The runs that locks of these names turned away, and those that held one: the latter by what is written of the locks, each with its run."""
    refused = _newest([_among("lock", locks), "lock > 0", *also], limit)
    few = sorted(locks) if len(locks) <= MAX_APART else None
    names = [[f"what = {ACQUIRED}", f"name = {number}"] for number in few] if few is not None else [["run > 0", f"what = {ACQUIRED}", _among("name", locks)]]
    index = " INDEXED BY lockhouse_lock_run" if few is None and connection.vendor == "sqlite" else ""
    within = [f"run >= {max(wanted.since, 1)}", f"run < {wanted.until}"]
    held = [
        f"SELECT DISTINCT held.run AS id FROM (SELECT run FROM {LOCKS}{index} WHERE {' AND '.join([*of_name, *within])}) AS held "  # noqa: S608  # as below
        f"CROSS JOIN {TABLE} WHERE id = held.run AND {' AND '.join(also)} ORDER BY held.run DESC LIMIT {limit}"
        for of_name in names
    ]
    return _united([refused, *held], limit)


def _newest(terms: Collection[str], limit: int, index: str = "") -> str:
    return f"SELECT id FROM {TABLE}{index} WHERE {' AND '.join(terms)} ORDER BY id DESC LIMIT {limit}"  # noqa: S608  # whole numbers, and names of our own


def _united(parts: Collection[str], limit: int) -> str:
    """The newest of what these statements give, each once."""
    return f"{' UNION '.join(f'SELECT id FROM ({part}) AS one' for part in parts)} ORDER BY id DESC LIMIT {limit}" if parts else _newest([NO_ROW], 1)  # noqa: S608  # as above


def _segments(execute: Callable[[str], object], fetchone: Callable[[], tuple[int | None, int | None]]) -> Collection[int]:
    execute(f"SELECT (SELECT min(segment) FROM {TABLE}), (SELECT max(segment) FROM {TABLE})")  # noqa: S608  # as above
    first, last = fetchone()
    return range(first, last + 1) if first is not None and last is not None else ()
