"""Writes the history: one writer in one observer, in batches, and nothing once another observer leads."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

from django.db import DataError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from dashboard.history.lock_rows import COLUMNS as LOCK_COLUMNS
from dashboard.history.lock_rows import PUT_EVENT, numbered
from dashboard.history.names import Names
from dashboard.history.retention import forget_names
from dashboard.history.rows import COLUMNS, Batch
from dashboard.history.statements import MINUTE, PUT_MINUTE, PUT_NAME, put_gaps, put_rows

SEGMENT_ROWS = 20_000
FIT_INT, FIT_BIGINT = 2**31 - 1, 2**62
UNFIT = (DataError, OverflowError, UnicodeError, ValueError)


class Superseded(Exception):
    """Another observer writes the history now."""


class Writer:
    """One time of leading. Its errors are the database's, and Superseded; what it was given is then not written."""

    def __init__(self, leader: str, alias: str = "default") -> None:
        self._leader, self._alias = leader, alias
        self._names = Names()
        self._segment = self._in_segment = 0
        self.epoch = 0  # 0: not claimed
        self.written = 0
        self.held_s = 0.0  # for how long the last batch held the database's write lock, and waited for it

    @property
    def _connection(self) -> BaseDatabaseWrapper:
        return connections[self._alias]  # each thread has its own

    def vouch(self, names: frozenset[str]) -> None:
        """For these names there is room, whatever others were invented."""
        self._names.vouched = names

    def claim(self, us: int) -> int | None:
        """From now on nobody else may write; until when the history was written before (None: never)."""
        with transaction.atomic(using=self._alias), self._connection.cursor() as cursor:
            cursor.execute("UPDATE lockhouse_historyepoch SET is_superseded = %s", [True])  # waits for a batch that is being written
            cursor.execute("SELECT max(until_us) FROM lockhouse_historyepoch")
            (until,) = cursor.fetchone()
            cursor.execute(
                "INSERT INTO lockhouse_historyepoch (leader, since_us, until_us, is_superseded) VALUES (%s, %s, %s, %s) RETURNING epoch",
                [self._leader, us, us if until is None else until, False],
            )
            (epoch,) = cursor.fetchone()
            cursor.execute("SELECT max(segment) FROM lockhouse_taskrun WHERE id = (SELECT max(id) FROM lockhouse_taskrun)")
            (segment,) = cursor.fetchone()
            forget_names(cursor, us)
        self._names.load(self._connection)
        self.epoch, self._segment, self._in_segment = epoch, (segment or 0) + 1, 0
        return until if until is None else int(until)

    def write(self, batch: Batch, us: int, seen_us: int | None = None) -> None:
        """Write all of it or nothing, at that time, and until when something was seen (None: until then).  Raises: Superseded; the database's errors."""
        until_us = us if seen_us is None else seen_us
        try:
            self._write(batch, us, until_us)
        except UNFIT:  # one value that this database does not take: it is put right, and all others are as they were
            self._names.load(self._connection)
            self._write(_fitting(batch), us, until_us)

    def _write(self, batch: Batch, us: int, until_us: int) -> None:
        rows = self._names.numbered(batch.rows, self._segment, us)  # made before the lock is taken
        minutes = [(one.kind, self._names.number(one.kind, one.name, us), one.minute, self.epoch, *one.counts, one.runtimes) for one in batch.minutes]
        locks = numbered(batch.locks, self._names, us)
        names, began = self._names.take_new(), monotonic()
        try:
            with transaction.atomic(using=self._alias), self._connection.cursor() as cursor:
                self._guard(cursor, until_us)
                _many(cursor.executemany, PUT_NAME, names)
                put_rows(self._connection, rows)
                _many(cursor.executemany, PUT_EVENT, locks)
                _many(cursor.executemany, PUT_MINUTE, minutes)
                put_gaps(cursor, batch.gaps, self.epoch)
        except BaseException:
            self._names.give_back(names)
            raise
        self.held_s = monotonic() - began
        self._counted(len(rows))

    def _guard(self, cursor: Any, until_us: int) -> None:
        cursor.execute("UPDATE lockhouse_historyepoch SET until_us = %s WHERE epoch = %s AND NOT is_superseded", [until_us, self.epoch])
        if cursor.rowcount != 1:
            raise Superseded(self._leader)

    def _counted(self, rows: int) -> None:
        self.written += rows
        self._in_segment += rows
        if self._in_segment >= SEGMENT_ROWS:
            self._segment, self._in_segment = self._segment + 1, 0


assert len(MINUTE) == 12, "what `_write` gives"


def _many(execute: Callable[..., Any], statement: str, rows: Sequence[Any]) -> None:
    if rows:
        execute(statement, rows)


def _fitting(batch: Batch) -> Batch:
    minutes = [replace(one, name=_fit_text(one.name)) for one in batch.minutes]
    locks = [tuple(map(_fit, row, LOCK_COLUMNS)) for row in batch.locks]
    return Batch(rows=[tuple(map(_fit, row, COLUMNS)) for row in batch.rows], minutes=minutes, gaps=batch.gaps, locks=locks)


def _fit(value: int | str, column: str) -> int | str:
    if isinstance(value, str):
        return _fit_text(value)
    return value if column in {"id", "key", "lock"} else max(-1, min(value, FIT_INT if column == "retries" else FIT_BIGINT))


def _fit_text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
