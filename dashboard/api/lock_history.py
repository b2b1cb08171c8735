"""What happened to locks, out of the history, as programs get it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest
from ninja import Router

from dashboard.api.auth import needs
from dashboard.api.locks import Limit
from dashboard.api.paging import cursor_of_history, history_cursor
from dashboard.api.rows import rfc3339
from dashboard.history.locks import LAST, page_of
from dashboard.history.problems import AWAY, reason_of
from dashboard.records import LockMoment
from dashboard.words import visible

router = Router(tags=["locks"])


@router.get("/locks/{lock_id}/history", summary="What happened to one lock, the latest first", auth=needs("lockhouse.view_locks"))
def lock_history(request: HttpRequest, lock_id: str, limit: Limit = 100, cursor: str | None = None) -> dict[str, Any]:
    """Acquired, refused, waiting, released, expired, lost, extended, by-hand, flushed, changed, restored; a lock of which nothing was kept has no events."""
    answer: dict[str, Any] = {"events": [], "as_of": rfc3339(datetime.now(UTC)), "unavailable": {}, "next_cursor": None}
    try:
        page = page_of(lock_id, history_cursor(cursor) or LAST, limit)
    except AWAY as error:
        return {**answer, "unavailable": {"history": reason_of(error)}}
    return {**answer, "events": [moment_row(one) for one in page.moments], "next_cursor": cursor_of_history(page.older)}


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
        "task_id": one.task_id,
        "task_name": one.task_name,
        "worker": one.worker,
        "certainty": one.certainty if one.task_id else "unknown",
        "by": one.by,
    }
