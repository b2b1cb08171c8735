"""Rows for the tests of the history."""

from typing import Any

from dashboard.history.rows import COLUMNS, Row, key_of

BASE_US = 1_790_000_000_000_000
NUMBERS = {"id", "key", "retries", "outcome", "pid", "parent_pid", "redelivered"}


def make_row(number: int = 0, **changes: Any) -> Row:
    """The run with this number, which was only received unless more is said."""
    task_id = changes.pop("task_id", f"run-{number}")
    told = {name: 0 if name in NUMBERS or name.endswith("_us") else "" for name in COLUMNS}
    told |= {"id": (BASE_US + number * 1000) * 256, "key": key_of(task_id), "task_id": task_id, "runtime_us": -1}
    told |= {"task": "reports", "worker": "celery@web-1", "queue": "reports", "received_us": BASE_US + number * 1000, "heard_us": BASE_US + number * 1000}
    return tuple((told | changes).values())
