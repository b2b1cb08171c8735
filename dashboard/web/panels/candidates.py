"""The runs that may hold a plain lock, as its page lists them."""

from collections.abc import Mapping

from dashboard.records import Holder
from dashboard.web.links import run_url, task_url, worker_url
from dashboard.words import duration, short_id, visible


def candidates(holder: Holder) -> list[Mapping[str, str]]:
    """The nearest first; none where there is no choice."""
    runs = holder.candidate_runs if len(holder.candidate_runs) > 1 else ()
    return [
        {
            "run": short_id(run.task_id),
            "run_url": run_url(run.task_id),
            "task": visible(run.task_name or ""),
            "task_url": task_url(run.task_name) if run.task_name else "",
            "worker": visible(run.worker or ""),
            "worker_url": worker_url(run.worker) if run.worker else "",
            "distance": duration(run.distance),
        }
        for run in runs
    ]
