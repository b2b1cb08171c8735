"""The API's operations on runs: list, look at one."""

from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router
from ninja.errors import HttpError

from dashboard import snapshot as snapshots
from dashboard.api.auth import caller, needs
from dashboard.api.locks import Limit
from dashboard.api.paging import INVALID, after, cursor_of, cursor_of_history, history_cursor
from dashboard.api.rows import as_known
from dashboard.api.run_list import LAST, Ended, ended, executions, going
from dashboard.api.run_rows import run_row, runs_answer
from dashboard.conf import policy
from dashboard.judge import assess
from dashboard.judge.run_filter import absolute
from dashboard.judge.runs import JudgedRun, judge_runs
from dashboard.records import Snapshot
from dashboard.words.run_filter import wrong_filter

VIEW_PAYLOADS, VIEW_SECRETS = "lockhouse.view_payloads", "lockhouse.view_unredacted"
router = Router(tags=["runs"])


@router.get("/runs", summary="The runs: those that go on first, then what ended, the latest first", auth=needs("lockhouse.view_locks"))
def runs(request: HttpRequest, q: str = "", limit: Limit = 100, cursor: str | None = None) -> dict[str, Any]:
    """`q` filters like the page: free words, and `field:value` for task, worker, queue, state, lock, id, since, until. Arguments need `view_payloads`.

    `id` stands for the task id, so all tries of one task share it; `run` is unique: the id, the retry number, and which delivery it is where there were several
    (that last part is another once the run is in the history alone). `locks` say in `tie` whether it holds each, "left" it (it is dead), "outlived" it,
    or "lost" it and may go on.

    A time is `2026-11-26T04:28`, `04:28` (of today, UTC) or `10m` (ago); 422 for a time or a state that is none.

    `total` is null where there are more than this page has: nobody counts a history.

    `note`: what such a filter does not find, in words; null where there is nothing to say.
    """
    now, known = datetime.now(UTC), snapshots.newest()
    if said := wrong_filter(q := absolute(q, now)):
        raise HttpError(INVALID, said)
    all_runs, before = judged(known, now), history_cursor(cursor)
    live = [] if before else going(all_runs, q)
    ids = [one.key for one in live]
    start = 0 if before else after(ids, cursor)
    rows = live[start : start + limit]
    if len(rows) == limit and start + limit < len(live):
        return {**runs_answer(known, [_row(request, one, now) for one in rows], now, q), "total": None, "next_cursor": cursor_of(ids, start + limit)}
    past = ended(known, all_runs, q, before=before or LAST, limit=limit - len(rows)) if len(rows) < limit else Ended(runs=(), older=LAST)
    answer = runs_answer(known, [_row(request, one, now) for one in (*rows, *past.runs)], now, q)
    if past.problem:
        answer["unavailable"] = {**answer["unavailable"], "history": past.problem}
    total = None if past.older or cursor else len(live) + len(past.runs)
    return {**answer, "total": total, "next_cursor": cursor_of_history(past.older)}


@router.get("/runs/{run_id}", summary="One run, with its earlier tries", auth=needs("lockhouse.view_locks"))
def run(request: HttpRequest, run_id: str) -> dict[str, Any]:
    """404 where no run with this id is known, be it in the history; `before` has the tries and deliveries before it, the latest first."""
    now, known = datetime.now(UTC), snapshots.newest()
    found = executions(run_id, known, judged(known, now))
    if not found:
        raise Http404
    latest, *before = (_row(request, one, now) for one in found)
    return {"run": latest, "before": before, **as_known(known, now)}


def judged(known: Snapshot, now: datetime) -> list[JudgedRun]:
    """Every run of the snapshot, with the locks that it holds."""
    return judge_runs(known, assess(known, now, policy()), now, policy())


def _row(request: HttpRequest, one: JudgedRun, now: datetime) -> dict[str, Any]:
    user = caller(request)
    return run_row(one, now, payloads=user.has_perm(VIEW_PAYLOADS), unredacted=user.has_perm(VIEW_SECRETS))
