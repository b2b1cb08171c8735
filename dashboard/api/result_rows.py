"""Results as programs get them, from the API and from `--json`; the names of the fields are a contract."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from dashboard.api.rows import as_known, rfc3339, shown_name, shown_names
from dashboard.inert import Node, Preview, literal
from dashboard.judge.results import JudgedResult
from dashboard.records import Snapshot


def result_row(judged: JudgedResult, now: datetime) -> dict[str, Any]:
    """One result; `ttl_ms` is null for one that never expires and for one that is gone: `state` tells them apart."""
    result = judged.result
    return {
        "id": result.id,
        "cache": result.cache,
        "key": result.key,
        "name": result.name,
        "pattern": result.pattern,
        "state": judged.state,
        "ttl_ms": None if result.expires_at is None or not judged.is_there else max(0, (result.expires_at - now) // timedelta(milliseconds=1)),
        "expires_at": rfc3339(result.expires_at) if judged.is_there else None,
        "never_expires": judged.is_there and result.expires_at is None,
        "gone_at": rfc3339(result.gone_at) if result.first_seen_at is not None else None,
        "bytes": result.payload_bytes,
        "kind": result.kind,
        "first_seen_at": rfc3339(result.first_seen_at),
        "written_at": rfc3339(result.written_at),
        "task": shown_name(judged.task),
        "runs": shown_names(run.task_id for run in judged.runs),
        "is_stored": result.is_stored,
        "stored_state": result.state,
    }


def results_answer(snapshot: Snapshot, rows: Sequence[dict[str, Any]], now: datetime) -> dict[str, Any]:
    """Rows with the time they are from, how many there really are in each cache, and what could not be looked at."""
    counts = {count.cache: count.total for count in snapshot.result_counts}
    return {"results": list(rows), "counts": counts, **as_known(snapshot, now)}


def value_row(preview: Preview | None, kind: str, digest: str) -> dict[str, Any]:
    """What a value says; `tree` is null for another type than string."""
    if preview is None:
        return {"kind": kind, "digest": None, "format": None, "literal": None, "tree": None}
    return {
        "kind": kind,
        "digest": digest,
        "format": preview.format,
        "protocol": preview.protocol,
        "compressor": preview.compressor,
        "bytes": preview.total_bytes,
        "read_bytes": preview.read_bytes,
        "unpacked_bytes": preview.unpacked_bytes,
        "is_whole": preview.is_whole,
        "note": preview.note or None,
        "hidden": preview.hidden,
        "literal": literal(preview.root),
        "tree": _tree(preview.root),
    }


def _tree(node: Node) -> dict[str, Any]:
    return {
        "kind": node.kind,
        "text": node.text,
        **({"key": node.key} if node.key is not None else {}),
        **({"size": node.size} if node.size is not None else {}),
        **({"is_cut": True} if node.is_cut else {}),
        **({"children": [_tree(child) for child in node.children]} if node.children else {}),
    }


def result_sources_away(names: Iterable[str]) -> list[str]:
    """Of those sources, the ones that results are read from: without them the list is not whole."""
    return [name for name in names if name in {"observer", "lockhouse", "result backend"} or name.startswith("cache ")]
