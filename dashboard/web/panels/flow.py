"""The Flow page: what moves from senders through queues and workers to locks, drawn as it moves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from dashboard.judge.flow import MOST
from dashboard.records import Snapshot
from dashboard.web.flow_drawing import WIDTHS
from dashboard.web.instants import maybe
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.flow_pieces import picture_pieces, seen_picture, table_pieces
from dashboard.web.panels.frame import frame, piece
from dashboard.words import visible


class FlowPanel:
    """The live part of the Flow page."""

    permission = "lockhouse.view_locks"
    name = "flow"
    template = "lockhouse/live/flow.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return {}

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and never changes."""
        return {"widths": WIDTHS}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the picture, and the table."""
        seen = look(snapshot, now)
        drawn = seen_picture(seen, MOST)
        return [
            *frame(seen, self.name, _("Flow"), may),
            piece("flow-summary", "panels/flow_summary.html", **_summary(seen)),
            *picture_pieces(seen, drawn),
            *table_pieces(seen, drawn),
        ]


def _summary(seen: Look) -> dict[str, Any]:
    counts = {way: sum(edge.count for edge in seen.snapshot.flow.edges if edge.way == way) for way in ("sent", "received", "refused")}
    is_counted = seen.has_observer and seen.snapshot.flow.since is not None
    return {
        "counts": counts if is_counted else None,
        "away": ", ".join(visible(source.name) for source in seen.away("events")),
        "read": maybe(seen.snapshot.at, seen.now),
        "is_current": seen.is_current,
    }
