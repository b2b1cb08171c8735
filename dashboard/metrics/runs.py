"""Counters of what runs did, from the totals that the observer keeps; absent while events are not received, for then they would stand still."""

from collections.abc import Iterator
from typing import Any

from prometheus_client.core import Metric

from dashboard.metrics.family import Row, counter, histogram
from dashboard.records import TaskCount
from dashboard.records.counts import RUNTIME_BOUNDS, WAIT_BOUNDS
from dashboard.web.look import Look

LABELS = ("name", "hostname", "queue_name")
FAILED_LABELS = ("name", "hostname", "exception", "queue_name")
EVENTS = {  # as celery-exporter calls them; by the worker's events
    "received": "Messages that workers received.",
    "started": "Runs that began.",
    "succeeded": "Runs that ended well.",
    "retried": "Runs that failed and are to be tried again.",
    "revoked": "Runs that were revoked, and messages that had expired.",
    "rejected": "Messages that workers rejected.",
}


def runs(seen: Look) -> Iterator[Metric]:
    """Counters and spreads of durations by task, host and queue; a label that is not known is empty."""
    if seen.away("events"):
        return
    counts = seen.snapshot.counts
    of_workers = [task for task in counts.tasks if any(kind != "task-sent" for kind in task.events)]
    sent: list[Row] = [(_labels(task), task.events.get("task-sent")) for task in counts.tasks]
    yield counter("celery_task_sent", "Messages that were sent, as the events of their senders tell (task_send_sent_event).", LABELS, sent)
    for kind, meaning in EVENTS.items():
        yield counter(f"celery_task_{kind}", meaning, LABELS, [(_labels(task), task.events.get(f"task-{kind}", 0)) for task in of_workers])
    yield counter("celery_task_failed", "Runs that failed, by the class of the exception.", FAILED_LABELS, _failed(of_workers))
    runtimes = [(_labels(task), task.runtimes) for task in of_workers]
    waits = [(_labels(task), task.waits) for task in of_workers]
    yield histogram("celery_task_runtime", "Seconds that runs took that ended well.", LABELS, RUNTIME_BOUNDS, runtimes)
    yield histogram("celery_task_queue_wait_time", "Seconds from sending, or from the eta, to the start.", LABELS, WAIT_BOUNDS, waits)
    yield counter("lockhouse_locks_refused", "Attempts that locks turned away.", ("cache",), [((cache,), n) for cache, n in counts.refused.items()])
    uncounted: list[Any] = [((), counts.uncounted if counts.since else None)]
    yield counter("lockhouse_task_events_uncounted", "Events of runs that are in no other counter, for there were too many to tell apart.", (), uncounted)


def _labels(task: TaskCount) -> tuple[str, str, str]:
    return task.name, task.host, task.queue


def _failed(tasks: list[TaskCount]) -> Iterator[Row]:
    """With a 0 beside them, so that the first failure is seen as a rise."""
    for task in tasks:
        for exception, count in {"": 0, **task.failures}.items():
            yield (task.name, task.host, exception, task.queue), count
