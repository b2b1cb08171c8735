"""Queues as programs get them, from the API and from `--json`; the names of the fields are a contract."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from dashboard.api.rows import as_known, shown_name, shown_names
from dashboard.records import JudgedQueue, Snapshot
from dashboard.words import sentence, sentences


def queue_row(judged: JudgedQueue, now: datetime) -> dict[str, Any]:
    """One queue; what is not known is null, never 0."""
    queue = judged.queue
    return {
        "id": queue.id,
        "name": shown_name(queue.name),
        "ready": queue.ready if queue.wrong_type is None else None,
        "ready_by_priority": dict(queue.ready_by_priority),
        "unacked": queue.unacked,
        "eta": queue.eta,
        "consumers": None if queue.consumers is None else shown_names(queue.consumers),
        "oldest_age_ms": None if queue.oldest_at is None else max(0, (now - queue.oldest_at) // timedelta(milliseconds=1)),
        "oldest_age_is_minimum": queue.oldest_is_minimum,
        "in_per_s": queue.in_per_s,
        "out_per_s": queue.out_per_s,
        "drains_in_ms": None if judged.drains_in is None else judged.drains_in // timedelta(milliseconds=1),
        "why": sentence(judged.why, now),
        "why_code": judged.why.code,
        "warnings": sentences(judged.warnings, now),
        "warning_codes": [fact.code for fact in judged.warnings],
    }


def queues_answer(snapshot: Snapshot, rows: Sequence[dict[str, Any]], now: datetime) -> dict[str, Any]:
    """Rows with the time they are from, and what could not be looked at."""
    return {"queues": list(rows), **as_known(snapshot, now)}


def queue_sources_away(names: Iterable[str]) -> list[str]:
    """Of those sources, the ones that queues are read from: without them the list is not whole."""
    return [name for name in names if name in {"observer", "broker", "lockhouse"}]
