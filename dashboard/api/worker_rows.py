"""Workers as programs get them, from the API and from `--json`; the names of the fields are a contract."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from dashboard.api.rows import as_known, rfc3339, shown_name, shown_names
from dashboard.judge.workers import JudgedWorker
from dashboard.records import Snapshot, Worker
from dashboard.words import sentences


def worker_row(judged: JudgedWorker, now: datetime) -> dict[str, Any]:
    """One worker by its name; what it has not told is null, never 0."""
    worker = judged.worker
    return {
        "id": judged.id,
        "name": shown_name(worker.name),
        "state": judged.state,
        "pid": worker.pid,
        "pool": worker.pool,
        "processes": None if worker.processes is None else list(worker.processes),
        "concurrency": worker.concurrency,
        "busy": judged.busy,
        "active": shown_names(one.run.task_id for one in judged.runs if one.run.started_at is not None),
        "reserved": worker.reserved,
        "scheduled": worker.scheduled,
        "processed": worker.processed,
        "load": None if worker.load is None else list(worker.load),
        "software": worker.software,
        "queues": None if worker.queues is None else shown_names(worker.queues),
        "tasks": None if worker.tasks is None else shown_names(sorted(worker.tasks)),
        "locks": [{"id": lock.lock.id, "name": lock.lock.name} for lock in judged.locks],
        "answers": worker.answers,
        "sends_events": worker.sends_events,
        "clock_skew_ms": None if worker.clock_skew is None else worker.clock_skew // timedelta(milliseconds=1),
        "first_heard_at": rfc3339(worker.first_heard_at),
        "last_heard_at": rfc3339(worker.last_heard_at),
        "said_offline_at": rfc3339(worker.said_offline_at),
        "connection_gone_at": rfc3339(worker.connection_gone_at),
        "evidence": sentences(judged.evidence, now),
        "evidence_codes": [fact.code for fact in judged.evidence],
        "warnings": sentences(judged.warnings, now),
        "warning_codes": [fact.code for fact in judged.warnings],
        "before": [_process(one) for one in judged.before],
    }


def _process(worker: Worker) -> dict[str, Any]:
    return {"pid": worker.pid, "first_heard_at": rfc3339(worker.first_heard_at), "last_heard_at": rfc3339(worker.last_heard_at)}


def workers_answer(snapshot: Snapshot, rows: Sequence[dict[str, Any]], now: datetime) -> dict[str, Any]:
    """Rows with the time they are from, and what could not be looked at."""
    return {"workers": list(rows), **as_known(snapshot, now)}


def worker_sources_away(names: Iterable[str]) -> list[str]:
    """Of those sources, the ones that workers are heard by: without them the list is not whole."""
    return [name for name in names if name in {"observer", "workers", "lockhouse"}]
