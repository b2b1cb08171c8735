"""Runs as programs get them, from the API and from `--json`; the names of the fields are a contract."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from dashboard.api.rows import as_known, note_of, rfc3339, shown_name
from dashboard.judge.runs import JudgedRun, tie_of
from dashboard.records import Snapshot
from dashboard.redaction import hide_secrets
from dashboard.words import sentences
from dashboard.words.filters import cut_words
from dashboard.words.run_filter import not_found

MILLISECOND = timedelta(milliseconds=1)


def run_row(judged: JudgedRun, now: datetime, *, payloads: bool, unredacted: bool = False) -> dict[str, Any]:
    """One execution; what it was given and what it returned is null without `payloads`, and free of secrets unless `unredacted`."""
    run = judged.run

    def said(text: str | None) -> str | None:
        return text if text is None or unredacted else hide_secrets(text)

    return {
        "id": judged.id,
        "run": judged.key,
        "task_id": shown_name(run.task_id),
        "task": shown_name(run.name),
        "state": judged.state,
        "retries": run.retries,
        "redelivered": run.redelivered,
        "worker": shown_name(run.worker),
        "pid": run.pid,
        "queue": shown_name(run.queue),
        "origin": shown_name(run.origin),
        "parent_id": shown_name(run.parent_id),
        "root_id": shown_name(run.root_id),
        "sent_at": rfc3339(run.sent_at),
        "eta_at": rfc3339(run.eta_at),
        "expires_at": rfc3339(run.expires_at),
        "received_at": rfc3339(judged.by_our_clock(run.received_at)),
        "started_at": rfc3339(judged.began_at),
        "ended_at": rfc3339(judged.ended_at),
        "runtime_ms": None if run.runtime is None else run.runtime // MILLISECOND,
        "args": said(run.args) if payloads else None,
        "kwargs": said(run.kwargs) if payloads else None,
        "result": said(run.result) if payloads else None,
        "error": said(run.error),
        "locks": [{"id": lock.lock.id, "name": lock.lock.name, "tie": tie_of(lock)} for lock in judged.locks],
        "refused_by": run.refused_by,
        "refused_lock_id": run.refused_lock_id,
        "evidence": sentences(judged.evidence, now),
        "evidence_codes": [fact.code for fact in judged.evidence],
        "clock_skew_ms": None if judged.skew is None else judged.skew // MILLISECOND,
        "seen_at": rfc3339(run.heard_at),
    }


def runs_answer(snapshot: Snapshot, rows: Sequence[dict[str, Any]], now: datetime, q: str = "") -> dict[str, Any]:
    """Rows with the time they are from, how many are known beside them, what could not be looked at, and what the filter does not find."""
    return {
        "runs": list(rows),
        "more": snapshot.more_runs,
        "note": note_of(cut_words(q), not_found(q, is_empty=not rows)),
        **as_known(snapshot, now),
    }


def run_sources_away(names: Iterable[str]) -> list[str]:
    """Of those sources, the ones that runs are told by: without them the list is not whole."""
    return [name for name in names if name in {"observer", "events", "workers", "lockhouse"}]
