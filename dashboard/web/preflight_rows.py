"""The answer to "will this run?" as pages show it: the verdict, and a line for each check."""

from datetime import datetime
from typing import Any

from django.urls import reverse

from dashboard.judge.preflight import Preflight
from dashboard.records import Check
from dashboard.words import sentence, visible
from dashboard.words.preflight import STATES, SUBJECTS, verdict_word

TONES = {"ok": "held", "warning": "expiring", "fails": "orphaned", "unknown": "unknown"}
VERDICT_TONES = {"will-run": "held", "may-not-run": "expiring", "will-not-run": "orphaned", "unknown": "unknown"}
TAKES = {"name": "task", "queue": "queue", "readers": "queue"}  # the field that a suggestion is for


def verdict_of(preflight: Preflight, now: datetime) -> dict[str, Any]:
    """What `panels/send_check.html` shows."""
    return {
        "verdict": preflight.verdict,
        "word": verdict_word(preflight.verdict, count=preflight.sending.count, shares_lock=preflight.shares_lock),
        "tone": VERDICT_TONES[preflight.verdict],
        "rows": [_row(check, now) for check in preflight.checks],
    }


def sent_facts(act: Any) -> dict[str, Any]:
    """What the record of a sending keeps: where to, how many, and what was known before."""
    before = act.before
    verdict, count = str(before.get("verdict", "")), int(before.get("count", 1))
    return {
        "queue": visible(str(before.get("queue", ""))),
        "count": count,
        "arguments": before.get("arguments", 0),
        "verdict": verdict_word(verdict, count=count, shares_lock=bool(before.get("shares_lock"))),
        "tone": VERDICT_TONES.get(verdict, "unknown"),
        "is_anyway": bool(before.get("failing")),
        "trace_url": reverse("lockhouse:trace", args=[act.pk]),
    }


def _row(check: Check, now: datetime) -> dict[str, str]:
    return {
        "state": check.state,
        "tone": TONES[check.state],
        "state_word": str(STATES[check.state]),
        "subject": str(SUBJECTS[check.subject]),
        "text": sentence(check.evidence, now),
        "take": TAKES.get(check.subject, "") if check.suggestion else "",
        "suggestion": check.suggestion,
        "suggestion_shown": visible(check.suggestion),
        "lock_url": reverse("lockhouse:lock", args=[check.lock_id]) if check.lock_id else "",
    }
