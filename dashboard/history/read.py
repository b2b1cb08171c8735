"""Reads the history. Each question is bounded, and none counts all rows; its errors are the database's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from django.db import connections

from dashboard.history.lock_rows import TABLE as LOCKS
from dashboard.history.names_read import KnownNames, known_names
from dashboard.history.rows import CACHE_UNSEEN, COLUMNS, GOING, IDS_PER_US, LOCKS_DELETED, LOST, NAMES, NOBODY, REFUSED, SUCCEEDED, US, Gap
from dashboard.history.search import Wanted, ids_of
from dashboard.history.statements import TABLE
from dashboard.records import Absence, Run

MAX_OPEN = 20_000
KEPT_S = 0.9  # less than open pages wait for the passing of time, so that none of them sees a page of the history twice; what ended since is in the snapshot
MAX_KEPT = 64  # pages, of 200 kB each where all runs have arguments and results
MAX_ROWS_KEPT = 200  # a file is made of longer ones, each read once
NEAR_US = 3 * US  # each source is noticed in its own time to be away
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OUTCOMES = (None, "UNKNOWN", "LOST", "RETRY", "REJECTED", "REVOKED", "FAILURE", "SUCCESS", "SUCCESS")


@dataclass(frozen=True, slots=True)
class Page:
    """Runs as they were written last, newest first; `more`: there are older ones."""

    runs: Sequence[Run]
    more: bool


_kept: dict[tuple[str, Wanted, int], tuple[float, Page]] = {}  # threads may both read one: the result is the same


def page(wanted: Wanted, limit: int, alias: str = "default") -> Page:
    """The newest runs that are wanted.  Cost: two statements, and one for the names now and then."""
    names = known_names(alias)
    ids = ids_of(alias, wanted, names, limit + 1)
    return Page(_runs(alias, ids[:limit], names), len(ids) > limit)


def recent_page(wanted: Wanted, limit: int, alias: str = "default") -> Page:
    """As `page`, but at most KEPT_S old: each question is asked once in that time, however many look and however often they are told of something new."""
    if limit > MAX_ROWS_KEPT:
        return page(wanted, limit, alias)
    key, at = (alias, wanted, limit), monotonic()
    kept = _kept.get(key)
    if kept is None or at - kept[0] > KEPT_S:
        if len(_kept) >= MAX_KEPT:
            _kept.clear()
        kept = _kept[key] = at, page(wanted, limit, alias)
    return kept[1]


def forget() -> None:
    """For tests: the history is another one."""
    _kept.clear()


def runs_of_identity(identity: str, alias: str = "default") -> Sequence[Run]:
    """Every execution under the task id that goes by this id in addresses, the latest first."""
    return page(Wanted(words=(("id", identity),)), 100, alias).runs


def gaps(limit: int = 20, alias: str = "default") -> list[Gap]:
    """The latest gaps of runs."""
    return _gaps(alias, "why NOT IN (%s, %s)", [LOCKS_DELETED, CACHE_UNSEEN], limit)


def gaps_between(from_at: datetime, to_at: datetime, limit: int = 20, alias: str = "default") -> list[Gap]:
    """The latest gaps that have a part of that time.  Cost: one statement over an index."""
    return _gaps(alias, "to_us > %s AND from_us < %s AND why <> %s", [_us(from_at), _us(to_at), LOCKS_DELETED], limit)


def _gaps(alias: str, wanted: str, values: Sequence[Any], limit: int) -> list[Gap]:
    statement = f"SELECT from_us, to_us, why, how_many, cache FROM lockhouse_historygap WHERE {wanted} ORDER BY to_us DESC LIMIT %s"  # noqa: S608  # no value
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, [*values, limit])
        found = [Gap(from_us=from_us, to_us=to_us, why=why, how_many=how_many, cache=cache) for from_us, to_us, why, how_many, cache in cursor.fetchall()]
    return uncovered(found)


def uncovered(gaps: Sequence[Gap]) -> list[Gap]:
    """Those of which the others do not tell already: in a time in which nobody looked, nothing else was seen either."""
    return [gap for gap in gaps if not any(_covers(one, gap) for one in gaps if one.why in NOBODY)]


def _covers(one: Gap, gap: Gap) -> bool:
    is_more = gap.why not in NOBODY or one.to_us - one.from_us > gap.to_us - gap.from_us
    is_same_time = one.from_us < gap.to_us and gap.from_us < one.to_us
    return is_more and is_same_time and one.from_us <= gap.from_us + NEAR_US and gap.to_us <= one.to_us + NEAR_US


def time_before_all(from_at: datetime, to_at: datetime, kept_since: datetime, alias: str = "default") -> list[Gap]:
    """The time before anybody looked, or of whose locks nothing is kept, where it has a part of that time: as one gap.  Cost: one statement over indexes."""
    deleted = "SELECT max(to_us) FROM lockhouse_historygap WHERE why = %s"
    firsts = f"(SELECT min(since_us) FROM lockhouse_historyepoch), (SELECT min(id) FROM {TABLE}), (SELECT min(id) FROM {LOCKS})"  # noqa: S608  # no values
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT {firsts}, ({deleted})", [LOCKS_DELETED])
        led_us, run, event, deleted_us = cursor.fetchone()
    known_us = [led_us, *(row // IDS_PER_US for row in (run, event) if row is not None)]  # times of leading are forgotten before what they wrote
    since_us = max(min((us for us in known_us if us is not None), default=_us(to_at)), _us(kept_since), deleted_us or 0)
    return [Gap(from_us=0, to_us=since_us, why="before")] if since_us > _us(from_at) else []


def absences_among(gaps: Iterable[Gap]) -> list[Absence]:
    """Those in which no observer ran, or none saw a cache."""
    return [absence_of(gap) for gap in gaps if gap.why in {*NOBODY, CACHE_UNSEEN}]


def absence_of(gap: Gap) -> Absence:
    """A time in which nobody looked, or not at that cache."""
    return Absence(from_at=_at(gap.from_us), to_at=_at(gap.to_us), is_first=gap.why == "before", cache=gap.cache)


def open_rows(alias: str = "default") -> list[tuple[str, int, int]]:
    """Task id, id and time of receipt of the newest runs whose end is not known, the oldest first."""
    statement = (
        f"SELECT task_id, id, received_us FROM {TABLE} WHERE id IN "  # noqa: S608  # names of our own
        f"(SELECT id FROM {TABLE} WHERE outcome = %s ORDER BY id DESC LIMIT %s) ORDER BY id"
    )
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, [GOING, MAX_OPEN])
        return list(cursor.fetchall())


def _runs(alias: str, ids: Sequence[int], names: KnownNames) -> list[Run]:
    if not ids:
        return []
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM {TABLE} WHERE id IN ({', '.join(map(str, ids))}) ORDER BY id DESC")  # noqa: S608  # numbers
        rows = cursor.fetchall()
    if any(row[place] and row[place] not in names.texts for row in rows for place in NAMES):
        names = known_names(alias, at_once=True)
    return [run_of(row, names.texts) for row in rows]


def run_of(row: Sequence[Any], names: dict[int, str]) -> Run:
    """The record that a row was made of, as far as it tells."""
    told = dict(zip(COLUMNS, row, strict=True))
    return Run(
        task_id=told["task_id"],
        retries=told["retries"],
        name=names.get(told["task"]),
        worker=names.get(told["worker"]),
        queue=names.get(told["queue"]),
        pid=told["pid"] or None,
        parent_pid=told["parent_pid"] or None,
        **{name: told[name] or None for name in ("args", "kwargs", "origin", "parent_id", "root_id", "result", "error")},
        sent_at=instant(told["sent_us"]),
        received_at=instant(told["received_us"]),
        started_at=instant(told["started_us"]),
        ended_at=instant(told["ended_us"]),
        heard_at=instant(told["heard_us"]),
        eta_at=_said(told["eta"]),
        expires_at=_said(told["expires"]),
        runtime=None if told["runtime_us"] < 0 else timedelta(microseconds=told["runtime_us"]),
        outcome=OUTCOMES[told["outcome"]],
        traceback_end=told["traceback"] or None,
        refused_by=names.get(told["lock"]) or ("?" if told["outcome"] == REFUSED else None),
        refused_lock_id=told["lock_id"] or None,
        refused_at=instant(told["refused_us"]),
        redelivered=bool(told["redelivered"]),
        row=told["id"],
    )


def instant(us: int) -> datetime | None:
    """A number of microseconds as an instant; None for 0."""
    return _at(us) if us else None


def _us(at: datetime) -> int:
    return int(at.timestamp() * US)


def _at(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)


def _said(text: str) -> datetime | None:
    """A time as a message carries it, ISO 8601, in UTC where it names no zone; one that no clock in UTC shows is none."""
    try:
        at = datetime.fromisoformat(text) if text else None
        return at if at is None else at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def id_at(at: datetime) -> int:
    """The least id that a run can have that was first heard of then."""
    return int(at.timestamp() * US) * IDS_PER_US


def at_id(row: int) -> datetime:
    """The moment that a row's id begins with."""
    return _at(row // IDS_PER_US)


def newest_first(runs: Iterable[Run]) -> list[Run]:
    """In the order of the history."""
    return sorted(runs, key=lambda run: run.row, reverse=True)


assert (LOST, SUCCEEDED) == (2, 7), "the places in OUTCOMES"
