"""Rows for the tests of the history."""

from typing import Any

from dashboard.history.lock_rows import CODES
from dashboard.history.rows import COLUMNS, Row, key_of, key_of_identity

BASE_US = 1_790_000_000_000_000
LOCK_ID = "fedcba9876543210"  # its number is negative
NUMBERS = {"id", "key", "retries", "outcome", "pid", "parent_pid", "redelivered"}


def row_id(number: int) -> int:
    """Of the run with this number."""
    return (BASE_US + number * 1000) * 256


def make_row(number: int = 0, **changes: Any) -> Row:
    """The run with this number, which was only received unless more is said."""
    task_id = changes.pop("task_id", f"run-{number}")
    told = {name: 0 if name in NUMBERS or name.endswith("_us") else "" for name in COLUMNS}
    told |= {"id": row_id(number), "key": key_of(task_id), "task_id": task_id, "runtime_us": -1}
    told |= {"task": "reports", "worker": "celery@web-1", "queue": "reports", "received_us": BASE_US + number * 1000, "heard_us": BASE_US + number * 1000}
    return tuple((told | changes).values())


def made_event(
    number: int, what: str = "acquired", *, lock_id: str = LOCK_ID, name: str = "lock_report_12", us: int = BASE_US, task: str = "reports",
    task_id: str = "run-1", span: int = -1, certainty: int = 2, run: int | None = None,
) -> Row:  # fmt: skip
    """What happened to a lock this many milliseconds after that time, by the run with that number."""
    at = us + number * 1000
    key = key_of_identity(lock_id) or 0
    return (at * 256, key, name, CODES[what], at, span, task, "w@web-1", certainty, task_id, "digest", "", "default", 0 if run is None else row_id(run))
