"""What the history tells of a task: how its runs ended within a day and how long they took, and the last one that really worked."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy

from dashboard.history.figures import Figures, figures_of, last_that_worked
from dashboard.history.lock_figures import LockMinute, gaps_since, minutes_of
from dashboard.history.problems import AWAY
from dashboard.history.rows import TASK, US, Gap
from dashboard.records import RememberedRun
from dashboard.web import sparks
from dashboard.words import duration

DAY_MINUTES, HOUR_MINUTES = 24 * 60, 60
LOCKS = {"acquired": gettext_lazy("acquired"), "refused": gettext_lazy("refused"), "lost": gettext_lazy("lost")}


def day_of(task: str, now: datetime) -> dict[str, Any] | None:
    """The figures of the last 24 hours; None where nothing was counted, or the history cannot be read."""
    try:
        found = figures_of(TASK, task, int(now.timestamp()) // 60 - DAY_MINUTES)
    except AWAY:
        return None
    return _said(found) if found else None


def locks_of(task: str, now: datetime) -> dict[str, Any] | None:
    """How often its runs acquired, were refused and lost a lock: within the last hour, its last whole minute, and as lines; None: not known, or nothing was."""
    this = int(now.timestamp()) // 60
    try:
        found, gaps = minutes_of(task, this - HOUR_MINUTES), gaps_since(this - HOUR_MINUTES)
    except AWAY:
        return None
    return {**_sums(found), "minute": _minute(found, gaps, this - 1), "lines": _lines(found, gaps, this)} if found else None


def _sums(found: Sequence[LockMinute]) -> dict[str, int]:
    return {name: sum(getattr(one, name) for one in found) for name in LOCKS}


def _minute(found: Sequence[LockMinute], gaps: Sequence[Gap], minute: int) -> list[tuple[str, str, int]]:
    """Name, word and count; none where not all of it is known."""
    if _is_missing(minute, gaps):
        return []
    return [(name, str(LOCKS[name]), count) for name, count in _sums([one for one in found if one.minute == minute]).items()]


def _lines(found: Sequence[LockMinute], gaps: Sequence[Gap], this: int) -> list[tuple[str, list[str]]]:
    """The last whole minutes, on one scale; what happened in a minute of which not all is known is shown, that nothing did is not. None of nothing at all."""
    minutes, by_minute = range(this - HOUR_MINUTES, this), {one.minute: one for one in found}
    top = max((getattr(one, name) for one in found for name in LOCKS), default=0)
    drawn = []
    for name in LOCKS:
        samples = [getattr(by_minute.get(minute), name, None if _is_missing(minute, gaps) else 0) for minute in minutes]
        drawn.append((name, sparks.lines(samples, top) if any(samples) else []))
    return drawn


def _is_missing(minute: int, gaps: Sequence[Gap]) -> bool:
    return any(gap.from_us < (minute + 1) * 60 * US and gap.to_us > minute * 60 * US for gap in gaps)


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
