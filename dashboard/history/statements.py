"""The statements by which each database is written fastest.

SQLite: many rows in one statement, for the driver gives up the interpreter's lock at each step, and a thread that steps once a row waits for it each time.
PostgreSQL: COPY into a table of this connection's own, and from there in one statement.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from dashboard.history.rows import COLUMNS, Gap

WRITTEN = (COLUMNS[0], "segment", *COLUMNS[1:])
STAYS = {"id", "segment", "key"}
AT_ONCE = (250, 25, 1)  # rows in one statement: it is compiled once, and 32,766 values are allowed
TABLE = "lockhouse_taskrun"
MINUTE = ("kind", "name", "minute", "epoch", "succeeded", "failed", "refused", "retried", "revoked", "rejected", "lost", "runtimes")

PUT_NAME = (
    "INSERT INTO lockhouse_historyname (id, kind, text, seen_us) VALUES (%s, %s, %s, %s) ON CONFLICT (kind, text) DO UPDATE SET seen_us = excluded.seen_us"
)
PUT_MINUTE = (  # every statement here is made of our own names alone
    f"INSERT INTO lockhouse_runminute ({', '.join(MINUTE)}) VALUES ({', '.join(['%s'] * len(MINUTE))}) "  # noqa: S608
    f"ON CONFLICT (kind, name, minute, epoch) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in MINUTE[4:])}"
)
PUT_GAP = "INSERT INTO lockhouse_historygap (to_us, how_many, epoch, from_us, why, cache) VALUES (%s, %s, %s, %s, %s, %s)"
END_GAP = (
    "UPDATE lockhouse_historygap SET to_us = %s, how_many = %s, epoch = %s WHERE from_us = %s AND why = %s AND cache = %s AND to_us >= from_us"  # by its index
)


def _larger(function: str) -> str:
    return ", ".join(f"{name} = {function}({TABLE}.{name}, excluded.{name})" for name in WRITTEN if name not in STAYS)


def _upsert(rows: int) -> str:
    one = f"({','.join('?' * len(WRITTEN))})"
    return f"INSERT INTO {TABLE} ({', '.join(WRITTEN)}) VALUES {','.join([one] * rows)} ON CONFLICT (id) DO UPDATE SET {_larger('max')}"  # noqa: S608


UPSERTS = {rows: _upsert(rows) for rows in AT_ONCE}
COPIED = "lockhouse_copied"
MAKE_COPIED = f"CREATE TEMP TABLE IF NOT EXISTS {COPIED} (LIKE {TABLE}); TRUNCATE {COPIED}"
COPY = f"COPY {COPIED} ({', '.join(WRITTEN)}) FROM STDIN"
MERGE = f"INSERT INTO {TABLE} SELECT * FROM {COPIED} ORDER BY id ON CONFLICT (id) DO UPDATE SET {_larger('greatest')}"  # noqa: S608


def parts_of(rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, list[Any]]]:
    """SQLite's statements for these rows, each with its values."""
    start = 0
    for size in AT_ONCE:
        while len(rows) - start >= size:
            yield UPSERTS[size], list(chain.from_iterable(rows[start : start + size]))
            start += size


def newest_index(connection: BaseDatabaseWrapper) -> str:
    """What makes SQLite go through the newest rows by the index that has all it needs, and not by the rows themselves."""
    return " INDEXED BY lockhouse_run_newest" if connection.vendor == "sqlite" else ""


def put_gaps(cursor: Any, gaps: Iterable[Gap], epoch: int) -> None:
    """Write gaps; of one that is written already only the end moves."""
    for gap in gaps:
        values = [gap.to_us, gap.how_many, epoch, gap.from_us, gap.why, gap.cache]
        cursor.execute(END_GAP, values)
        if not cursor.rowcount:
            cursor.execute(PUT_GAP, values)


def put_rows(connection: BaseDatabaseWrapper, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows of different ids within the transaction that is open; where one is there already, the larger of each value remains.

    Cost: by the driver's own cursor, for Django's would look at each value.  Raises: Django's database errors; OverflowError, UnicodeError, ValueError.
    """
    with connection.wrap_database_errors:
        (_copy_rows if connection.vendor == "postgresql" else _insert_rows)(connection, rows)


def _insert_rows(connection: BaseDatabaseWrapper, rows: Sequence[tuple[Any, ...]]) -> None:
    cursor = connection.connection.cursor()
    for statement, values in parts_of(rows):
        cursor.execute(statement, values)
    cursor.close()


def _copy_rows(connection: BaseDatabaseWrapper, rows: Sequence[tuple[Any, ...]]) -> None:
    with connection.connection.cursor() as cursor:
        cursor.execute(MAKE_COPIED)
        with cursor.copy(COPY) as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(MERGE)
