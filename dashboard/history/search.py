"""From a filter to the ids of the rows that it leaves, newest first: a statement that reads indexes alone, and stops when it has enough.

All values in a statement are whole numbers, for names have numbers.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from dashboard.history.lock_holders import Holders, holders
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
    holders: Holders | None = None  # of those locks
    also: list[str] = field(default_factory=list)


def ids_of(alias: str, wanted: Wanted, names: KnownNames, limit: int) -> list[int]:
    """The ids of the newest rows that are wanted, `limit` at most.  Cost: one statement.  Raises: the database's errors."""
    terms = _terms(wanted, names)
    with connections[alias].cursor() as cursor:
        if terms.locks:
            terms.holders = holders(cursor, terms.locks, wanted.until)
        segments: Callable[[], Collection[int]] = lambda: _segments(cursor, terms.holders)  # noqa: E731
        statement = _statement(terms, wanted, limit, segments, newest_index(connections[alias]))
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


def _statement(terms: _Terms, wanted: Wanted, limit: int, segments: Callable[[], Collection[int]], index: str) -> str:
    """By the narrowest index that there is for it."""
    also = list(terms.also)
    if terms.keys is not None or terms.locks is not None:
        also += [_among("task", terms.tasks)] if terms.tasks is not None else []
        return _united([[*terms_of, *also] for terms_of in _by_key_or_lock(terms, segments)], limit)
    if terms.tasks is not None and len(terms.tasks) <= MAX_APART:
        return _united([[f"task = {number}", *also] for number in sorted(terms.tasks)], limit)
    if terms.tasks is not None:
        also.append(_among("task", terms.tasks))
    elif wanted.codes and SUCCEEDED not in wanted.codes and 0 not in wanted.codes:
        return _united([[f"outcome = {code}", RARE, *also] for code in sorted(wanted.codes)], limit)
    return _newest(also, limit, index=index)


def _by_key_or_lock(terms: _Terms, segments: Callable[[], Collection[int]]) -> Iterator[list[str]]:
    """The runs of these ids; those that a lock turned away, and those that held it."""
    if terms.locks is None:
        yield [_among("segment", segments()), _among("key", terms.keys or ())]
        return
    of_id = [] if terms.keys is None else [_among("key", terms.keys)]
    yield [_among("lock", terms.locks), "lock > 0", *of_id]
    if terms.holders is not None:
        yield [_among("segment", segments()), _among("key", {key_of(task_id) for task_id in terms.holders.task_ids}), *of_id]


def _newest(terms: Collection[str], limit: int, index: str = "") -> str:
    return f"SELECT id FROM {TABLE}{index} WHERE {' AND '.join(terms)} ORDER BY id DESC LIMIT {limit}"  # noqa: S608  # whole numbers, and names of our own


def _united(alternatives: Collection[Collection[str]], limit: int) -> str:
    parts: Iterator[str] = (f"SELECT id FROM ({_newest(terms, limit)}) AS one" for terms in alternatives)  # noqa: S608  # as above
    return f"{' UNION '.join(parts)} ORDER BY id DESC LIMIT {limit}" if alternatives else _newest([NO_ROW], 1)


def _segments(cursor: Any, among: Holders | None) -> Collection[int]:
    """All there are, or those in which these runs are: a key is looked for in each of them."""
    first, last = f"SELECT min(segment) FROM {TABLE}", f"SELECT max(segment) FROM {TABLE}"  # noqa: S608  # as above
    if among is not None:
        first = f"SELECT segment FROM {TABLE} WHERE id >= {among.first:d} ORDER BY id LIMIT 1"  # noqa: S608  # as above
        last = f"SELECT segment FROM {TABLE} WHERE id <= {among.last:d} ORDER BY id DESC LIMIT 1"  # noqa: S608  # as above
    cursor.execute(f"SELECT ({first}), ({last})")
    of_first, of_last = cursor.fetchone()
    return range(of_first - 1, of_last + 2) if of_first is not None and of_last is not None else ()  # a late word of a run is written with later ones
