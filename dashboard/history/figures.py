"""How the runs of one task, one queue or on one worker ended within a time, and how long they took: out of the minutes that are kept."""

from dataclasses import dataclass
from time import monotonic

from django.db import connections

from dashboard.history.read import run_of
from dashboard.history.rows import COLUMNS, SUCCEEDED, TASK
from dashboard.history.sketch import Sketch, merge, quantile, unpacked
from dashboard.history.statements import TABLE
from dashboard.records import Run

KEPT_S = 10.0
MAX_KEPT = 200
SUMS = ("succeeded", "failed", "refused", "retried", "revoked", "rejected", "lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The sums, and the quantiles of the runtimes of those that did something; None where there were none."""

    succeeded: int
    failed: int
    refused: int
    retried: int
    revoked: int
    rejected: int
    lost: int
    p50_us: int | None
    p95_us: int | None
    p99_us: int | None


_kept: dict[tuple[str, int, str, int], tuple[float, Figures | None]] = {}


def figures_of(kind: int, name: str, since_minute: int, alias: str = "default") -> Figures | None:
    """Since that minute; None where nothing was counted. At most some seconds old.  Cost: one statement.  Raises: the database's errors."""
    key = (alias, kind, name, since_minute)
    if (kept := _kept.get(key)) is None or monotonic() - kept[0] > KEPT_S:
        if len(_kept) >= MAX_KEPT:
            _kept.clear()
        kept = _kept[key] = monotonic(), _read(alias, kind, name, since_minute)
    return kept[1]


def forget() -> None:
    """For tests: the database is another one."""
    _kept.clear()


def _read(alias: str, kind: int, name: str, since_minute: int) -> Figures | None:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(SUMS)}, runtimes FROM lockhouse_runminute WHERE kind = %s AND minute >= %s AND name = "  # noqa: S608  # names of our own
            "(SELECT id FROM lockhouse_historyname WHERE kind = %s AND text = %s)",
            [kind, since_minute, kind, name],
        )
        rows = cursor.fetchall()
    if not rows:
        return None
    runtimes: Sketch = {}
    for row in rows:
        merge(runtimes, unpacked(row[-1]))
    sums = dict(zip(SUMS, map(sum, zip(*(row[:-1] for row in rows), strict=True)), strict=True))
    return Figures(**sums, p50_us=quantile(runtimes, 0.5), p95_us=quantile(runtimes, 0.95), p99_us=quantile(runtimes, 0.99))


def last_that_worked(task: str, alias: str = "default") -> Run | None:
    """The newest run of that task that ended well and did something.  Raises: the database's errors."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT id FROM lockhouse_historyname WHERE kind = %s AND text = %s", [TASK, task])
        number = cursor.fetchone()
        cursor.execute(
            f"SELECT {', '.join(COLUMNS)} FROM {TABLE} WHERE id = "  # noqa: S608  # as above
            f"(SELECT id FROM {TABLE} WHERE task = %s AND outcome = %s ORDER BY id DESC LIMIT 1)",
            [number[0] if number else 0, SUCCEEDED],
        )
        row = cursor.fetchone()
    return run_of(row, {row[4]: task}) if row else None
