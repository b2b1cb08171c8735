"""The API's operations on tasks: list, look at one."""

from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router

from dashboard import snapshot as snapshots
from dashboard.api.auth import needs
from dashboard.api.locks import Limit
from dashboard.api.paging import page
from dashboard.api.rows import as_known
from dashboard.api.task_rows import task_row, tasks_answer
from dashboard.conf import policy
from dashboard.judge import assess
from dashboard.judge.task_filter import matches_task
from dashboard.judge.tasks import JudgedTask, judge_tasks
from dashboard.records import Snapshot
from dashboard.records.identity import identity

router = Router(tags=["tasks"])


@router.get("/tasks", summary="Every task name, those with a warning first", auth=needs("lockhouse.view_locks"))
def tasks(request: HttpRequest, q: str = "", limit: Limit = 100, cursor: str | None = None) -> dict[str, Any]:
    """`q` filters like the page: free words, and `field:value` for task, queue, worker, state, lock, schedule, warning.

    `last_sent_at` is when a message of that name was last sent, or seen: waiting in a queue, received or thrown away. It moves on while one waits.
    """
    now, known = datetime.now(UTC), snapshots.newest()
    found = [one for one in judged_tasks(known, now) if matches_task(one, q)]
    shown, of_all = page(found, lambda one: identity(one.name), limit, cursor)
    rows = [task_row(one, now) for one in shown]
    return {**tasks_answer(known, rows, now), **of_all}


@router.get("/tasks/{task_id}", summary="One task", auth=needs("lockhouse.view_locks"))
def task(request: HttpRequest, task_id: str) -> dict[str, Any]:
    """404 where no name with this id is known."""
    now, known = datetime.now(UTC), snapshots.newest()
    found = next((one for one in judged_tasks(known, now) if identity(one.name) == task_id), None)
    if found is None:
        raise Http404
    return {"task": task_row(found, now), **as_known(known, now)}


def judged_tasks(known: Snapshot, now: datetime) -> list[JudgedTask]:
    """Every task of this moment; the command line asks the same."""
    thresholds = policy()
    return judge_tasks(known, assess(known, now, thresholds), now, thresholds)
