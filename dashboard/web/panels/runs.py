"""The Runs page: those that go on and those that ended lately, filtered and sorted by its query."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.judge.runs import GOING, WAITING, JudgedRun, judge_runs, matches_run
from dashboard.records import RUN_KEPT, Snapshot
from dashboard.web.instants import maybe
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.listing import MAX_ROWS, Chip, Listing, ListPanel
from dashboard.web.panels.run_row import row_html, row_id, sort_value
from dashboard.words.runs import state_word

GROUPS: Mapping[str, frozenset[str]] = {
    "active": frozenset({"active"}),
    "waiting": WAITING,
    "lost": frozenset({"lost", "unknown"}),
    "refused": frozenset({"refused"}),
    "failed": frozenset({"failed", "rejected"}),
    "retried": frozenset({"retried"}),
    "revoked": frozenset({"revoked"}),
    "succeeded": frozenset({"succeeded"}),
}


def judged_runs(seen: Look) -> list[JudgedRun]:
    """Every run of this moment, with the locks that it holds."""
    return judge_runs(seen.snapshot, seen.judged, seen.now, seen.policy)


LIST = Listing(
    page="runs",
    title=gettext_lazy("Runs"),
    columns={
        "state": gettext_lazy("State"), "task": gettext_lazy("Task"), "run": gettext_lazy("Run"), "started": gettext_lazy("Started"),
        "runtime": gettext_lazy("Runtime"), "worker": gettext_lazy("Worker"), "queue": gettext_lazy("Queue"), "lock": gettext_lazy("Lock"),
    },
    ranked="state",
    judged=judged_runs,
    matches=matches_run,
    is_shown=lambda one, show: one.state in GROUPS[show],
    value=sort_value,
    shows=GROUPS,
    always=("active", "waiting", "refused", "failed"),
    chips_label=gettext_lazy("Which runs"),
    sources=("events", "workers"),
    empty=(
        gettext_lazy("No run is known"),
        gettext_lazy("A run is here from its sending or its receipt on, where its sender or its worker tells: start workers with -E."),
    ),
)  # fmt: skip


class RunsPanel(ListPanel):
    """The live part of the Runs page."""

    name = "runs"
    template = "lockhouse/live/runs.html"
    listing = LIST

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the chips, the state of the list, and a row for each run."""
        found = LIST.found(look(snapshot, now), query)
        queues = {queue.name: queue for queue in snapshot.queues}
        return [
            *LIST.regions(found, may, says=_says(found.seen, found.judged), chips=_chips(found.matching), also=_older(snapshot.more_runs)),
            *(Piece(id=row_id(one), html=row_html(one, queues.get(one.run.queue or ""), may, now), within="runs-rows") for one in found.shown[:MAX_ROWS]),
        ]


def _older(more: int) -> str:
    return _("There are so many that %(n)s older ones are not in this list.") % {"n": number_format(more, force_grouping=True)} if more else ""


def _says(seen: Look, judged: Sequence[JudgedRun]) -> dict[str, Any]:
    counts = Counter(one.state for one in judged)
    ended = [one.run.heard_at for one in judged if not one.is_going and one.run.heard_at is not None]
    return {
        "count": len(judged) if seen.has_observer else None,
        "active": counts["active"],
        "waiting": sum(counts[state] for state in WAITING),
        "ended": sum(count for state, count in counts.items() if state not in GOING),
        "back": maybe(min(ended), seen.now) if seen.snapshot.more_runs and ended else None,
        "kept": RUN_KEPT // timedelta(minutes=1),
    }


def _chips(matching: Sequence[JudgedRun]) -> Iterator[Chip]:
    counts = Counter(one.state for one in matching)
    words = {"waiting": _("waiting"), "lost": _("lost or not known")}
    yield Chip(show="", word=_("All"), count=len(matching))
    for show, states in GROUPS.items():
        count = sum(counts[state] for state in states)
        tone = f"lh-s-{show}" if count and show in {"lost", "refused", "failed"} else ""
        yield Chip(show=show, word=words.get(show) or state_word(show), count=count, tone=tone)
