"""Rows for the tests of the history, how they are written, and the lane that comes of them."""

from datetime import timedelta
from typing import Any

import pytest

from dashboard.history import names_read
from dashboard.history.lanes import lanes_between
from dashboard.history.lock_rows import CODES
from dashboard.history.read import EPOCH
from dashboard.history.rows import COLUMNS, GOING, SUCCEEDED, Batch, Row, key_of, key_of_identity
from dashboard.history.write import Writer

BASE_US = 1_790_000_000_000_000
BASE = EPOCH + timedelta(microseconds=BASE_US)
SECOND_US = 1_000_000
SECOND = 1000  # of the numbers of events
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


def event(seconds, what, run, *, token="one", **changes):
    row = made_event(int(seconds * SECOND), what, task_id=run, **changes)
    return (*row[:10], token, *row[11:])


def run(name, *, ended=None, outcome=SUCCEEDED, **told):
    """A run that was heard of at the beginning, and of whose end was told after so many seconds."""
    heard_us = BASE_US + int((ended or 0) * 1_000_000)
    return make_row({"run-a": 1, "run-b": 2}.get(name, 3), task_id=name, heard_us=heard_us, outcome=outcome if ended else GOING, **told)


def at(seconds):
    return BASE + timedelta(seconds=seconds)


def spanned(row, seconds):
    return (*row[:5], int(seconds * SECOND_US), *row[6:])


def by(row):
    return (*row[:11], "alice", *row[12:])


def lane(from_s, to_s, held=()):
    (found,) = lanes_between(at(from_s), at(to_s), held).lanes
    return found


@pytest.fixture
def write():
    names_read.forget()
    writer = Writer("test:1")
    writer.claim(BASE_US)
    return lambda runs, *events: writer.write(Batch(rows=list(runs), locks=list(events)), BASE_US)


@pytest.fixture
def watching(watching, settings):
    """What was written at the time of these tests is kept for ever."""
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "HISTORY_DAYS": 10**9}
    return watching
