"""The runs of one task as its page shows them: the rows of the Runs page, and the ones that the task is remembered by."""

from datetime import datetime
from typing import Any

from dashboard.judge.tasks import JudgedTask
from dashboard.records import RememberedRun, Snapshot
from dashboard.web.instants import maybe
from dashboard.web.links import run_url, worker_url
from dashboard.web.panels.run_row import run_row, secret_free
from dashboard.words import duration, short_id, visible

MAX_RUNS = 20
TONES = {"lost": "orphaned", "unknown": "unknown", "active": "held", "failed": "orphaned", "refused": "expiring", "retried": "expiring"}


def run_rows(one: JudgedTask, snapshot: Snapshot, may: frozenset[str], now: datetime) -> dict[str, Any]:
    """What `panels/task_runs.html` shows."""
    queues = {queue.name: queue for queue in snapshot.queues}
    rows = [run_row(run, queues.get(run.run.queue or ""), may, now) for run in one.runs[:MAX_RUNS]]
    return {"runs": [(row, TONES.get(row.state, "")) for row in rows], "shown": len(rows), "count": len(one.runs)}


def remembered(run: RememberedRun | None, may: frozenset[str], now: datetime) -> dict[str, Any] | None:
    """A run that the task is remembered by; its page is there for as long as the history is kept."""
    if run is None:
        return None
    return {
        "url": run_url(run.task_id) if run.task_id else "",
        "short": short_id(run.task_id) if run.task_id else "",
        "whole": visible(run.task_id),
        "at": maybe(run.at, now),
        "worker": visible(run.worker or ""),
        "worker_url": worker_url(run.worker) if run.worker else "",
        "runtime": duration(run.runtime) if run.runtime is not None else "",
        "error": secret_free(run.error, may),
        "lock": visible(run.lock or ""),
        "lock_id": run.lock_id,
    }
