"""The overview as programs get it, from the API and from `--json`; the names of the fields are a contract."""

from datetime import timedelta
from typing import Any

from dashboard.api.rows import as_known, rfc3339, shown_name
from dashboard.records import Concern, EventGap, Observer
from dashboard.web.look import Look
from dashboard.web.navigation import ENTRIES, no_locks
from dashboard.web.panels.attention import concern_id, concern_says, concern_url
from dashboard.words import sentences, verdict


def overview_answer(seen: Look) -> dict[str, Any]:
    """What needs attention, the most urgent first, with the counts of every page, and what the observer says of itself; unknown is null.

    `no_locks`: how many keys under a lock's name are none; those are not among the locks that are counted.
    """
    return {
        "overview": [concern_row(concern, seen) for concern in seen.concerns],
        "counts": {entry.name: entry.count(seen) for entry in ENTRIES if entry.count},
        "no_locks": len(no_locks(seen)) if seen.are_locks_known else None,
        "attention": {entry.name: entry.attention(seen) for entry in ENTRIES if entry.attention},
        "events": _events(seen.snapshot.observer),
        "observer": _observer(seen.snapshot.observer),
        **as_known(seen.snapshot, seen.now),
    }


def concern_row(concern: Concern, seen: Look) -> dict[str, Any]:
    """One cause with everything that it explains; `url` is the path of the page that shows it, null where there is none."""
    return {
        "id": concern_id(concern),
        "kind": concern.kind,
        "word": verdict(concern.kind),
        "subject": shown_name(concern.subject),
        "says": concern_says(concern),
        "evidence": sentences(concern.evidence, seen.now),
        "evidence_codes": [fact.code for fact in concern.evidence],
        "locks": [one.lock.id for one in concern.locks],
        "queues": [queue.id for queue in concern.queues],
        "url": concern_url(concern) or None,
    }


def _events(said: Observer | None) -> dict[str, Any]:
    lag = said.events_lag if said else None
    return {
        "received": said.events_received if said else None,
        "dropped": said.events_dropped if said else None,
        "dropped_by_type": dict(said.dropped_by_type) if said else None,
        "gaps": [_gap(gap) for gap in said.event_gaps] if said else None,
        "per_s": said.events_per_s if said else None,
        "lag_ms": None if lag is None else lag // timedelta(milliseconds=1),
    }


def _gap(gap: EventGap) -> dict[str, Any]:
    return {"from": rfc3339(gap.from_at), "to": rfc3339(gap.to_at), "cut_by_server": gap.was_cut, "runs_at_least": gap.runs_at_least}


def _observer(said: Observer | None) -> dict[str, Any]:
    return {
        "leader": said.leader if said else None,
        "since": rfc3339(said.since) if said else None,
        "rss_bytes": said.rss_bytes if said else None,
        "standbys": list(said.standbys) if said else [],
    }
