"""The flow's picture as pieces, the same on its page and on the Overview: nodes, lines, what moved just now, and a table that says the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from dashboard.judge.flow import COLUMNS, line_of, picture
from dashboard.judge.flow_nodes import Senders
from dashboard.judge.flow_order import Order
from dashboard.records import FLOW_WINDOW, FlowLine, FlowPicture
from dashboard.web.flow_drawing import Curve, draw, height_px
from dashboard.web.instants import Instant, maybe
from dashboard.web.look import Look
from dashboard.web.panel import Piece
from dashboard.web.panels.flow_nodes import Reason, node_name, node_piece, node_url, reason_shown
from dashboard.web.panels.frame import piece, region_state
from dashboard.words import clock
from dashboard.words.flow import LINE_STATES, per_minute
from dashboard.words.results import number

FIELDS = ("flow-sent-lanes", "flow-received-lanes", "flow-locked-lanes")
SOURCES = ("broker", "events", "workers")
_shown: dict[int, Order] = {}  # how the columns stood last, by their size, so that they stay; threads may overwrite each other's


@dataclass(frozen=True, slots=True, kw_only=True)
class LineShown:
    """What one line is drawn from, and what its row of the table says."""

    line: str
    source: str
    target: str
    path: str
    width: int
    state: str
    from_name: str
    to_name: str
    from_url: str
    to_url: str
    per_minute: str
    state_word: str


def seen_picture(seen: Look, most: int) -> FlowPicture:
    """The picture of this look, in the order of the last one where that still does."""
    found = picture(seen.snapshot, seen.judged, seen.now, seen.policy, most=most, before=_shown.get(most, ()))
    _shown[most] = tuple(tuple(node.id for node in found.columns[column]) for column in COLUMNS)
    return found


def picture_pieces(seen: Look, drawn: FlowPicture) -> Iterator[Piece]:
    """The picture: its state in words, its height, its nodes and lines, and what moved in the last seconds."""
    nodes = [node for column in drawn.columns.values() for node in column]
    empty = (_("Nothing is known to move"), _("Senders, queues, workers and locks are drawn here as soon as one is seen."))
    yield piece("flow-state", "panels/region_state.html", state=region_state(seen, shown=len(nodes), total=len(nodes), sources=SOURCES, empty=empty), cut="")
    yield piece("flow-note", "panels/flow_note.html", notes=list(_notes(seen, drawn)))
    yield piece("flow-height", "panels/flow_height.html", height=height_px(drawn))
    for node in nodes:
        yield node_piece(node, seen.now)
    for shown, curve in lines_shown(drawn):
        yield Piece(id=f"flow-line-{shown.line}", html=_render_line(shown, get_language()), within=FIELDS[curve.field])
    yield _moves(seen, drawn)


@lru_cache(maxsize=4096)
def _render_line(shown: LineShown, _language: str | None) -> str:
    return render_to_string("lockhouse/panels/flow_line.html", {"line": shown}).strip()


def lines_shown(drawn: FlowPicture) -> Iterator[tuple[LineShown, Curve]]:
    """Every line with its curve."""
    nodes = [node for column in drawn.columns.values() for node in column]
    names, urls = {node.id: node_name(node) for node in nodes}, {node.id: node_url(node) for node in nodes}
    slow = {node.id for node in drawn.columns["queue"] if node.is_slow}
    for curve in draw(drawn):
        line = curve.line
        shown = LineShown(
            line=line.id,
            source=line.source,
            target=line.target,
            path=curve.path,
            width=curve.width,
            state="slow" if line.state == "flowing" and line.source in slow else line.state,
            from_name=names[line.source],
            to_name=names[line.target],
            from_url=urls[line.source],
            to_url=urls[line.target],
            per_minute=per_minute(line),
            state_word=str(LINE_STATES[line.state]),
        )
        yield shown, curve


def table_pieces(seen: Look, drawn: FlowPicture) -> Iterator[Piece]:
    """A row for each line of the picture, in its order."""
    for shown, curve in lines_shown(drawn):
        last, reason = maybe(curve.line.last_at, seen.now), _reason(curve.line, seen.now)
        html = _render_row(shown, last, reason, get_language())
        yield Piece(id=f"flow-row-{shown.line}", html=html, within="flow-table-rows")


def _reason(line: FlowLine, now: datetime) -> Reason | None:
    return reason_shown(line.reason, now) if line.reason else None


@lru_cache(maxsize=4096)
def _render_row(shown: LineShown, last: Instant | None, reason: Reason | None, _language: str | None) -> str:
    return render_to_string("lockhouse/panels/flow_row.html", {"line": shown, "last": last, "reason": reason}).strip()


def _moves(seen: Look, drawn: FlowPicture) -> Piece:
    """The single movements of the last seconds, for the script that draws them: number, line and time of each."""
    flow, senders = seen.snapshot.flow, Senders.of(seen.snapshot)
    there = {line.id for line in drawn.lines}
    moves = [(move.number, line_of(move, senders, drawn.drawn_as), int(move.at.timestamp() * 1000)) for move in flow.moves]
    return piece("flow-moves", "panels/flow_moves.html", moves=[move for move in moves if move[1] in there], number=flow.number)


def _notes(seen: Look, drawn: FlowPicture) -> Iterator[str]:
    """What the picture cannot show, and how much of what moves it does."""
    flow = seen.snapshot.flow
    if not seen.has_observer:
        return
    if flow.since is None:
        yield _("No events are received: drawn is who reads what, and not how much moves.")
    elif seen.now - flow.since < FLOW_WINDOW:
        yield _("Counted since %(at)s only.") % {"at": clock(flow.since, seen.now)}
    if flow.since is not None and drawn.columns["worker"] and not flow.telling:
        yield _("No worker has sent an event of a task yet: where none ever comes, start the workers with -E.")
    if flow.moved > len(flow.moves):
        yield _("More moves than can be drawn: the dots are %(shown)s of %(all)s movements of the last 3 s.") % {
            "shown": number(len(flow.moves)), "all": number(flow.moved),
        }  # fmt: skip
