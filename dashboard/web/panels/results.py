"""The Results page: what tasks left in the caches and in the result backend, filtered and sorted by its query."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.judge.results import STATES, JudgedResult, judge_results, matches_result
from dashboard.records import Snapshot
from dashboard.web.instants import maybe
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import frame, piece, region_state
from dashboard.web.panels.result_row import TONES, ordered_value, render_row, result_row
from dashboard.words import visible
from dashboard.words.results import counted, state_word

MAX_ROWS = 500  # a longer list is no longer read; the page says how many there are
COLUMNS = ("name", "state", "ttl", "size", "age", "task")
STORED = "stored"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsQuery:
    """What the page's address asks for; anything that is not understood means the default."""

    q: str = ""
    show: str = ""  # a state, or STORED
    order: str = ""  # a column, with "-" before it for the other way round; "": what never expires first

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "ResultsQuery":
        show, order = query.get("show", ""), query.get("o", "")
        return cls(
            q=query.get("q", "").strip(),
            show=show if show == STORED or show in STATES else "",
            order=order if order.removeprefix("-") in COLUMNS else "",
        )

    def given(self) -> dict[str, str]:
        """The query again, without what is the default."""
        given = {"q": self.q, "show": self.show, "o": self.order}
        return {name: value for name, value in given.items() if value}

    def url(self) -> str:
        """The page with this query."""
        encoded = urlencode(self.given())
        return reverse("lockhouse:results") + (f"?{encoded}" if encoded else "")

    def chosen(self, judged: Sequence[JudgedResult]) -> list[JudgedResult]:
        """Those that are to be shown, in the chosen order."""
        rows = [one for one in judged if is_shown(one, self.show)]
        column = self.order.removeprefix("-")
        if column in {"", "state"}:
            return rows[::-1] if self.order == "-state" else rows
        known = [one for one in rows if not ordered_value(one, column)[0]]
        not_known = [one for one in rows if ordered_value(one, column)[0]]
        return sorted(known, key=lambda one: ordered_value(one, column), reverse=self.order.startswith("-")) + not_known


def is_shown(one: JudgedResult, show: str) -> bool:
    """Whether a chip shows this result."""
    return one.result.is_stored if show == STORED else not show or one.state == show


class ResultsPanel:
    """The live part of the Results page."""

    permission = "lockhouse.view_locks"
    name = "results"
    template = "lockhouse/live/results.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return ResultsQuery.of(given).given()

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and changes with the query alone."""
        asked = ResultsQuery.of(query)
        return {"asked": asked, "columns": list(_columns(asked))}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the chips, the state of the list, and a row for each result."""
        seen, asked = look(snapshot, now), ResultsQuery.of(query)
        judged = judge_results(snapshot, seen.policy)
        matching = [one for one in judged if matches_result(one, asked.q)]
        shown = asked.chosen(matching)
        rows = [result_row(one, now) for one in shown[:MAX_ROWS]]
        return [
            *frame(seen, self.name, _("Results"), may),
            piece("results-summary", "panels/results_summary.html", **_summary(seen, judged)),
            piece("results-chips", "panels/results_chips.html", chips=list(_chips(asked, matching))),
            piece("results-state", "panels/region_state.html", state=_state(seen, asked, len(shown), len(judged)), cut=_cut(shown)),
            *(Piece(id=row.row_id, html=render_row(row), within="results-rows") for row in rows),
        ]


def _state(seen: Look, asked: ResultsQuery, shown: int, total: int) -> object:
    empty = (
        _("No result is known"),
        _("Cache entries whose name matches LOCKHOUSE_RESULT_PATTERNS are results, and so are entries of a Redis result backend."),
    )
    clear = replace(asked, q="", show="").url()
    return region_state(seen, shown=shown, total=total, sources=("cache", "result backend"), empty=empty, clear=clear)


def _cut(shown: Sequence[JudgedResult]) -> str:
    if len(shown) <= MAX_ROWS:
        return ""
    return _("The first %(shown)d of %(all)d; filter to see the others.") % {"shown": MAX_ROWS, "all": len(shown)}


def _summary(seen: Look, judged: Sequence[JudgedResult]) -> dict[str, Any]:
    there = sum(1 for one in judged if one.is_there)
    return {
        "count": counted(seen.snapshot.result_counts, there) if seen.has_observer else None,
        "never": sum(1 for one in judged if one.state == "never-expires"),
        "retrieving": sum(1 for one in judged if one.runs),
        "unscanned": any(not count.scanned for count in seen.snapshot.result_counts),
        "away": ", ".join(visible(source.name) for source in seen.away("cache", "result backend")),
        "read": maybe(seen.snapshot.at, seen.now),
        "is_current": seen.is_current,
    }


def _chips(asked: ResultsQuery, matching: Sequence[JudgedResult]) -> Iterator[dict[str, object]]:
    """All, and every state that there is or that is chosen, each with its count; stored results last."""
    counts = Counter(one.state for one in matching)
    yield _chip(asked, "", _("All"), len(matching))
    for state in STATES:
        if counts[state] or asked.show == state or state == "never-expires":
            yield _chip(asked, state, state_word(state), counts[state])
    stored = sum(1 for one in matching if one.result.is_stored)
    if stored or asked.show == STORED:
        yield _chip(asked, STORED, _("in the result backend"), stored)


def _chip(asked: ResultsQuery, show: str, word: str, count: int) -> dict[str, object]:
    return {"tone": TONES.get(show, ""), "word": word, "count": count, "is_on": asked.show == show, "url": replace(asked, show=show).url()}


def _columns(asked: ResultsQuery) -> Iterator[dict[str, object]]:
    words = {"name": _("Result"), "state": _("State"), "ttl": _("Time to live"), "size": _("Size"), "age": _("Age"), "task": _("Written by")}
    for name in COLUMNS:
        is_up, is_down = asked.order == name, asked.order == f"-{name}"
        order = f"-{name}" if is_up else "" if is_down else name
        yield {"name": name, "word": words[name], "url": replace(asked, order=order).url(), "sort": "ascending" if is_up else "descending" if is_down else ""}
