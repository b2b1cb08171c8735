"""The API's operations on queues: list, look at one."""

from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router

from dashboard import snapshot as snapshots
from dashboard.api.auth import needs
from dashboard.api.locks import Limit
from dashboard.api.paging import page
from dashboard.api.queue_rows import queue_row, queues_answer
from dashboard.api.rows import as_known
from dashboard.conf import policy
from dashboard.judge.queue_filter import matches_queue
from dashboard.judge.queue_why import judge_queues

router = Router(tags=["queues"])


@router.get("/queues", summary="The queues, those with a warning first", auth=needs("lockhouse.view_locks"))
def queues(request: HttpRequest, q: str = "", limit: Limit = 100, cursor: str | None = None) -> dict[str, Any]:
    """`q` filters like the page: free words, and `field:value` for queue, task, worker, warning."""
    now, known = datetime.now(UTC), snapshots.newest()
    found = [one for one in judge_queues(known, now, policy()) if matches_queue(one, q)]
    shown, of_all = page(found, lambda one: one.queue.id, limit, cursor)
    rows = [queue_row(one, now) for one in shown]
    return {**queues_answer(known, rows, now), **of_all}


@router.get("/queues/{queue_id}", summary="One queue", auth=needs("lockhouse.view_locks"))
def queue(request: HttpRequest, queue_id: str) -> dict[str, Any]:
    """404 where no queue with this id is known."""
    now, known = datetime.now(UTC), snapshots.newest()
    found = next((one for one in judge_queues(known, now, policy()) if one.queue.id == queue_id), None)
    if found is None:
        raise Http404
    return {"queue": queue_row(found, now), **as_known(known, now)}
