"""Schedules as programs get them, from the API and from `--json`; the names of the fields are a contract."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from dashboard.api.rows import as_known, rfc3339, shown_name
from dashboard.judge.schedules import JudgedSchedule, silent_beats
from dashboard.records import Snapshot
from dashboard.redaction import hide_secrets
from dashboard.words import sentence, sentences
from dashboard.words.schedules import schedule_words


def schedule_row(judged: JudgedSchedule, now: datetime, *, payloads: bool, unredacted: bool) -> dict[str, Any]:
    """One schedule; `args` and `kwargs` are null for who may not see them, else text: JSON where `can_be_sent`."""
    entry = judged.schedule
    show = _whole if unredacted else hide_secrets
    return {
        "id": entry.id,
        "name": shown_name(entry.name),
        "source": entry.source,
        "task": shown_name(entry.task),
        "args": show(entry.args) if payloads else None,
        "kwargs": show(entry.kwargs) if payloads else None,
        "can_be_sent": entry.can_be_sent,
        "queue": shown_name(entry.queue),
        "schedule": schedule_words(entry),
        "interval_ms": entry.interval // timedelta(milliseconds=1) if entry.interval is not None else None,
        "is_enabled": entry.is_enabled,
        "is_one_off": entry.is_one_off,
        "starts_at": rfc3339(entry.starts_at),
        "ends_at": rfc3339(entry.ends_at),
        "state": judged.state,
        "why": sentence(judged.why, now),
        "warnings": sentences(judged.warnings, now),
        "warning_codes": [fact.code for fact in judged.warnings],
        "last_sent_at": rfc3339(entry.last_sent_at),
        "last_is_from": entry.last_is_from or None,
        "last_task_id": shown_name(entry.last_task_id),
        "next_at": rfc3339(entry.next_at),
        "missed": entry.missed,
        "origin": shown_name(entry.origin),
        "senders": [{"origin": shown_name(sender.origin), "count": sender.count, "last_at": rfc3339(sender.last_at)} for sender in entry.senders],
        "seen_count": entry.seen_count,
        "seen_since": rfc3339(entry.seen_since),
    }


def schedules_answer(snapshot: Snapshot, judged: Sequence[JudgedSchedule], rows: Sequence[dict[str, Any]], now: datetime) -> dict[str, Any]:
    """Rows with the time they are from, the beats of all that are silent, and what could not be looked at."""
    silent = [{"name": shown_name(beat.name), "last_sent_at": rfc3339(beat.last_at), "overdue": len(beat.overdue)} for beat in silent_beats(judged)]
    return {"schedules": list(rows), "silent_beats": silent, **as_known(snapshot, now)}


def schedule_sources_away(names: Iterable[str]) -> list[str]:
    """Of those sources, the ones that schedules are read from: without them the list is not whole."""
    return [name for name in names if name in {"observer", "lockhouse", "events", "beat_schedule", "django-celery-beat"}]


def _whole(text: str) -> str:
    return text
