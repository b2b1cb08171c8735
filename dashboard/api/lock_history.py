"""What happened to locks, out of the history, as programs get it."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router
from ninja.errors import HttpError

from dashboard import snapshot as snapshots
from dashboard.api.auth import caller, needs
from dashboard.api.locks import Limit
from dashboard.api.paging import INVALID, cursor_of_history, row_before
from dashboard.api.rows import notes_of, rfc3339, shown_name
from dashboard.api.runs import judged
from dashboard.api.tasks import judged_tasks
from dashboard.history.lock_figures import LockMinute, gaps_since, minutes_of
from dashboard.history.locks import LAST, page_of
from dashboard.history.overlaps import Overlap, overlaps
from dashboard.history.problems import AWAY, reason_of
from dashboard.history.read import EPOCH
from dashboard.judge.run_filter import typed_time
from dashboard.records import LockMoment, Run
from dashboard.records.identity import identity
from dashboard.redaction import hide_secrets
from dashboard.words import visible
from dashboard.words.run_filter import wrong_time

router = Router(tags=["locks"])
Active = AbstractSet[tuple[str, int]]  # task ids, each with the number of its try


@router.get("/locks/{lock_id}/history", summary="What happened to one lock, the latest first", auth=needs("lockhouse.view_locks"))
def lock_history(request: HttpRequest, lock_id: str, limit: Limit = 100, cursor: str | None = None) -> dict[str, Any]:
    """Acquired, refused, waiting, released, expired, lost, extended, by-hand, flushed, changed, restored; removed: by another than its holder;
    died: its holder, alive: after all.

    A lock of which nothing was kept has no events.
    """
    answer: dict[str, Any] = {"events": [], **_as_written(datetime.now(UTC)), "next_cursor": None}
    try:
        page = page_of(lock_id, row_before(cursor) or LAST, limit)
    except AWAY as error:
        return {**answer, "unavailable": {"history": reason_of(error)}}
    return {**answer, "events": [moment_row(one) for one in page.moments], "next_cursor": cursor_of_history(page.older)}


def _as_written(now: datetime) -> dict[str, Any]:
    """What every answer out of the history says of itself; the sources' notes are of now."""
    return {"as_of": rfc3339(now), "unavailable": {}, "notes": notes_of(snapshots.newest())}


def moment_row(one: LockMoment) -> Mapping[str, Any]:
    """One event."""
    return {
        "at": rfc3339(one.at),
        "event": one.what,
        "lock_id": one.lock_id,
        "cache": one.cache,
        "name": visible(one.name),
        "token_digest": one.token_digest or None,
        "span_ms": one.span // timedelta(milliseconds=1) if one.span is not None else None,
        "task_id": shown_name(one.task_id),
        "task_name": shown_name(one.task_name),
        "worker": shown_name(one.worker),
        "certainty": one.certainty if one.task_id else "unknown",
        "by": one.by,
    }


@router.get("/overlaps", summary="Pairs of runs that a lock should have kept apart, the latest first", auth=needs("lockhouse.view_locks"))
def all_overlaps(request: HttpRequest, cursor: str | None = None, since: str = "") -> dict[str, Any]:
    """`since`: of those on this page the ones that began then or later; a time as in the filter of runs, 422 for what is none.

    `unnamed`: locks on this page that left a holder which nobody knows, so that they are in no pair. Arguments need `view_payloads`.

    `cut`: how many locks were taken by more runs than are paired, after they left theirs.
    """
    now = datetime.now(UTC)
    first_at = _since(since, now)
    answer: dict[str, Any] = {"overlaps": [], "unnamed": None, "cut": None, **_as_written(now), "next_cursor": None}
    try:
        found = overlaps(row_before(cursor) or LAST)
    except AWAY as error:
        return {**answer, "unavailable": {"history": reason_of(error)}}
    may = caller(request)
    payloads, unredacted = may.has_perm("lockhouse.view_payloads"), may.has_perm("lockhouse.view_unredacted")
    active, shown = seen_active(found.overlaps, now), [one for one in found.overlaps if first_at is None or one.from_at >= first_at]
    rows = [overlap_row(one, payloads=payloads, unredacted=unredacted, active=active) for one in shown]
    return {**answer, "overlaps": rows, "unnamed": found.unnamed, "cut": found.cut, "next_cursor": cursor_of_history(found.older)}


def _since(told: str, now: datetime) -> datetime | None:
    """The time that was asked for; None where none was.  Raises: HttpError for what is no time."""
    at = typed_time(told, now) if told else None
    if told and at is None:
        raise HttpError(INVALID, wrong_time("since", visible(told[:40])))
    return at


@router.get("/tasks/{task_id}/locks", summary="How often a task's runs acquired, were refused and lost a lock, by minute", auth=needs("lockhouse.view_locks"))
def task_locks(request: HttpRequest, task_id: str) -> dict[str, Any]:
    """Of the last hour, the oldest minute first; a minute in which nothing happened is not told. `missing` is when not all is known, or nothing.

    404 where no name with this id is known.
    """
    now = datetime.now(UTC)
    name = next((one.name for one in judged_tasks(snapshots.newest(), now) if identity(one.name) == task_id), None)
    if name is None:
        raise Http404
    answer: dict[str, Any] = {"task": shown_name(name), "minutes": [], "missing": None, **_as_written(now)}
    since = int(now.timestamp()) // 60 - 60
    try:
        found, gaps = minutes_of(name, since), gaps_since(since)
    except AWAY as error:
        return {**answer, "unavailable": {"history": reason_of(error)}}
    missing = [{"from": rfc3339(max(_at(gap.from_us), EPOCH + timedelta(minutes=since))), "to": rfc3339(_at(gap.to_us))} for gap in gaps]
    return {**answer, "minutes": [_minute_row(one) for one in found], "missing": missing}


def _at(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)


def _minute_row(one: LockMinute) -> dict[str, Any]:
    return {"from": rfc3339(EPOCH + timedelta(minutes=one.minute)), "acquired": one.acquired, "refused": one.refused, "lost": one.lost}


def seen_active(found: Sequence[Overlap], now: datetime) -> Active:
    """The runs that are seen to be active now; none are looked for where each pair has an end."""
    if all(one.to_at is not None for one in found):
        return frozenset()
    return frozenset((one.run.task_id, one.run.retries) for one in judged(snapshots.newest(), now) if one.state == "active")


def still_together(one: Overlap, active: Active) -> bool | None:
    """Whether both runs go on now; None: it is not known."""
    if one.to_at is not None:
        return False
    pair = {(run.task_id, run.retries) for run in (one.first, one.second_run) if run is not None}
    return True if len(pair) == 2 and pair <= active else None  # two runs


def overlap_row(one: Overlap, *, payloads: bool, unredacted: bool = False, active: Active = frozenset()) -> dict[str, Any]:
    """One pair; what the runs were given is null without `payloads`, and free of secrets unless `unredacted`. `active`: of `seen_active`."""
    together = one.to_at - one.from_at if one.to_at is not None else None
    return {
        "lock_id": one.lock_id,
        "cache": one.cache,
        "name": visible(one.name),
        "why": one.why,
        "by": one.by,
        "from": rfc3339(one.from_at),
        "to": rfc3339(one.to_at),
        "together_ms": together // timedelta(milliseconds=1) if together is not None else None,
        "still_together": still_together(one, active),
        "first_certainty": one.first_certainty,
        "second_certainty": one.second.certainty,
        **_run_row("first", one.first, one.first.task_id, payloads=payloads, unredacted=unredacted),
        **_run_row("second", one.second_run, one.second.task_id, payloads=payloads, unredacted=unredacted),
    }


def _run_row(which: str, run: Run | None, task_id: str | None, *, payloads: bool, unredacted: bool) -> dict[str, Any]:
    def said(text: str | None) -> str | None:
        return None if text is None or not payloads else text if unredacted else hide_secrets(text)

    return {
        f"{which}_task_id": shown_name(task_id),
        f"{which}_task": shown_name(run.name) if run else None,
        f"{which}_worker": shown_name(run.worker) if run else None,
        f"{which}_args": said(run.args) if run else None,
        f"{which}_kwargs": said(run.kwargs) if run else None,
    }
