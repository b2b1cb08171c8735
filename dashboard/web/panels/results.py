"""The Results page: what tasks left in the caches and in the result backend, filtered and sorted by its query."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.judge.results import STATES, JudgedResult, judge_results, matches_result
from dashboard.records import Snapshot
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.listing import MAX_ROWS, Chip, Listing, ListPanel
from dashboard.web.panels.result_row import TONES, render_row, result_row, sort_value
from dashboard.words.results import counted, state_word

STORED = "stored"


LIST = Listing(
    page="results",
    title=gettext_lazy("Results"),
    columns={
        "name": gettext_lazy("Result"), "state": gettext_lazy("State"), "ttl": gettext_lazy("Time to live"),
        "size": gettext_lazy("Size"), "age": gettext_lazy("Age"), "task": gettext_lazy("Written by"),
    },
    ranked="state",
    judged=lambda seen: judge_results(seen.snapshot, seen.policy),
    matches=matches_result,
    is_shown=lambda one, show: one.result.is_stored if show == STORED else one.state == show,
    value=sort_value,
    shows=(*STATES, STORED),
    always=("never-expires",),
    chips_label=gettext_lazy("Which results"),
    sources=("cache", "result backend"),
    empty=(
        gettext_lazy("No result is known"),
        gettext_lazy("Cache entries whose name matches LOCKHOUSE_RESULT_PATTERNS are results, and so are entries of a Redis result backend."),
    ),
)  # fmt: skip


class ResultsPanel(ListPanel):
    """The live part of the Results page."""

    name = "results"
    template = "lockhouse/live/results.html"
    listing = LIST

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the chips, the state of the list, and a row for each result."""
        found = LIST.found(look(snapshot, now), query)
        rows = [result_row(one, now) for one in found.shown[:MAX_ROWS]]
        return [
            *LIST.regions(found, may, says=_says(found.seen, found.judged), chips=_chips(found.matching)),
            *(Piece(id=row.row_id, html=render_row(row), within="results-rows") for row in rows),
        ]


def _says(seen: Look, judged: Sequence[JudgedResult]) -> dict[str, Any]:
    there = sum(1 for one in judged if one.is_there)
    return {
        "count": counted(seen.snapshot.result_counts, there) if seen.has_observer else None,
        "never": sum(1 for one in judged if one.state == "never-expires"),
        "retrieving": sum(1 for one in judged if one.runs),
        "unscanned": any(not count.scanned for count in seen.snapshot.result_counts),
    }


def _chips(matching: Sequence[JudgedResult]) -> Iterator[Chip]:
    """All, and every state with its count; stored results last."""
    counts = Counter(one.state for one in matching)
    yield Chip(show="", word=_("All"), count=len(matching))
    for state in STATES:
        yield Chip(show=state, word=state_word(state), count=counts[state], tone=f"lh-v-{TONES[state]}" if state in TONES else "")
    yield Chip(show=STORED, word=_("in the result backend"), count=LIST.count(matching, STORED))
