"""The flow as a picture: senders, queues, workers and locks in four columns, and what moves between them, or why it does not. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from dashboard.judge.facts import gather
from dashboard.judge.flow_groups import grouped, merged
from dashboard.judge.flow_lines import Known, line_id, lock_lines, received_lines, sent_lines
from dashboard.judge.flow_nodes import Senders, lock_nodes, node_id, queue_nodes, sender_nodes, worker_nodes
from dashboard.judge.flow_order import Order, ordered
from dashboard.judge.queue_why import judge_queues
from dashboard.records import Column, FlowEdge, FlowLine, FlowMove, FlowNode, FlowPicture, JudgedLock, Policy, Snapshot

COLUMNS: tuple[Column, ...] = ("sender", "queue", "worker", "lock")
ENDS: Mapping[str, tuple[Column, Column]] = {
    "sent": ("sender", "queue"),
    "received": ("queue", "worker"),
    "locked": ("worker", "lock"),
    "refused": ("worker", "lock"),
}
MOST = 12  # nodes in a column
SENDERS = ("beat", "lockhouse", "host", "unseen")


def picture(snapshot: Snapshot, locks: Sequence[JudgedLock], now: datetime, policy: Policy, *, most: int = MOST, before: Order = ()) -> FlowPicture:
    """What moves, with at most so many nodes in a column; `before` is the order in which they were shown last.  Cost: one pass, no I/O."""
    facts = gather(snapshot, now, policy)
    queues, senders = judge_queues(snapshot, now, policy), Senders.of(snapshot)
    found = [*sender_nodes(facts, senders), *queue_nodes(facts, queues), *worker_nodes(facts, locks), *lock_nodes(facts, locks)]
    known = Known.of(facts, found, senders)
    lines = [*sent_lines(known, queues), *received_lines(known, queues), *lock_lines(known, locks)]
    nodes, drawn_as = _grouped(found, most, {node for column in before for node in column})
    lines = _between({node.id for column in nodes.values() for node in column}, lines, drawn_as)
    by_id = {node.id: node for column in nodes.values() for node in column}
    standing = tuple(tuple(node.id for node in sorted(nodes[column], key=_by_name)) for column in COLUMNS)
    order = _others_last(ordered(standing, frozenset((line.source, line.target) for line in lines), before), by_id)
    columns = {column: tuple(by_id[node] for node in ids) for column, ids in zip(COLUMNS, order, strict=True)}
    return FlowPicture(columns=columns, lines=tuple(lines), drawn_as=drawn_as)


def line_of(edge: FlowEdge | FlowMove, senders: Senders, drawn_as: Mapping[str, str]) -> str:
    """The id of the line that draws this edge."""
    left, right = ENDS[edge.way]
    source = node_id(left, *senders.place(edge.source)) if left == "sender" else node_id(left, edge.source)
    target = node_id(right, edge.target)
    return line_id(drawn_as.get(source, source), drawn_as.get(target, target), "refused" if edge.way == "refused" else "")


def _grouped(found: Iterable[FlowNode], most: int, shown: set[str]) -> tuple[dict[Column, list[FlowNode]], dict[str, str]]:
    columns: dict[Column, list[FlowNode]] = {column: [] for column in COLUMNS}
    for node in found:
        columns[node.column].append(node)
    drawn_as: dict[str, str] = {}
    for column, nodes in columns.items():
        columns[column], parts = grouped(nodes, most, shown)
        drawn_as |= parts
    return columns, drawn_as


def _between(there: set[str], lines: Iterable[FlowLine], drawn_as: Mapping[str, str]) -> list[FlowLine]:
    """The lines between what is drawn, those of groups together."""
    moved = []
    for line in lines:
        source, target = drawn_as.get(line.source, line.source), drawn_as.get(line.target, line.target)
        if source in there and target in there:
            kind = "refused" if line.state == "refused" else ""
            moved.append(replace(line, id=line_id(source, target, kind), source=source, target=target))
    return sorted(merged(moved), key=lambda line: line.id)


def _by_name(node: FlowNode) -> tuple[int, str, str]:
    return (SENDERS.index(node.kind) if node.kind in SENDERS else 0, node.name, node.id)


def _others_last(order: Order, nodes: Mapping[str, FlowNode]) -> Order:
    return tuple(tuple(sorted(column, key=lambda node: nodes[node].kind == "group")) for column in order)
