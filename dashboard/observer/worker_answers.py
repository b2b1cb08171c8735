"""What a worker answered, taken into what is known of its process. No I/O, no clock."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from dashboard.observer.observations import WorkersAnswered
from dashboard.records import Worker
from dashboard.sources.foreign import as_dict

MAX_TIMEOUT_S = 10**10  # some set it to for ever
MAX_UPTIME_S = 10**8
DRIFTED = timedelta(seconds=2)  # two machines' clocks, between two answers
OWN_AFTER, SURE_AFTER = 2, 4  # calls that it alone answers, until its answers are its own and until it is the only one: some may be lost
ROUNDED = timedelta(seconds=0.5)  # an uptime is told in whole seconds
WITH_OPTIONS = re.compile(r" \[(?=(?:exchange|routing_key|rate_limit)=)")  # how `registered` tells a task that has any (celery.worker.control)


def with_answer(worker: Worker, answer: WorkersAnswered, said: Any) -> Worker:
    """`said` is its answer to that question; one that is none changes nothing but that it answered."""
    told = replace(worker, answered_at=answer.at, asked_at=answer.asked_at)
    if answer.command == "active" and isinstance(said, list):
        return replace(told, active=tuple(str(entry.get("id")) for entry in said if isinstance(entry, dict)), active_at=answer.asked_at)
    if answer.command == "active_queues" and isinstance(said, list):
        return replace(told, queues=tuple(str(entry.get("name")) for entry in said if isinstance(entry, dict)))
    if answer.command == "reserved":
        return replace(told, reserved=said if isinstance(said, int) else None)
    if answer.command == "scheduled":
        return replace(told, scheduled=said if isinstance(said, int) else None)
    if answer.command == "registered" and isinstance(said, list):
        return replace(told, tasks=tuple(WITH_OPTIONS.split(str(name), maxsplit=1)[0] for name in said))
    if answer.command == "stats" and isinstance(said, dict):
        return _with_start(_with_pool(told, said, answer.asked_at), said, answer)
    return told


def _with_pool(worker: Worker, stats: Mapping[str, Any], at: datetime) -> Worker:
    """`at`: when it was asked, for a child may have come between its answer and our noting it."""
    pool = as_dict(stats.get("pool"))
    processes = pool.get("processes")
    timeout = as_dict(as_dict(stats.get("broker")).get("transport_options")).get("visibility_timeout")
    return replace(
        worker,
        pool=str(pool.get("implementation", "")).partition(".concurrency.")[2].partition(":")[0] or None,
        processes=tuple(pid for pid in processes if isinstance(pid, int)) if isinstance(processes, list) else None,
        concurrency=pool.get("max-concurrency") if isinstance(pool.get("max-concurrency"), int) else None,
        visibility_timeout=timedelta(seconds=timeout) if isinstance(timeout, (int, float)) and 0 < timeout < MAX_TIMEOUT_S else None,
        pool_read_at=at,
    )


def _with_start(worker: Worker, stats: Mapping[str, Any], answer: WorkersAnswered) -> Worker:
    """When it began, as closely as all its answers say together; one that contradicts them is another process's, which has its pid."""
    uptime = stats.get("uptime")
    if not isinstance(uptime, (int, float)) or not 0 <= uptime < MAX_UPTIME_S:
        return replace(worker, started_at=None, started_after=None)
    span = timedelta(seconds=uptime)
    first, last = answer.asked_at - span - ROUNDED, answer.at - span + ROUNDED
    if worker.started_at is None or worker.started_after is None or not worker.clock_steps:
        return _began(worker, first, last, min(worker.clock_steps, default=timedelta(0)))  # the later it began, the fewer locks are its own
    for step in worker.clock_steps:
        if first - step > worker.started_at + DRIFTED or last - step < worker.started_after - DRIFTED:
            continue
        if first - step > worker.started_at or last - step < worker.started_after:
            return _began(worker, first, last, step)
        return replace(worker, started_at=min(last - step, worker.started_at), started_after=max(first - step, worker.started_after), clock_steps=(step,))
    anew = _began(worker, first, last, timedelta(0))  # nobody said that it came: another has its name and its pid
    return beside_another(anew, answer.at)


def beside_another(worker: Worker, at: datetime) -> Worker:
    """Two were heard then under its name: no answer is known to be its own until it alone answers for a while."""
    return replace(worker, shared_at=at, alone_calls=0, alone_since=None, spoke_alone_at=None)


def answered_alone(worker: Worker, since: datetime) -> Worker:
    """It answered a call to everybody, and nobody else under its name did."""
    calls = worker.alone_calls + 1
    return replace(
        worker,
        alone_calls=calls,
        alone_since=worker.alone_since or (since if calls >= SURE_AFTER else None),
        spoke_alone_at=worker.active_at if calls >= OWN_AFTER else worker.spoke_alone_at,
    )


def _began(worker: Worker, first: datetime, last: datetime, step: timedelta) -> Worker:
    """It began between these two; `step`: by how much our clock is ahead of the one that this is told by."""
    return replace(worker, started_at=last - step, started_after=first - step, clock_steps=(step,))
