"""Tasks as programs get them, from the API and from `--json`; the names of the fields are a contract."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from dashboard.api.rows import as_known, rfc3339, shown_name, shown_names
from dashboard.judge.task_filter import prefix_of
from dashboard.judge.tasks import STATES, JudgedTask
from dashboard.records import RememberedRun, Snapshot
from dashboard.records.identity import identity
from dashboard.words import sentences


def task_row(one: JudgedTask, now: datetime) -> dict[str, Any]:
    """One task; what is not known is null, never 0. Of a failure only its kind is told: its text may hold arguments."""
    task, hour = one.task, one.hour
    return {
        "id": identity(one.name),
        "name": shown_name(one.name),
        "prefix": prefix_of(one.name) or None,
        "states": [state for state in STATES if state in one.states],
        "known_from": list(one.known_from),
        "registered_on": shown_names(one.registered),
        "not_registered_on": shown_names(one.strangers),
        "not_told_by": shown_names(one.untold),
        "queues": shown_names(one.queues),
        "origins": shown_names(task.origins) if task else [],
        "schedules": [schedule.name for schedule in one.schedules],
        "locks": [{"id": lock.lock_id, "name": lock.name, "is_held": bool(lock.verdict), "by_itself": lock.by_itself} for lock in one.locks],
        "active": len(one.active),
        "per_minute": one.per_minute,
        "counted_since": rfc3339(task.counted_since) if task and hour else None,
        "missed_since": rfc3339(task.missed_since) if task and hour else None,
        "missed_until": rfc3339(task.missed_until) if task and hour else None,
        **{f"{kind}_last_hour": getattr(hour, kind) if hour else None for kind in KINDS},
        "median_runtime_ms": _ms(task.median_runtime) if task else None,
        "p95_runtime_ms": _ms(task.p95_runtime) if task else None,
        "last_worked": _remembered(task.worked if task else None),
        "last_failed": _remembered(task.failed if task else None),
        "last_refused": _remembered(task.refused if task else None),
        "first_seen_at": rfc3339(task.first_seen_at) if task else None,
        "last_sent_at": rfc3339(task.last_sent_at) if task else None,
        "nearest": shown_names(one.near),
        "warnings": sentences(one.warnings, now),
        "warning_codes": [fact.code for fact in one.warnings],
    }


_KIND = re.compile(r"[A-Za-z_][\w.]{0,199}(?=\s*[(:]|$)")  # a class; an exception with a repr of its own may say anything in it
KINDS = ("received", "succeeded", "failed", "refused", "retried", "revoked", "thrown_away")


def _remembered(run: RememberedRun | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {
        "task_id": shown_name(run.task_id),
        "at": rfc3339(run.at),
        "worker": shown_name(run.worker),
        "runtime_ms": _ms(run.runtime),
        "error": kind[0] if run.error and (kind := _KIND.match(run.error)) else None,
        "lock": run.lock,
        "lock_id": run.lock_id,
    }


def _ms(span: timedelta | None) -> int | None:
    return None if span is None else span // timedelta(milliseconds=1)


def tasks_answer(snapshot: Snapshot, rows: Sequence[dict[str, Any]], now: datetime) -> dict[str, Any]:
    """Rows with the time they are from, and what could not be looked at."""
    return {"tasks": list(rows), **as_known(snapshot, now)}


def task_sources_away(names: Iterable[str]) -> list[str]:
    """Of those sources, the ones that names are read from: without them the list is not whole."""
    return [name for name in names if name in {"observer", "broker", "workers", "app", "lockhouse"}]
