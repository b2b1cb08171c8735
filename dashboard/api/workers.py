"""The API's operations on workers: list, look at one."""

from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router

from dashboard import snapshot as snapshots
from dashboard.api.auth import needs
from dashboard.api.locks import Limit
from dashboard.api.paging import page
from dashboard.api.rows import as_known
from dashboard.api.runs import judged as judged_runs
from dashboard.api.worker_rows import worker_row, workers_answer
from dashboard.conf import policy
from dashboard.judge.workers import JudgedWorker, judge_workers, matches_worker
from dashboard.records import Snapshot

router = Router(tags=["workers"])


@router.get("/workers", summary="The workers, those that are gone or silent first", auth=needs("lockhouse.view_locks"))
def workers(request: HttpRequest, q: str = "", limit: Limit = 100, cursor: str | None = None) -> dict[str, Any]:
    """`q` filters like the page: free words, and `field:value` for worker, state, queue, task, pool, warning."""
    now, known = datetime.now(UTC), snapshots.newest()
    found = [one for one in judged(known, now) if matches_worker(one, q)]
    shown, of_all = page(found, lambda one: one.id, limit, cursor)
    rows = [worker_row(one, now) for one in shown]
    return {**workers_answer(known, rows, now), **of_all}


@router.get("/workers/{worker_id}", summary="One worker", auth=needs("lockhouse.view_locks"))
def worker(request: HttpRequest, worker_id: str) -> dict[str, Any]:
    """404 where no worker with this id is known."""
    now, known = datetime.now(UTC), snapshots.newest()
    found = next((one for one in judged(known, now) if one.id == worker_id), None)
    if found is None:
        raise Http404
    return {"worker": worker_row(found, now), **as_known(known, now)}


def judged(known: Snapshot, now: datetime) -> list[JudgedWorker]:
    """Every worker of the snapshot, with its runs."""
    return judge_workers(known, judged_runs(known, now), now, policy())
