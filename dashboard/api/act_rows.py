"""An act of an operator as programs read it."""

from typing import Any

from dashboard.acts import words
from dashboard.api.rows import rfc3339
from dashboard.words import visible


def act_row(done: Any) -> dict[str, Any]:
    """An act as it stands in the record: who did what to what, when, why, and what came of it; never a lock's token. Shape: models.OperatorAct."""
    return {
        "id": str(done.pk),
        "started_at": rfc3339(done.started_at),
        "finished_at": rfc3339(done.finished_at),
        "act": done.act,
        "target": visible(done.target_name),
        "target_id": done.target_id,
        "cache": done.cache,
        "user": visible(done.username),
        "origin": done.origin,
        "reason": visible(done.reason),
        "state": done.state,
        "code": done.code,
        "answer": words.answer(done.code, done.values),
        "undo_of": str(done.undo_of_id) if done.undo_of_id else None,
    }
