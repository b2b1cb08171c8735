"""The API's operations on runs: list, look at one."""

from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router

from dashboard import snapshot as snapshots
from dashboard.api.auth import caller, needs
from dashboard.api.locks import Limit
from dashboard.api.paging import after, cursor_of
from dashboard.api.rows import rfc3339, unavailable
from dashboard.api.run_rows import run_row, runs_answer
from dashboard.conf import policy
from dashboard.judge import assess
from dashboard.judge.runs import JudgedRun, judge_runs, matches_run, runs_of
from dashboard.records import Snapshot

VIEW_PAYLOADS, VIEW_SECRETS = "lockhouse.view_payloads", "lockhouse.view_unredacted"
router = Router(tags=["runs"])


@router.get("/runs", summary="The runs: those that go on first, then what ended lately", auth=needs("lockhouse.view_locks"))
def runs(request: HttpRequest, q: str = "", limit: Limit = 100, cursor: str | None = None) -> dict[str, Any]:
    """`q` filters like the page: free words, and `field:value` for task, worker, queue, state, lock, id. Arguments need `view_payloads`."""
    now, known = datetime.now(UTC), snapshots.newest()
    found = [one for one in judged(known, now) if matches_run(one, q)]
    ids = [f"{one.id}-{one.run.retries}-{one.delivery}" for one in found]
    start = after(ids, cursor)
    rows = [_row(request, one, now) for one in found[start : start + limit]]
    return {**runs_answer(known, rows, now), "total": len(found), "next_cursor": cursor_of(ids, start + len(rows))}


@router.get("/runs/{run_id}", summary="One run, with its earlier tries", auth=needs("lockhouse.view_locks"))
def run(request: HttpRequest, run_id: str) -> dict[str, Any]:
    """404 where no run with this id is remembered; `before` has the tries and deliveries before it, the latest first."""
    now, known = datetime.now(UTC), snapshots.newest()
    found = runs_of(run_id, judged(known, now))
    if not found:
        raise Http404
    latest, *before = (_row(request, one, now) for one in found)
    return {"run": latest, "before": before, "as_of": rfc3339(known.at), "unavailable": unavailable(known, now)}


def judged(known: Snapshot, now: datetime) -> list[JudgedRun]:
    """Every run of the snapshot, with the locks that it holds."""
    return judge_runs(known, assess(known, now, policy()), now, policy())


def _row(request: HttpRequest, one: JudgedRun, now: datetime) -> dict[str, Any]:
    user = caller(request)
    return run_row(one, now, payloads=user.has_perm(VIEW_PAYLOADS), unredacted=user.has_perm(VIEW_SECRETS))
