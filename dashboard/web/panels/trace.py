"""The trace of what was sent by one act: a line of steps for each run, live until the end. Its ids follow from the act's, so no database is asked."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.judge.trace import STATES, RunTrace, Step, trace
from dashboard.records import Snapshot
from dashboard.web.incident import of_trace
from dashboard.web.instants import maybe
from dashboard.web.links import run_url, worker_url
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import frame, piece
from dashboard.words import sentence, short_id
from dashboard.words import traces as said

MAX_COUNT = 100
TONES = {
    "unseen": "unknown", "waiting": "expiring", "received": "expiring", "active": "held", "refused": "expiring", "succeeded": "held",
    "failed": "orphaned", "revoked": "unknown", "retried": "expiring", "rejected": "orphaned",
}  # fmt: skip


class TracePanel:
    """The live part of a trace; its query has the act's `id` and `n`, how many messages it sent."""

    permission = "lockhouse.view_locks"
    name = "trace"
    template = "lockhouse/live/trace.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return {"id": str(_uuid(given.get("id", "")) or ""), "n": str(_count(given.get("n", "")))}

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and never changes."""
        return {}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """How many are how far, and each with its steps."""
        seen, act_id = look(snapshot, now), _uuid(query.get("id", ""))
        ids = [str(uuid5(act_id, str(index))) for index in range(_count(query.get("n", "")))] if act_id else []
        runs = trace(snapshot, seen.policy, str(act_id), ids, now)
        return [
            *frame(seen, self.name, _("Trace"), may),
            piece("trace-copy", "panels/trace_copy.html", line=of_trace(*_what(snapshot, str(act_id), ids), runs, now)),
            piece("trace-summary", "panels/trace_summary.html", parts=_summary(runs), read=maybe(snapshot.at, now), is_current=seen.is_current),
            *(piece(f"run-{run.task_id[:13]}", "panels/trace_row.html", within="trace-rows", **_row(run, index, seen)) for index, run in enumerate(runs, 1)),
        ]


def _what(snapshot: Snapshot, act_id: str, ids: Sequence[str]) -> tuple[str, str]:
    """The task and the queue, as the act is followed or as its runs tell; "?" where neither is known any more."""
    traced = next((one for one in snapshot.traces if one.act_id == act_id), None)
    if traced is not None:
        return traced.task, traced.queue
    run = next((run for run in snapshot.runs if run.task_id in set(ids)), None)
    return (run.name or "?", run.queue or "?") if run else ("?", "?")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _count(text: str) -> int:
    return min(max(int(text), 1), MAX_COUNT) if text.isascii() and text.isdigit() and len(text) < 4 else 1


def _summary(runs: Sequence[RunTrace]) -> list[dict[str, object]]:
    """`1 active`, `2 refused`: the states that occur, in the order of a life."""
    counts = Counter(run.state for run in runs)
    return [{"tone": TONES[state], "word": str(said.STATES[state]), "count": counts[state]} for state in STATES if counts[state]]


def _row(run: RunTrace, index: int, seen: Look) -> dict[str, object]:
    return {
        "index": index,
        "tone": TONES[run.state],
        "word": str(said.STATES[run.state]),
        "short": short_id(run.task_id),
        "task_id": run.task_id,
        "url": run_url(run.task_id),
        "steps": list(_steps(run.steps, seen)),
    }


def _steps(steps: Sequence[Step], seen: Look) -> Iterator[dict[str, object]]:
    for step in steps:
        yield {
            "state": step.state,
            "text": sentence(step.evidence, seen.now),
            "at": maybe(step.at, seen.now),
            "url": _link(step),
            "link_word": _link_word(step),
        }


def _link(step: Step) -> str:
    if step.lock_id:
        return reverse("lockhouse:lock", args=[step.lock_id])
    if step.result_id:
        return reverse("lockhouse:result", args=[step.result_id])
    if step.queue_id:
        return reverse("lockhouse:queue", args=[step.queue_id])
    return worker_url(step.worker) if step.worker else ""


def _link_word(step: Step) -> str:
    return _("the lock") if step.lock_id else _("the result") if step.result_id else _("the queue") if step.queue_id else _("the worker")
