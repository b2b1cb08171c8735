"""Rows as programs get them, from the API and from `--json`: times in RFC 3339 UTC, durations as `_ms`, unknown as null."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.judge.facts import STALE_AFTER
from dashboard.records import Candidate, Evidence, Holder, JudgedLock, Snapshot, Word
from dashboard.redaction import hide_in_name, hide_secrets
from dashboard.words import sentences
from dashboard.words.filters import cut_words
from dashboard.words.lock_filter import not_found_locks

TIMES_OF_A_FACT = ("at", "seen_at", "answered_at", "asked_at", "last_heard_at", "since")  # the first of these that a fact has says when it was so
FREE_TEXTS = {"text", "reason", "error"}  # anything may stand in them; all else is a name


def lock_row(judged: JudgedLock, now: datetime) -> dict[str, Any]:
    """One lock; its token is never in it."""
    lock = judged.lock
    return {
        "id": lock.id,
        "cache": lock.cache,
        "key": lock.key,
        "name": lock.name,
        "dialect": lock.dialect,
        "token_digest": lock.token_digest,
        "ttl_ms": _ttl_ms(judged, now),
        "acquired_at": rfc3339(lock.acquired_at),
        "verdict": judged.verdict,
        "flags": list(judged.flags),
        "evidence": sentences(judged.evidence, now),
        "evidence_codes": [fact.code for fact in judged.evidence],
        "evidence_facts": [fact_row(fact, now) for fact in judged.evidence],
        "holder": _holder_row(judged.holder),
        "refused_last_hour": judged.refused_last_hour,
        "waiting": judged.waiting,
        "lost_last_hour": judged.lost_last_hour,
        "counted_since": rfc3339(judged.counted_since),
        "blocks": judged.blocks or None,
        "label": judged.label or None,
        "model": judged.model or None,
        "object_id": judged.object_id or None,
        "taken_by": lock.taken_by,
        "no_release": judged.no_release or None,
        "timeout_ms": _ms(lock.timeout),
        "expires_at": rfc3339(lock.expires_at),
        "lapsed_at": rfc3339(lock.lapsed_at),
        "seen_at": rfc3339(lock.seen_at),
    }


def fact_row(fact: Evidence, now: datetime) -> dict[str, Any]:
    """One fact with its values, and with the time at which it was so; a secret in it is hidden."""
    at = next((value for name in TIMES_OF_A_FACT if isinstance(value := fact.values.get(name), datetime)), None)
    return {"code": fact.code, "values": dict(map(_value, fact.values.items())), "at": rfc3339(at), "age_ms": _ms(now - at) if at else None}


def _value(named: tuple[str, Word]) -> tuple[str, Any]:
    name, value = named
    if isinstance(value, datetime):
        return name, rfc3339(value)
    if isinstance(value, timedelta):
        return f"{name}_ms", _ms(value)
    if isinstance(value, list):
        return name, shown_names(value)
    if isinstance(value, str):
        return name, hide_secrets(value) if name in FREE_TEXTS else hide_in_name(value)
    return name, value


def shown_name(name: str | None) -> str | None:
    """What a token, a message or an event names, as anybody may see it; whoever compares it has what was told."""
    return None if name is None else hide_in_name(name)


def shown_names(names: Iterable[str]) -> list[str]:
    """The same of several."""
    return [hide_in_name(name) for name in names]


def _holder_row(holder: Holder) -> dict[str, Any]:
    return {
        "certainty": holder.certainty,
        "task_id": shown_name(holder.task_id),
        "task_name": shown_name(holder.task_name),
        "worker": shown_name(holder.worker),
        "pid": holder.pid,
        "host": shown_name(holder.host),
        "candidates": holder.candidates,
        "distance_ms": _ms(holder.distance),
        "candidate_runs": [_candidate_row(run) for run in holder.candidate_runs],
    }


def _candidate_row(run: Candidate) -> dict[str, Any]:
    named = {"task_id": run.task_id, "task_name": run.task_name, "worker": run.worker}
    return {**{part: shown_name(name) for part, name in named.items()}, "distance_ms": _ms(run.distance)}


def _ttl_ms(judged: JudgedLock, now: datetime) -> int | None:
    """What is left; None: never expires; 0 for one that has expired under its holder."""
    lock = judged.lock
    if lock.lapsed_at is not None:
        return 0
    return None if lock.expires_at is None else max(0, _ms(lock.expires_at - now) or 0)


def locks_answer(snapshot: Snapshot, rows: Sequence[dict[str, Any]], now: datetime, q: str = "") -> dict[str, Any]:
    """Rows with the time they are from, what could not be looked at, or not yet, and what of the filter was not looked for as it was meant."""
    note = note_of(cut_words(q), not_found_locks(q, is_empty=not rows))
    return {"locks": list(rows), "note": note, **as_known(snapshot, now), "searched": searched(snapshot)}


def note_of(*said: str) -> str | None:
    """These sentences as one text; None where there is nothing to say."""
    return " ".join(filter(None, said)) or None


def as_known(snapshot: Snapshot, now: datetime) -> dict[str, Any]:
    """When this was known, what could not be looked at, and of what else not everything is seen, each with its fix."""
    return {"as_of": rfc3339(snapshot.at), "unavailable": unavailable(snapshot, now), "notes": notes_of(snapshot)}


def notes_of(snapshot: Snapshot) -> dict[str, list[str]]:
    """Of which sources not everything is seen, and what of each."""
    return {source.name: list(source.notes) for source in snapshot.sources if source.ok and source.notes}


def searched(snapshot: Snapshot) -> dict[str, dict[str, int | None]]:
    """The caches that are still looked through: what was not found there may be held."""
    return {source.name: {"looked_at": source.search.looked_at, "of": source.search.of} for source in snapshot.sources if source.ok and source.search}


def unavailable(snapshot: Snapshot, now: datetime) -> dict[str, str]:
    """What does not answer, and why; an observer that is silent makes everything old."""
    found = {source.name: source.reason or "does not answer" for source in snapshot.sources if not source.ok}
    if snapshot.at is None:
        return {**found, "observer": "none has ever run: start `manage.py observe`"}
    if is_stale(snapshot, now):
        return {**found, "observer": f"silent since {rfc3339(snapshot.at)}"}
    return found


def is_stale(snapshot: Snapshot, now: datetime) -> bool:
    """Whether no observer keeps it fresh."""
    return snapshot.at is None or now - snapshot.at > STALE_AFTER


def lock_sources_away(names: Iterable[str]) -> list[str]:
    """Of those sources, the ones that locks are read from: without them the list is not whole."""
    return [name for name in names if name in {"observer", "broker", "lockhouse"} or name.startswith("cache ")]


def rfc3339(at: datetime | None) -> str | None:
    """The instant in UTC with milliseconds and Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def _ms(span: timedelta | None) -> int | None:
    return None if span is None else span // timedelta(milliseconds=1)
