"""The Queues page: every queue, filtered and sorted by its query, with what moves in it and why it waits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.judge.queue_filter import matches_queue
from dashboard.judge.queue_why import judge_queues
from dashboard.records import JudgedQueue, Snapshot
from dashboard.web.instants import maybe
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import frame, piece, region_state
from dashboard.web.panels.queue_row import language, ordered_value, queue_row, render_row, row_id
from dashboard.words import visible

MAX_ROWS = 500  # a longer list is no longer read; the page says how many there are
COLUMNS = ("queue", "ready", "unacked", "readers", "rates", "drains", "oldest")
SHOWN = ("", "warnings", "no-reader", "waiting")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuesQuery:
    """What the page's address asks for; anything that is not understood means the default."""

    q: str = ""
    show: str = ""
    order: str = ""  # a column, with "-" before it for the other way round; "": those with a warning first

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "QueuesQuery":
        show, order = query.get("show", ""), query.get("o", "")
        return cls(q=query.get("q", "").strip(), show=show if show in SHOWN else "", order=order if order.removeprefix("-") in COLUMNS else "")

    def given(self) -> dict[str, str]:
        """The query again, without what is the default."""
        given = {"q": self.q, "show": self.show, "o": self.order}
        return {name: value for name, value in given.items() if value}

    def url(self) -> str:
        """The page with this query."""
        encoded = urlencode(self.given())
        return reverse("lockhouse:queues") + (f"?{encoded}" if encoded else "")

    def chosen(self, judged: Sequence[JudgedQueue]) -> list[JudgedQueue]:
        """Those that are to be shown, in the chosen order."""
        rows = [one for one in judged if is_shown(one, self.show)]
        column = self.order.removeprefix("-")
        if not column:
            return rows
        known = [one for one in rows if not ordered_value(one, column)[0]]
        not_known = [one for one in rows if ordered_value(one, column)[0]]
        return sorted(known, key=lambda one: ordered_value(one, column), reverse=self.order.startswith("-")) + not_known


def is_shown(one: JudgedQueue, show: str) -> bool:
    """Whether a chip shows this queue."""
    if show == "warnings":
        return bool(one.warnings)
    if show == "no-reader":
        return one.queue.ready > 0 and one.queue.consumers == ()
    return show != "waiting" or one.queue.ready > 0


class QueuesPanel:
    """The live part of the Queues page."""

    permission = "lockhouse.view_locks"
    name = "queues"
    template = "lockhouse/live/queues.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return QueuesQuery.of(given).given()

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and changes with the query alone."""
        asked = QueuesQuery.of(query)
        return {"asked": asked, "columns": list(_columns(asked))}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the chips, the state of the list, and a row for each queue."""
        seen, asked = look(snapshot, now), QueuesQuery.of(query)
        judged = judge_queues(snapshot, now, seen.policy)
        matching = [one for one in judged if matches_queue(one, asked.q)]
        shown = asked.chosen(matching)
        return [
            *frame(seen, self.name, _("Queues"), may),
            piece("queues-summary", "panels/queues_summary.html", **_summary(seen)),
            piece("queues-chips", "panels/queues_chips.html", chips=list(_chips(asked, matching))),
            piece("queues-state", "panels/region_state.html", state=_state(seen, asked, len(shown), len(judged)), cut=_cut(shown)),
            *(Piece(id=row_id(one.queue), html=render_row(queue_row(one, now), language()), within="queues-rows") for one in shown[:MAX_ROWS]),
        ]


def _state(seen: Look, asked: QueuesQuery, shown: int, total: int) -> object:
    empty = (_("No queue is known"), _("Queues are named in the settings, read by workers, or found where something was sent."))
    return region_state(seen, shown=shown, total=total, sources=("broker",), empty=empty, clear=replace(asked, q="", show="").url())


def _cut(shown: Sequence[JudgedQueue]) -> str:
    if len(shown) <= MAX_ROWS:
        return ""
    return _("The first %(shown)d of %(all)d; filter to see the others.") % {"shown": MAX_ROWS, "all": len(shown)}


def _summary(seen: Look) -> dict[str, Any]:
    queues = seen.snapshot.queues
    unacked = [queue.unacked for queue in queues]
    return {
        "count": len(queues) if seen.has_observer else None,
        "ready": sum(queue.ready for queue in queues),
        "unacked": None if None in unacked else sum(count or 0 for count in unacked),
        "away": ", ".join(visible(source.name) for source in seen.away("broker")),
        "read": maybe(seen.snapshot.at, seen.now),
        "is_current": seen.is_current,
    }


def _chips(asked: QueuesQuery, matching: Sequence[JudgedQueue]) -> Iterator[dict[str, object]]:
    """Each with how many it would show."""
    words = {"": _("All"), "warnings": _("With a warning"), "no-reader": _("No reader"), "waiting": _("With messages")}
    for show in SHOWN:
        count = sum(1 for one in matching if is_shown(one, show))
        kind = show if show == "no-reader" else ""
        yield {"kind": kind, "word": words[show], "count": count, "is_on": asked.show == show, "url": replace(asked, show=show).url()}


def _columns(asked: QueuesQuery) -> Iterator[dict[str, object]]:
    words = {
        "queue": _("Queue"), "ready": _("Ready"), "unacked": _("Unacked"), "readers": _("Read by"),
        "rates": _("Per second"), "drains": _("Drains in"), "oldest": _("Oldest waits"),
    }  # fmt: skip
    for name in COLUMNS:
        is_up, is_down = asked.order == name, asked.order == f"-{name}"
        order = f"-{name}" if is_up else "" if is_down else name
        yield {"name": name, "word": words[name], "url": replace(asked, order=order).url(), "sort": "ascending" if is_up else "descending" if is_down else ""}
