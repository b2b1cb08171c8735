"""The Runs page: those that go on and those that ended lately, filtered and sorted by its query."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from dashboard.judge.runs import GOING, WAITING, JudgedRun, judge_runs, matches_run
from dashboard.records import RUN_KEPT, Snapshot
from dashboard.web.instants import maybe
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import frame, piece, region_state
from dashboard.web.panels.run_row import ordered_value, row_html, row_id
from dashboard.words import visible
from dashboard.words.runs import state_word

MAX_ROWS = 500  # a longer list is no longer read; the page says how many there are
COLUMNS = ("state", "task", "run", "started", "runtime", "worker", "queue", "lock")
GROUPS: Mapping[str, frozenset[str]] = {
    "": frozenset(),
    "active": frozenset({"active"}),
    "waiting": WAITING,
    "lost": frozenset({"lost", "unknown"}),
    "refused": frozenset({"refused"}),
    "failed": frozenset({"failed", "rejected"}),
    "retried": frozenset({"retried"}),
    "revoked": frozenset({"revoked"}),
    "succeeded": frozenset({"succeeded"}),
}
ALWAYS = ("active", "waiting", "refused", "failed")  # others only where there are any


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsQuery:
    """What the page's address asks for; anything that is not understood means the default."""

    q: str = ""
    show: str = ""
    order: str = ""  # a column, with "-" before it for the other way round; "": what goes on first, then what ended, the latest first

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "RunsQuery":
        show, order = query.get("show", ""), query.get("o", "")
        return cls(q=query.get("q", "").strip(), show=show if show in GROUPS else "", order=order if order.removeprefix("-") in COLUMNS else "")

    def given(self) -> dict[str, str]:
        """The query again, without what is the default."""
        given = {"q": self.q, "show": self.show, "o": self.order}
        return {name: value for name, value in given.items() if value}

    def url(self) -> str:
        """The page with this query."""
        encoded = urlencode(self.given())
        return reverse("lockhouse:runs") + (f"?{encoded}" if encoded else "")

    def chosen(self, judged: Sequence[JudgedRun], now: datetime) -> list[JudgedRun]:
        """Those that are to be shown, in the chosen order."""
        rows = [one for one in judged if not self.show or one.state in GROUPS[self.show]]
        column = self.order.removeprefix("-")
        if column in {"", "state"}:
            return rows[::-1] if self.order == "-state" else rows
        known = [one for one in rows if not ordered_value(one, column, now)[0]]
        not_known = [one for one in rows if ordered_value(one, column, now)[0]]
        return sorted(known, key=lambda one: ordered_value(one, column, now), reverse=self.order.startswith("-")) + not_known


class RunsPanel:
    """The live part of the Runs page."""

    permission = "lockhouse.view_locks"
    name = "runs"
    template = "lockhouse/live/runs.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return RunsQuery.of(given).given()

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and changes with the query alone."""
        asked = RunsQuery.of(query)
        return {"asked": asked, "columns": list(_columns(asked))}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the chips, the state of the list, and a row for each run."""
        seen, asked = look(snapshot, now), RunsQuery.of(query)
        judged = judge_runs(snapshot, seen.judged, now, seen.policy)
        matching = [one for one in judged if matches_run(one, asked.q)]
        shown = asked.chosen(matching, now)
        queues = {queue.name: queue for queue in snapshot.queues}
        return [
            *frame(seen, self.name, _("Runs"), may),
            piece("runs-summary", "panels/runs_summary.html", **_summary(seen, judged)),
            piece("runs-chips", "panels/runs_chips.html", chips=list(_chips(asked, matching))),
            piece("runs-state", "panels/region_state.html", state=_state(seen, asked, len(shown), len(judged)), cut=_cut(shown, seen)),
            *(Piece(id=row_id(one), html=row_html(one, queues.get(one.run.queue or ""), may, now), within="runs-rows") for one in shown[:MAX_ROWS]),
        ]


def _state(seen: Look, asked: RunsQuery, shown: int, total: int) -> object:
    empty = (
        _("No run is known"),
        _("A run is here from its sending or its receipt on, where its sender or its worker tells: start workers with -E."),
    )
    return region_state(seen, shown=shown, total=total, sources=("events", "workers"), empty=empty, clear=replace(asked, q="", show="").url())


def _cut(shown: Sequence[JudgedRun], seen: Look) -> str:
    more = seen.snapshot.more_runs
    told = [_("The first %(shown)s of %(all)s; filter to see the others.") % {"shown": MAX_ROWS, "all": number_format(len(shown), force_grouping=True)}]
    told = told if len(shown) > MAX_ROWS else []
    if more:
        told.append(_("There are so many that %(n)s older ones are not in this list.") % {"n": number_format(more, force_grouping=True)})
    return " ".join(told)


def _summary(seen: Look, judged: Sequence[JudgedRun]) -> dict[str, Any]:
    counts = Counter(one.state for one in judged)
    ended = [one.run.heard_at for one in judged if not one.is_going and one.run.heard_at is not None]
    return {
        "count": len(judged) if seen.has_observer else None,
        "active": counts["active"],
        "waiting": sum(counts[state] for state in WAITING),
        "ended": sum(count for state, count in counts.items() if state not in GOING),
        "back": maybe(min(ended), seen.now) if seen.snapshot.more_runs and ended else None,
        "kept": RUN_KEPT // timedelta(minutes=1),
        "away": ", ".join(visible(source.name) for source in seen.away("events", "workers")),
        "read": maybe(seen.snapshot.at, seen.now),
        "is_current": seen.is_current,
    }


def _chips(asked: RunsQuery, matching: Sequence[JudgedRun]) -> Iterator[dict[str, object]]:
    """All, and each group that there is, that is chosen, or that people look for first."""
    counts = Counter(one.state for one in matching)
    words = {"": _("All"), "waiting": _("waiting"), "lost": _("lost or not known")}
    for show, states in GROUPS.items():
        count = sum(counts[state] for state in states) if show else len(matching)
        if count or not show or show in ALWAYS or asked.show == show:
            state = show if count and show in {"lost", "refused", "failed"} else ""
            yield {
                "state": state,
                "word": words.get(show) or state_word(show),
                "count": count,
                "is_on": asked.show == show,
                "url": replace(asked, show=show).url(),
            }


def _columns(asked: RunsQuery) -> Iterator[dict[str, object]]:
    words = {
        "state": _("State"), "task": _("Task"), "run": _("Run"), "started": _("Started"),
        "runtime": _("Runtime"), "worker": _("Worker"), "queue": _("Queue"), "lock": _("Lock"),
    }  # fmt: skip
    for name in COLUMNS:
        is_up, is_down = asked.order == name, asked.order == f"-{name}"
        order = f"-{name}" if is_up else "" if is_down else name
        yield {"name": name, "word": words[name], "url": replace(asked, order=order).url(), "sort": "ascending" if is_up else "descending" if is_down else ""}
