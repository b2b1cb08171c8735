"""How often the runs of one task acquired a lock, were refused one, or lost one, minute by minute."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from django.db import connections

from dashboard.history.lock_rows import CODES, TABLE
from dashboard.history.read import EPOCH, gaps_between, time_before_all, uncovered
from dashboard.history.rows import IDS_PER_US, TASK, US, Gap

KEPT_S = 10.0
MAX_KEPT = 200
MAX_GAPS = 100
MINUTE_IDS = 60 * US * IDS_PER_US
ACQUIRED, REFUSED, LOST = CODES["acquired"], CODES["refused"], CODES["lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockMinute:
    """What the locks of a task's runs did within a minute; only minutes in which something happened are told."""

    minute: int  # since 1970
    acquired: int
    refused: int
    lost: int


_kept: dict[tuple[str, str, int], tuple[float, tuple[LockMinute, ...]]] = {}
_kept_gaps: dict[tuple[str, int], tuple[float, list[Gap]]] = {}


def minutes_of(task: str, since_minute: int, alias: str = "default") -> tuple[LockMinute, ...]:
    """Since that minute, the oldest first; at most some seconds old.  Cost: one statement over an index.  Raises: the database's errors."""
    key = (alias, task, since_minute)
    if (kept := _kept.get(key)) is None or monotonic() - kept[0] > KEPT_S:
        if len(_kept) >= MAX_KEPT:
            _kept.clear()
        kept = _kept[key] = monotonic(), _read(task, since_minute, alias)
    return kept[1]


def gaps_since(since_minute: int, alias: str = "default") -> list[Gap]:
    """Times since that minute in which more may have happened than is told; at most some seconds old.  Cost: two statements.  Raises: as above."""
    key = (alias, since_minute)
    if (kept := _kept_gaps.get(key)) is None or monotonic() - kept[0] > KEPT_S:
        _kept_gaps.clear()  # of other minutes
        from_at, to_at = EPOCH + timedelta(minutes=since_minute), datetime.now(UTC)
        found = uncovered([*time_before_all(from_at, to_at, EPOCH, alias), *gaps_between(from_at, to_at, MAX_GAPS, alias)])
        kept = _kept_gaps[key] = monotonic(), found
    return kept[1]


def forget() -> None:
    """For tests: the database is another one."""
    _kept.clear()
    _kept_gaps.clear()


def _read(task: str, since_minute: int, alias: str) -> tuple[LockMinute, ...]:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"SELECT id / %s, what, count(*) FROM {TABLE} WHERE what IN ({ACQUIRED}, {REFUSED}, {LOST}) AND id >= %s AND task = "  # noqa: S608  # numbers
            "(SELECT id FROM lockhouse_historyname WHERE kind = %s AND text = %s) GROUP BY 1, 2",
            [MINUTE_IDS, since_minute * MINUTE_IDS, TASK, task],
        )
        counts = Counter({(minute, what): count for minute, what, count in cursor.fetchall()})
    minutes = sorted({minute for minute, _what in counts})
    return tuple(LockMinute(minute=minute, acquired=counts[minute, ACQUIRED], refused=counts[minute, REFUSED], lost=counts[minute, LOST]) for minute in minutes)
