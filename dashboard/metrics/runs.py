"""Counters of what runs did, from the totals that the observer keeps; absent while events are not received, for then they would stand still."""

from collections.abc import Iterator, Sequence

from dashboard.metrics.family import Family, Row, counter, histogram, labels
from dashboard.records import TaskCount
from dashboard.records.counts import RUNTIME_BOUNDS, WAIT_BOUNDS
from dashboard.web.look import Look

EVENTS = {  # as celery-exporter calls them; by the worker's events
    "received": "Messages that workers received.",
    "started": "Runs that began.",
    "succeeded": "Runs that ended well.",
    "retried": "Runs that failed and are to be tried again.",
    "revoked": "Runs that were revoked, and messages that had expired.",
    "rejected": "Messages that workers rejected.",
}


def runs(seen: Look) -> Iterator[Family]:
    """Counters and spreads of durations by task, host and queue; a label that is not known is empty."""
    if seen.away("events"):
        return
    counts = seen.snapshot.counts
    series = [(labels(hostname=task.host, name=task.name, queue_name=task.queue), task) for task in counts.tasks]
    of_workers = [(of, task) for of, task in series if any(kind != "task-sent" for kind in task.events)]
    sent: list[Row] = [(of, task.events.get("task-sent")) for of, task in series]
    yield counter("celery_task_sent", "Messages that were sent, as the events of their senders tell (task_send_sent_event).", sent)
    for kind, meaning in EVENTS.items():
        yield counter(f"celery_task_{kind}", meaning, [(of, task.events.get(f"task-{kind}", 0)) for of, task in of_workers])
    yield counter("celery_task_failed", "Runs that failed, by the class of the exception.", _failed(of_workers))
    runtimes, waits = [(of, task.runtimes) for of, task in of_workers], [(of, task.waits) for of, task in of_workers]
    yield histogram("celery_task_runtime", "Seconds that runs took that ended well.", RUNTIME_BOUNDS, runtimes)
    yield histogram("celery_task_queue_wait_time", "Seconds from sending, or from the eta, to the start.", WAIT_BOUNDS, waits)
    yield counter("lockhouse_locks_refused", "Attempts that locks turned away.", [(labels(cache=cache), n) for cache, n in counts.refused.items()])
    uncounted: list[Row] = [("", counts.uncounted if counts.since else None)]
    yield counter("lockhouse_task_events_uncounted", "Events of runs that are in no other counter, for there were too many to tell apart.", uncounted)


def _failed(tasks: Sequence[tuple[str, TaskCount]]) -> Iterator[Row]:
    """With a 0 beside them, so that the first failure is seen as a rise."""
    for of, task in tasks:
        for exception, count in {"": 0, **task.failures}.items():
            yield f"{labels(exception=exception)},{of}", count
