"""Rows of a history of a million runs, for what is measured on one.

200 tasks of which some are rare, 30 workers, 20 queues; one in fifty failed, one in five held a lock.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID

from dashboard.history.lock_rows import CODES
from dashboard.history.rows import COLUMNS, FAILED, IDS_PER_US, REFUSED, SUCCEEDED, Row, key_of

TASKS = [f"group{number % 12}_task_{number}" for number in range(200)]
WORKERS = [f"celery@worker-{number}" for number in range(30)]
QUEUES = [f"queue-{number}" for number in range(20)]
APART_US = 75_000
HELD_EVERY = 5  # one run of that many held a lock
RARE_EVERY = 50_000  # one run of that many is of the rare task


def rows_of(first: int, count: int, newest_us: int, total: int) -> Iterator[Row]:
    """Runs number `first` and on, of `total` of which the last began at `newest_us`."""
    for number in range(first, first + count):
        at = newest_us - (total - number) * APART_US
        task_id = str(UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128))
        failed, refused = number % 50 == 0, number % 211 == 0
        told: dict[str, int | str] = {
            "id": at * IDS_PER_US, "key": key_of(task_id), "retries": 0, "outcome": FAILED if failed else REFUSED if refused else SUCCEEDED,
            "task": "rare_task" if number % RARE_EVERY == 7 else TASKS[number * 7919 % 200], "worker": WORKERS[number % 30], "queue": QUEUES[number % 20],
            "lock": f"lock_report_{number % 40}" if refused and not failed else "", "signature": "ValueError('no #')" if failed else "", "sent_us": 0,
            "received_us": at, "started_us": at + 700, "ended_us": at + 40_700, "heard_us": at + 41_000, "refused_us": 0, "runtime_us": 40_000, "pid": 0,
            "parent_pid": 700 + number % 30, "redelivered": 0, "task_id": task_id, "eta": "", "expires": "", "origin": "", "parent_id": "", "root_id": "",
            "args": f"({number}, 'parcel')", "kwargs": "{}", "result": "'done'", "error": f"ValueError('no {number}')" if failed else "", "traceback": "",
            "lock_id": "",
        }  # fmt: skip
        yield tuple(told[name] for name in COLUMNS)


def locks_of(rows: Iterable[Row]) -> Iterator[Row]:
    """What the history has of the locks that these runs held: each that it was acquired."""
    for row in rows:
        told = dict(zip(COLUMNS, row, strict=True))
        number = int(told["received_us"]) // APART_US
        if number % HELD_EVERY == 0:
            lock = number // HELD_EVERY % 40
            at_us = int(told["started_us"])
            yield (
                at_us * IDS_PER_US, lock + 1, f"lock_report_{lock}", CODES["acquired"], at_us, -1, told["task"], told["worker"], 2, told["task_id"],
                f"{number:016x}", "", "default", told["id"],
            )  # fmt: skip
