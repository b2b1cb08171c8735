"""A node of the flow's picture as the pages show it: flat values, so that one that did not change is not rendered again."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from dashboard.records import Evidence, FlowNode
from dashboard.web.flow_drawing import BLOCK_PX, blocks, segments
from dashboard.web.instants import Instant, maybe
from dashboard.web.links import list_url, worker_url
from dashboard.web.panel import Piece
from dashboard.words import sentence, verdict, visible
from dashboard.words.flow import SENDERS, group_name
from dashboard.words.results import number
from dashboard.words.workers import worker_state_word

LISTS = {"sender": "flow-sender-lanes", "queue": "flow-queue-lanes", "worker": "flow-worker-lanes", "lock": "flow-lock-lanes"}
PAGES = {"queue": "queues", "worker": "workers", "lock": "locks"}
WORKER_TONES = {"leaving": "expiring", "silent": "unknown", "gone": "orphaned", "unknown": "unknown", "stopped": "free"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why nothing gets through, with since when where that is known."""

    text: str
    at: Instant | None = None
    before_at: str = ""  # words for the time: "oldest at least …"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeShown:
    """What one node says; every string is ready to be escaped and shown."""

    id: str
    node: str
    column: str
    name: str
    url: str
    tone: str  # a verdict, which is its colour and mark
    kind: str
    says: str
    more: str = ""  # said in the colour of what was refused
    reason: Reason | None = None
    segments: tuple[tuple[str, float, float], ...] = ()
    blocks: tuple[tuple[int, bool], ...] = ()
    parts: str = ""  # the segments in words
    title: str = ""

    @property
    def blocks_width(self) -> int:
        return len(self.blocks) * BLOCK_PX


def node_piece(node: FlowNode, now: datetime) -> Piece:
    """The node as an entry of its column."""
    shown = node_shown(node, now)
    return Piece(id=shown.id, html=_render(shown, get_language()), within=LISTS[node.column])


@lru_cache(maxsize=2048)
def _render(shown: NodeShown, _language: str | None) -> str:
    return render_to_string("lockhouse/panels/flow_node.html", {"node": shown}).strip()


def node_shown(node: FlowNode, now: datetime) -> NodeShown:
    """What stands in the node."""
    name, reason = node_name(node), reason_shown(node.problem, now) if node.problem else None
    several = [(step, count) for step, count in node.priorities] if len(node.priorities) > 1 else []
    parts = _("by priority %(all)s") % {"all": ", ".join(f"{step}: {number(count)}" for step, count in several)} if several else ""
    return NodeShown(
        id=f"flow-node-{node.id}",
        node=node.id,
        column=node.column,
        name=name,
        url=node_url(node),
        tone=_tone(node),
        kind=node.kind,
        says=node_says(node),
        more=_refused(node),
        reason=reason,
        segments=tuple(segments(several)),
        blocks=tuple(blocks(node)) if node.column == "worker" else (),
        parts=parts,
        title=" · ".join(filter(None, (name, reason.text if reason else "", parts))),
    )


def node_name(node: FlowNode) -> str:
    """What the node is called."""
    if node.kind == "group":
        return visible(group_name(node))
    if node.column == "sender" and node.kind in SENDERS:
        return str(SENDERS[node.kind])
    return visible(node.name)


def node_says(node: FlowNode) -> str:
    """What stands in it, in few words."""
    if node.column == "queue":
        return _("%(n)s ready") % {"n": "?" if node.amount is None else number(node.amount)}
    if node.column == "worker":
        return _worker_says(node)
    if node.column == "lock":
        return _lock_says(node)
    return _sender_says(node)


def _sender_says(node: FlowNode) -> str:
    count = node.amount or 0
    if node.kind == "beat":
        return ngettext("%(n)s schedule", "%(n)s schedules", count) % {"n": number(count)}
    return ngettext("%(n)s process", "%(n)s processes", count) % {"n": number(count)} if node.kind in {"host", "lockhouse"} else ""


def _lock_says(node: FlowNode) -> str:
    if node.kind == "group":
        return sentence(node.problem) if node.problem else ""
    if node.kind == "free":
        return _("free")
    return verdict(node.kind)


def _worker_says(node: FlowNode) -> str:
    if node.problem is not None and node.kind in {"silent", "gone"}:
        return ""
    busy, of = "?" if node.amount is None else number(node.amount), "?" if node.of is None else number(node.of)
    said = _("%(busy)s of %(all)s busy") % {"busy": busy, "all": of}
    return f"{worker_state_word(node.kind)} · {said}" if node.kind in WORKER_TONES else said


def _refused(node: FlowNode) -> str:
    return _("%(n)s refused") % {"n": number(node.refused)} if node.refused else ""


def _tone(node: FlowNode) -> str:
    if node.column == "queue":
        return "no-reader" if node.problem else ""
    if node.column == "worker":
        return WORKER_TONES.get(node.kind, "")
    if node.column == "lock":
        return node.kind if node.kind != "group" else "orphaned" if node.problem else ""
    return ""


def node_url(node: FlowNode) -> str:
    """The node's own page; of a group the list, filtered by how their names begin."""
    if node.column == "sender":
        return {"beat": list_url("schedules"), "lockhouse": list_url("send")}.get(node.kind, "")
    if node.kind == "group":
        return list_url(PAGES[node.column], node.name)
    if node.column == "worker":
        return worker_url(node.subject)
    return reverse(f"lockhouse:{node.column}", args=[node.subject]) if node.subject else ""


def reason_shown(problem: Evidence, now: datetime) -> Reason:
    """The reason in words; its time apart, for a script counts it."""
    at = problem.values.get("at")
    when = maybe(at, now) if isinstance(at, datetime) else None
    return Reason(text=sentence(problem, now), at=when, before_at=_before(problem) if when else "")


def _before(problem: Evidence) -> str:
    if problem.code != "flow_no_reader":
        return _("for …")
    return _("oldest at least …") if problem.values.get("is_minimum") else _("oldest …")
