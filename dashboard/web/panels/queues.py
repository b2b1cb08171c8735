"""The Queues page: every queue, filtered and sorted by its query, with what moves in it and why it waits."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.judge.queue_filter import matches_queue
from dashboard.judge.queue_why import judge_queues
from dashboard.records import JudgedQueue, Snapshot
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.listing import MAX_ROWS, Chip, Listing, ListPanel
from dashboard.web.panels.queue_row import language, queue_row, render_row, row_id, sort_value

SHOWN = ("warnings", "no-reader", "waiting")


def _is_shown(one: JudgedQueue, show: str) -> bool:
    if show == "warnings":
        return bool(one.warnings)
    return one.queue.ready > 0 and (show == "waiting" or one.queue.consumers == ())


LIST = Listing(
    page="queues",
    title=gettext_lazy("Queues"),
    columns={
        "queue": gettext_lazy("Queue"), "ready": gettext_lazy("Ready"), "unacked": gettext_lazy("Unacked"), "readers": gettext_lazy("Read by"),
        "rates": gettext_lazy("Per second"), "drains": gettext_lazy("Drains in"), "oldest": gettext_lazy("Oldest waits"),
    },
    judged=lambda seen: judge_queues(seen.snapshot, seen.now, seen.policy),
    matches=matches_queue,
    is_shown=_is_shown,
    value=sort_value,
    shows=SHOWN,
    always=SHOWN,
    chips_label=gettext_lazy("Which queues"),
    sources=("broker",),
    empty=(gettext_lazy("No queue is known"), gettext_lazy("Queues are named in the settings, read by workers, or found where something was sent.")),
)  # fmt: skip


class QueuesPanel(ListPanel):
    """The live part of the Queues page."""

    name = "queues"
    template = "lockhouse/live/queues.html"
    listing = LIST

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the chips, the state of the list, and a row for each queue."""
        found = LIST.found(look(snapshot, now), query)
        return [
            *LIST.regions(found, may, says=_says(found.seen), chips=_chips(found.matching)),
            *(Piece(id=row_id(one.queue), html=render_row(queue_row(one, now), language()), within="queues-rows") for one in found.shown[:MAX_ROWS]),
        ]


def _says(seen: Look) -> dict[str, Any]:
    queues = seen.snapshot.queues
    unacked = [queue.unacked for queue in queues]
    return {
        "count": len(queues) if seen.has_observer else None,
        "ready": sum(queue.ready for queue in queues),
        "unacked": None if None in unacked else sum(count or 0 for count in unacked),
    }


def _chips(matching: Sequence[JudgedQueue]) -> Iterator[Chip]:
    """Each with how many it would show."""
    words = {"": _("All"), "warnings": _("With a warning"), "no-reader": _("No reader"), "waiting": _("With messages")}
    for show, word in words.items():
        yield Chip(show=show, word=word, count=LIST.count(matching, show), tone="lh-v-no-reader" if show == "no-reader" else "")
