"""What is no longer kept is deleted, by age and by number, in slices that hold the database's write lock for a moment each."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from django.db import connections, transaction

from dashboard.history.lock_rows import TABLE as LOCKS
from dashboard.history.rows import IDS_PER_US, LOCKS_DELETED, US
from dashboard.history.statements import PUT_GAP, TABLE, newest_index

SLICE_S = 0.02  # how long a slice may take, so that a batch and a slice together stay below 50 ms
FEWEST, MOST = 100, 5000  # rows in a slice
DAY_US = 24 * 3600 * US
EPOCHS = 100  # times of leading that are remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is kept."""

    days: int
    rows: int


class Retention:
    """Goes on where it was, slice by slice."""

    def __init__(self, limits: Limits, alias: str = "default") -> None:
        self._limits, self._alias = limits, alias
        self._fits = 500
        self._left: list[Callable[[], int]] = []

    @property
    def is_done(self) -> bool:
        return not self._left

    def begin(self, us: int) -> None:
        """Find out what is too old or too much.  Cost: one pass over an index, which takes no lock."""
        oldest_us = us - self._limits.days * DAY_US
        oldest = max(oldest_us * IDS_PER_US, self._id_of_the_first_too_many(TABLE) + 1)
        too_many = self._id_of_the_first_too_many(LOCKS)
        oldest_of_locks = max(oldest_us * IDS_PER_US, too_many + 1)
        if too_many >= oldest_us * IDS_PER_US:
            self._tell_of_locks(oldest_of_locks // IDS_PER_US)
        minute = oldest_us // (60 * US)
        tables = (
            (TABLE, "id", oldest),
            (LOCKS, "id", oldest_of_locks),
            ("lockhouse_runminute", "minute", minute),
            ("lockhouse_historygap", "to_us", oldest_us),
        )
        self._left = [lambda of=of: self._slice(*of) for of in tables]  # type: ignore[misc]  # bound per table
        self._left.append(self._slice_of_epochs)

    def step(self) -> int:
        """Delete one slice of what `begin` found; how many rows it was."""
        deleted = self._left[0]()
        if not deleted:
            del self._left[0]
        return deleted

    def _id_of_the_first_too_many(self, table: str) -> int:
        connection = connections[self._alias]
        index = newest_index(connection) if table == TABLE else ""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id FROM {table}{index} ORDER BY id DESC LIMIT 1 OFFSET %s", [self._limits.rows])  # noqa: S608  # our names
            row = cursor.fetchone()
        return row[0] if row else 0

    def _tell_of_locks(self, until_us: int) -> None:
        """What young events of locks leave is a time of which nothing is known: said before they go, lest it looks like one in which nothing was held."""
        with transaction.atomic(using=self._alias), connections[self._alias].cursor() as cursor:
            cursor.execute("UPDATE lockhouse_historygap SET to_us = %s WHERE why = %s", [until_us, LOCKS_DELETED])
            if not cursor.rowcount:
                cursor.execute(PUT_GAP, [until_us, None, 0, 0, LOCKS_DELETED, ""])

    def _slice(self, table: str, column: str, below: int) -> int:
        statement = f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {column} < %s ORDER BY {column} LIMIT %s)"  # noqa: S608  # as above
        began, fits = monotonic(), self._fits
        with transaction.atomic(using=self._alias), connections[self._alias].cursor() as cursor:
            cursor.execute(statement, [below, fits])
            deleted: int = cursor.rowcount
        took = monotonic() - began
        if took > SLICE_S:
            self._fits = max(FEWEST, fits // 2)
        elif deleted == fits and took < SLICE_S / 2:
            self._fits = min(MOST, fits * 2)
        return deleted

    def _slice_of_epochs(self) -> int:
        with transaction.atomic(using=self._alias), connections[self._alias].cursor() as cursor:
            cursor.execute("DELETE FROM lockhouse_historyepoch WHERE epoch < (SELECT max(epoch) FROM lockhouse_historyepoch) - %s", [EPOCHS])
            return 0


def forget_names(cursor: Any, us: int) -> None:
    """Delete the names that no row has any more: those not seen since the oldest row was written."""
    cursor.execute(f"SELECT min(id) FROM {TABLE}")  # noqa: S608  # as above
    (first,) = cursor.fetchone()
    cursor.execute(f"SELECT min(id) FROM {LOCKS}")  # noqa: S608  # as above
    (first_of_locks,) = cursor.fetchone()
    cursor.execute("SELECT min(minute) FROM lockhouse_runminute")
    (minute,) = cursor.fetchone()
    firsts = [one // IDS_PER_US for one in (first, first_of_locks) if one is not None]
    oldest_us = min(us, *firsts, us if minute is None else minute * 60 * US)
    cursor.execute("DELETE FROM lockhouse_historyname WHERE seen_us < %s", [oldest_us - DAY_US])
