"""The Workers page: one row for each name, filtered and sorted by its query."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.judge.runs import judge_runs
from dashboard.judge.workers import JudgedWorker, judge_workers, matches_worker
from dashboard.records import Snapshot
from dashboard.web.instants import maybe
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import frame, piece, region_state
from dashboard.web.panels.worker_row import ordered_value, render_row, worker_row
from dashboard.words import visible
from dashboard.words.workers import worker_state_word

MAX_ROWS = 500  # a longer list is no longer read; the page says how many there are
COLUMNS = ("worker", "state", "pool", "busy", "waiting", "processed", "load", "queues")
GROUPS: Mapping[str, frozenset[str]] = {
    "": frozenset(),
    "online": frozenset({"online"}),
    "leaving": frozenset({"leaving"}),
    "silent": frozenset({"silent", "unknown"}),
    "gone": frozenset({"gone"}),
    "stopped": frozenset({"stopped"}),
}
WARNED = "warnings"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersQuery:
    """What the page's address asks for; anything that is not understood means the default."""

    q: str = ""
    show: str = ""
    order: str = ""  # a column, with "-" before it for the other way round; "": those that are gone or silent first

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "WorkersQuery":
        show, order = query.get("show", ""), query.get("o", "")
        show = show if show in GROUPS or show == WARNED else ""
        return cls(q=query.get("q", "").strip(), show=show, order=order if order.removeprefix("-") in COLUMNS else "")

    def given(self) -> dict[str, str]:
        """The query again, without what is the default."""
        given = {"q": self.q, "show": self.show, "o": self.order}
        return {name: value for name, value in given.items() if value}

    def url(self) -> str:
        """The page with this query."""
        encoded = urlencode(self.given())
        return reverse("lockhouse:workers") + (f"?{encoded}" if encoded else "")

    def chosen(self, judged: Sequence[JudgedWorker]) -> list[JudgedWorker]:
        """Those that are to be shown, in the chosen order."""
        rows = [one for one in judged if is_shown(one, self.show)]
        column = self.order.removeprefix("-")
        if column in {"", "state"}:
            return rows[::-1] if self.order == "-state" else rows
        known = [one for one in rows if not ordered_value(one, column)[0]]
        not_known = [one for one in rows if ordered_value(one, column)[0]]
        return sorted(known, key=lambda one: ordered_value(one, column), reverse=self.order.startswith("-")) + not_known


def is_shown(one: JudgedWorker, show: str) -> bool:
    """Whether a chip shows this worker."""
    return bool(one.warnings) if show == WARNED else not show or one.state in GROUPS[show]


def judged_workers(seen: Look) -> list[JudgedWorker]:
    """Every worker of this moment, with its runs."""
    return judge_workers(seen.snapshot, judge_runs(seen.snapshot, seen.judged, seen.now, seen.policy), seen.now, seen.policy)


class WorkersPanel:
    """The live part of the Workers page."""

    permission = "lockhouse.view_locks"
    name = "workers"
    template = "lockhouse/live/workers.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return WorkersQuery.of(given).given()

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and changes with the query alone."""
        asked = WorkersQuery.of(query)
        return {"asked": asked, "columns": list(_columns(asked))}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the chips, the state of the list, and a row for each worker."""
        seen, asked = look(snapshot, now), WorkersQuery.of(query)
        judged = judged_workers(seen)
        matching = [one for one in judged if matches_worker(one, asked.q)]
        shown = asked.chosen(matching)
        queues = {queue.name: queue for queue in snapshot.queues}
        rows = [worker_row(one, queues, now) for one in shown[:MAX_ROWS]]
        return [
            *frame(seen, self.name, _("Workers"), may),
            piece("workers-summary", "panels/workers_summary.html", **_summary(seen, judged)),
            piece("workers-chips", "panels/runs_chips.html", chips=list(_chips(asked, matching)), label=_("Which workers")),
            piece("workers-state", "panels/region_state.html", state=_state(seen, asked, len(shown), len(judged)), cut=_cut(shown)),
            *(Piece(id=row.row_id, html=render_row(row), within="workers-rows") for row in rows),
        ]


def _state(seen: Look, asked: WorkersQuery, shown: int, total: int) -> object:
    empty = (_("No worker has been heard of"), _("Start one; it is here with its first heartbeat or answer."))
    return region_state(seen, shown=shown, total=total, sources=("workers", "events"), empty=empty, clear=replace(asked, q="", show="").url())


def _cut(shown: Sequence[JudgedWorker]) -> str:
    if len(shown) <= MAX_ROWS:
        return ""
    return _("The first %(shown)d of %(all)d; filter to see the others.") % {"shown": MAX_ROWS, "all": len(shown)}


def _summary(seen: Look, judged: Sequence[JudgedWorker]) -> dict[str, Any]:
    online = [one for one in judged if one.state == "online"]
    busy = [one.busy for one in online]
    return {
        "count": len(online) if seen.has_observer else None,
        "busy": None if None in busy else sum(count or 0 for count in busy),
        "processes": sum(one.worker.concurrency or 0 for one in online),
        "away": ", ".join(visible(source.name) for source in seen.away("events", "workers")),
        "read": maybe(seen.snapshot.at, seen.now),
        "is_current": seen.is_current,
    }


def _chips(asked: WorkersQuery, matching: Sequence[JudgedWorker]) -> Iterator[dict[str, object]]:
    counts = Counter(one.state for one in matching)
    words = {"": _("All"), "silent": _("silent or not known"), WARNED: _("with a warning")}
    for show in (*GROUPS, WARNED):
        count = sum(1 for one in matching if is_shown(one, show))
        if count or show in {"", "online", "gone"} or asked.show == show:
            state = show if counts[show] and show in {"gone", "leaving", "silent"} else ""
            word = words.get(show) or worker_state_word(show)
            yield {"state": state, "word": word, "count": count, "is_on": asked.show == show, "url": replace(asked, show=show).url()}


def _columns(asked: WorkersQuery) -> Iterator[dict[str, object]]:
    words = {
        "worker": _("Worker"), "state": _("State"), "pool": _("Pool"), "busy": _("Busy"),
        "waiting": _("Fetched"), "processed": _("Processed"), "load": _("Load"), "queues": _("Reads"),
    }  # fmt: skip
    for name in COLUMNS:
        is_up, is_down = asked.order == name, asked.order == f"-{name}"
        order = f"-{name}" if is_up else "" if is_down else name
        yield {"name": name, "word": words[name], "url": replace(asked, order=order).url(), "sort": "ascending" if is_up else "descending" if is_down else ""}
