"""What a lock looks like to programs, where a field needs a word of its own; the rest is named as in the words of the pages."""

from typing import Any

NULLABLE_MS = {"type": ["integer", "null"]}
NULLABLE_TEXT = {"type": ["string", "null"]}
FACT = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "description": "What kind of fact it is; the same as in `evidence_codes`."},
        "values": {"type": "object", "description": "What the sentence is made of: spans end in `_ms`, secrets are hidden, a token is never among them."},
        "at": {"type": ["string", "null"], "format": "date-time", "description": "When that was so; null: always, or not known."},
        "age_ms": {**NULLABLE_MS, "description": "How long before now that was."},
    },
}
CANDIDATE = {
    "type": "object",
    "properties": {
        "task_id": {"type": "string"},
        "task_name": NULLABLE_TEXT,
        "worker": NULLABLE_TEXT,
        "distance_ms": {"type": "integer", "description": "From its start to the attempt."},
    },
}
HOLDER = {
    "type": "object",
    "properties": {
        "certainty": {"enum": ["exact", "likely", "unknown"]},
        "task_id": NULLABLE_TEXT,
        "task_name": NULLABLE_TEXT,
        "worker": NULLABLE_TEXT,
        "pid": {"type": ["integer", "null"]},
        "host": NULLABLE_TEXT,
        "candidates": {
            "type": ["integer", "null"],
            "description": "How many runs may have taken a plain lock; where the settings name the task that takes it, only runs of that one.",
        },
        "distance_ms": {**NULLABLE_MS, "description": "From the start of a likely holder's run to the attempt."},
        "candidate_runs": {"type": "array", "items": CANDIDATE, "description": "Of the candidates the ten nearest to the attempt, the nearest first."},
    },
}
LOCK: dict[str, Any] = {
    "type": "object",
    "properties": {
        "expires_at": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When it expires, or did under its run; null: never. What `extend` takes as `expected_deadline`.",
        },
        "evidence": {"type": "array", "items": {"type": "string"}, "description": "The facts in sentences, in the caller's language."},
        "evidence_codes": {"type": "array", "items": {"type": "string"}, "description": "What kind of fact each of them is."},
        "evidence_facts": {"type": "array", "items": FACT, "description": "The same facts for programs, in the same order."},
        "holder": HOLDER,
        "counted_since": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "Since when every refused and lost attempt is counted: what came before is not in `refused_last_hour` and `lost_last_hour`.",
        },
    },
}
