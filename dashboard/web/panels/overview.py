"""The Overview: what needs attention, the figures, who held what in the last two minutes, what moves, queues and workers in brief."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.records import Snapshot
from dashboard.web.instants import instant_of, iso, maybe
from dashboard.web.look import Look, look
from dashboard.web.navigation import held_locks
from dashboard.web.panel import Piece
from dashboard.web.panels.attention import MAX_ROWS, concern_row
from dashboard.web.panels.brief import queue_row, standings, worker_row
from dashboard.web.panels.coverage import coverage
from dashboard.web.panels.figures import figures
from dashboard.web.panels.flow_pieces import picture_pieces, seen_picture
from dashboard.web.panels.frame import frame, no_lock, piece, region_state
from dashboard.web.panels.lanes import MAX_LANES, axis, lane_piece, ordered_lanes, unseen
from dashboard.web.panels.queue_row import url_of
from dashboard.web.timeline import anchor_of

MAX_BRIEF = 25  # queues in brief; the others are on their own page
MAX_NODES = 7  # of each column of the flow: as high as the other regions


class OverviewPanel:
    """The live part of the Overview."""

    permission = "lockhouse.view_locks"
    name = "overview"
    template = "lockhouse/live/overview.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return {}

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and never changes."""
        return {"axis": axis()}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """Every region, the most urgent first."""
        seen = look(snapshot, now)
        return [
            *frame(seen, self.name, _("Overview"), may),
            piece("overview-summary", "panels/overview_summary.html", read=maybe(snapshot.at, now), is_current=seen.is_current),
            piece("overview-coverage", "panels/coverage.html", **coverage(seen)),
            *_attention(seen, may),
            *(piece(f"figure-{figure['name']}", "panels/figure.html", figure=figure) for figure in figures(seen)),
            *_timeline(seen, may),
            *picture_pieces(seen, seen_picture(seen, MAX_NODES)),
            *_queues(seen),
            *_workers(seen),
        ]


def _attention(seen: Look, may: frozenset[str]) -> Iterator[Piece]:
    more = len(seen.concerns) - MAX_ROWS
    is_calm = seen.is_current and not seen.concerns and not seen.searched
    checked = maybe(seen.snapshot.at, seen.now)
    locks = len(held_locks(seen))
    is_so_far = seen.is_current and not seen.concerns and not is_calm
    yield piece(
        "attention-state", "panels/attention_state.html", is_calm=is_calm, is_so_far=is_so_far, is_known=seen.has_observer, checked=checked, locks=locks
    )
    for concern in seen.concerns[:MAX_ROWS]:
        yield concern_row(concern, seen, may)
    yield piece("attention-more", "panels/attention_more.html", more=max(more, 0), url=f"{reverse('lockhouse:locks')}?verdict=attention")


def _timeline(seen: Look, may: frozenset[str]) -> Iterator[Piece]:
    lanes = ordered_lanes(seen)
    empty = no_lock(seen, _("Nothing was locked in the last two minutes"), _("Each lock gets a lane of its own here as soon as a task takes it."))
    state = region_state(seen, shown=len(lanes), total=len(lanes), sources=("cache",), empty=empty)
    yield piece("timeline-state", "panels/region_state.html", state=state, cut=unseen(seen))
    yield piece("timeline-axis", "panels/axis_now.html", now_text=instant_of(anchor_of(seen.now), seen.now), anchor=iso(anchor_of(seen.now)))
    for lane, judged in lanes[:MAX_LANES]:
        yield lane_piece(lane, judged, seen, "timeline-lanes", may)
    yield piece("timeline-more", "panels/more_locks.html", more=max(len(lanes) - MAX_LANES, 0), url=reverse("lockhouse:locks"))


def _queues(seen: Look) -> Iterator[Piece]:
    queues = seen.snapshot.queues
    empty = (_("No queue is known"), _("Queues are named in the settings, read by workers, or found with messages."))
    state = region_state(seen, shown=len(queues), total=len(queues), sources=("broker",), empty=empty)
    shown = sorted(queues, key=lambda queue: (queue.consumers != () or not queue.ready, -queue.ready, queue.name))[:MAX_BRIEF]
    cut = _("The %(shown)d with the most in them, of %(all)d.") % {"shown": len(shown), "all": len(queues)} if len(queues) > len(shown) else ""
    yield piece("queues-state", "panels/region_state.html", state=state, cut=cut)
    for queue in sorted(shown, key=lambda queue: queue.name):
        yield queue_row(queue, seen)


def _workers(seen: Look) -> Iterator[Piece]:
    workers = standings(seen)
    empty = (_("No worker has been heard of"), _("Start one; it is here with its first heartbeat or answer."))
    state = region_state(seen, shown=len(workers), total=len(workers), sources=("workers",), empty=empty)
    yield piece("workers-state", "panels/region_state.html", state=state, cut="")
    urls = {queue.name: url_of(queue) for queue in seen.snapshot.queues}
    for worker, standing in workers:
        yield worker_row(worker, standing, seen, urls)
