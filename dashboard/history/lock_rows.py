"""What is written of locks: one tuple an event, in the order of COLUMNS, with names as text where the table has their numbers."""

from collections.abc import Sequence
from typing import Any

from dashboard.history.names import Names
from dashboard.history.rows import LOCK, TASK, WORKER, Row

TABLE = "lockhouse_lockevent"
COLUMNS = ("id", "lock", "name", "what", "at_us", "span_us", "task", "worker", "certainty", "task_id", "token", "by_whom", "cache", "run")
CODES = {
    "acquired": 1, "refused": 2, "waiting": 3, "released": 4, "expired": 5, "lost": 6, "extended": 7, "by-hand": 8, "flushed": 9, "changed": 10, "restored": 11,
    "died": 12, "alive": 13, "removed": 14,
}  # fmt: skip
ACQUIRED = CODES["acquired"]
WHATS = {code: what for what, code in CODES.items()}
CERTAINTIES = ("unknown", "likely", "exact")
DEATHS = ("died", "alive")  # its holder was proved dead; it showed a sign of life after that
LEFT = ("expired", "lost", "by-hand", "flushed", "changed", "removed")  # after these its holder may go on without it

TOLD_LATER = ("what", "at_us", "span_us", "task", "worker", "certainty", "task_id", "by_whom")

PUT_EVENT = (  # who took it may be found out later, and that it was an operator who released it
    f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))}) "  # noqa: S608  # names of our own
    f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in TOLD_LATER)}, "
    f"run = CASE WHEN excluded.run > 0 THEN excluded.run ELSE {TABLE}.run END"
)


def numbered(rows: Sequence[Row], names: Names, us: int) -> list[tuple[Any, ...]]:
    """The rows as they are written."""
    return [
        (*row[:2], names.number(LOCK, str(row[2]), us), *row[3:6], names.number(TASK, str(row[6]), us), names.number(WORKER, str(row[7]), us), *row[8:])
        for row in rows
    ]
