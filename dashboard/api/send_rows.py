"""Sending as programs get it, from the API and from `--json`; the names of the fields are a contract."""

from datetime import datetime
from typing import Any

from dashboard.acts.delivery import task_ids
from dashboard.acts.ledger import Outcome
from dashboard.api.locks import outcome_row
from dashboard.judge.preflight import Preflight
from dashboard.words import sentence
from dashboard.words.preflight import verdict_word


def check_row(preflight: Preflight, now: datetime) -> dict[str, Any]:
    """The answer to "will this run?"."""
    return {
        "verdict": preflight.verdict,
        "message": verdict_word(preflight.verdict, count=preflight.sending.count, shares_lock=preflight.shares_lock),
        "checks": [
            {
                "subject": check.subject,
                "state": check.state,
                "code": check.evidence.code,
                "message": sentence(check.evidence, now),
                "suggestion": check.suggestion or None,
                "lock_id": check.lock_id or None,
                "decides": check.decides,
            }
            for check in preflight.checks
        ],
    }


def sent_row(outcome: Outcome) -> dict[str, Any]:
    """What came of it, with the ids of the messages: the first `values.sent` of them were sent."""
    row = outcome_row(outcome)
    row.pop("undo_until", None)
    return {**row, "task_ids": task_ids(outcome.act.pk, int(outcome.act.before.get("count", 1)))}
