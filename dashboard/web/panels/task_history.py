"""What the history tells of a task: how its runs ended within a day and how long they took, and the last one that really worked."""

from datetime import datetime, timedelta
from typing import Any

from dashboard.history.figures import Figures, figures_of, last_that_worked
from dashboard.history.lock_figures import minutes_of
from dashboard.history.problems import AWAY
from dashboard.history.rows import TASK
from dashboard.records import RememberedRun
from dashboard.words import duration

DAY_MINUTES, HOUR_MINUTES = 24 * 60, 60


def day_of(task: str, now: datetime) -> dict[str, Any] | None:
    """The figures of the last 24 hours; None where nothing was counted, or the history cannot be read."""
    try:
        found = figures_of(TASK, task, int(now.timestamp()) // 60 - DAY_MINUTES)
    except AWAY:
        return None
    return _said(found) if found else None


def locks_of(task: str, now: datetime) -> dict[str, int] | None:
    """How often its runs acquired, were refused and lost a lock within the last hour; None where that is not known, or nothing was."""
    try:
        found = minutes_of(task, int(now.timestamp()) // 60 - HOUR_MINUTES)
    except AWAY:
        return None
    return {name: sum(getattr(one, name) for one in found) for name in ("acquired", "refused", "lost")} if found else None


def worked(task: str) -> RememberedRun | None:
    """The last run that really worked, as the observer would remember it."""
    try:
        run = last_that_worked(task)
    except AWAY:
        return None
    at = run and (run.ended_at or run.heard_at)
    return RememberedRun(task_id=run.task_id, at=at, worker=run.worker, runtime=run.runtime) if run and at else None


def _said(found: Figures) -> dict[str, Any]:
    runtimes = [("p50", found.p50_us), ("p95", found.p95_us), ("p99", found.p99_us)]
    return {
        "succeeded": found.succeeded,
        "failed": found.failed,
        "refused": found.refused,
        "runtimes": [(name, duration(timedelta(microseconds=us))) for name, us in runtimes if us is not None],
    }
