"""The Workers page: one row for each name, filtered and sorted by its query."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.judge.workers import JudgedWorker, judge_workers, matches_worker
from dashboard.records import Snapshot
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.listing import MAX_ROWS, Chip, Listing, ListPanel
from dashboard.web.panels.runs import judged_runs
from dashboard.web.panels.worker_row import render_row, sort_value, worker_row
from dashboard.words.workers import worker_state_word

GROUPS: Mapping[str, frozenset[str]] = {
    "online": frozenset({"online"}),
    "leaving": frozenset({"leaving"}),
    "silent": frozenset({"silent", "unknown"}),
    "gone": frozenset({"gone"}),
    "stopped": frozenset({"stopped"}),
}
WARNED = "warnings"


def judged_workers(seen: Look) -> list[JudgedWorker]:
    """Every worker of this moment, with its runs."""
    return judge_workers(seen.snapshot, judged_runs(seen), seen.now, seen.policy)


LIST = Listing(
    page="workers",
    title=gettext_lazy("Workers"),
    columns={
        "worker": gettext_lazy("Worker"), "state": gettext_lazy("State"), "pool": gettext_lazy("Pool"), "busy": gettext_lazy("Busy"),
        "waiting": gettext_lazy("Fetched"), "processed": gettext_lazy("Processed"), "load": gettext_lazy("Load"), "queues": gettext_lazy("Reads"),
    },
    ranked="state",
    judged=judged_workers,
    matches=matches_worker,
    is_shown=lambda one, show: bool(one.warnings) if show == WARNED else one.state in GROUPS[show],
    value=sort_value,
    shows=(*GROUPS, WARNED),
    always=("online", "gone"),
    chips_label=gettext_lazy("Which workers"),
    sources=("workers", "events"),
    empty=(gettext_lazy("No worker has been heard of"), gettext_lazy("Start one; it is here with its first heartbeat or answer.")),
)  # fmt: skip


class WorkersPanel(ListPanel):
    """The live part of the Workers page."""

    name = "workers"
    template = "lockhouse/live/workers.html"
    listing = LIST

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the chips, the state of the list, and a row for each worker."""
        found = LIST.found(look(snapshot, now), query)
        queues = {queue.name: queue for queue in snapshot.queues}
        rows = [worker_row(one, queues, now) for one in found.shown[:MAX_ROWS]]
        return [
            *LIST.regions(found, may, says=_says(found.seen, found.judged), chips=_chips(found.matching)),
            *(Piece(id=row.row_id, html=render_row(row), within="workers-rows") for row in rows),
        ]


def _says(seen: Look, judged: Sequence[JudgedWorker]) -> dict[str, Any]:
    online = [one for one in judged if one.state == "online"]
    busy = [one.busy for one in online]
    processes = [one.worker.concurrency for one in online]
    return {
        "known": len(judged),
        "count": len(online) if seen.has_observer else None,
        "busy": None if None in busy else sum(count or 0 for count in busy),
        "processes": None if None in processes else sum(count or 0 for count in processes),
    }


def _chips(matching: Sequence[JudgedWorker]) -> Iterator[Chip]:
    """Each with how many it would show."""
    counts = Counter(one.state for one in matching)
    words = {"": _("All"), "silent": _("silent or not known"), WARNED: _("with a warning")}
    for show in ("", *GROUPS, WARNED):
        tone = f"lh-s-{show}" if counts[show] and show in {"gone", "leaving", "silent"} else ""
        yield Chip(show=show, word=words.get(show) or worker_state_word(show), count=LIST.count(matching, show), tone=tone)
