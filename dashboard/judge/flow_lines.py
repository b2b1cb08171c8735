"""The lines of the flow's picture: what moves along each, or why nothing does. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from dashboard.judge.facts import Facts
from dashboard.judge.flow_nodes import Senders, is_blind, node_id
from dashboard.records import Evidence, FlowEdge, FlowLine, FlowNode, JudgedLock, JudgedQueue, LineState
from dashboard.records.identity import identity

NOT_SENT_ON = {"flow_no_reader", "queue_wrong_type"}  # what stops a message already on its way into the queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the lines are made of."""

    facts: Facts
    nodes: Mapping[str, FlowNode]  # by id
    senders: Senders

    is_blind: bool  # a silence may be ours
    is_counted: bool  # events are received, so nothing seen means that nothing moved

    @classmethod
    def of(cls, facts: Facts, nodes: Iterable[FlowNode], senders: Senders) -> "Known":
        """What can be said of these nodes."""
        blind = is_blind(facts)
        counted = facts.snapshot.flow.since is not None and not blind
        return cls(facts=facts, nodes={node.id: node for node in nodes}, senders=senders, is_blind=blind, is_counted=counted)

    def edges(self, way: str) -> list[FlowEdge]:
        return [edge for edge in self.facts.snapshot.flow.edges if edge.way == way]


@lru_cache(maxsize=8192)
def line_id(source: str, target: str, kind: str = "") -> str:
    """What tells this line apart: of two nodes there may be one line for what gets through, and one for what is refused."""
    return identity(source, target, kind)[:12]


def sent_lines(known: Known, judged: Sequence[JudgedQueue]) -> Iterator[FlowLine]:
    """From senders to queues: what was seen, and of what waits next who its message says has sent it."""
    drawn = set()
    for edge in known.edges("sent"):
        sender, queue = node_id("sender", *known.senders.place(edge.source)), node_id("queue", edge.target)
        drawn.add((sender, queue))
        is_unseen = not edge.source
        yield _sent(known, sender, queue, edge, Evidence(code="flow_unseen") if is_unseen else None)
    for one in judged:
        for origin in dict.fromkeys(head.origin for head in one.queue.heads if head.origin):
            sender, queue = node_id("sender", *known.senders.place(origin)), node_id("queue", one.queue.name)
            if (sender, queue) not in drawn:
                drawn.add((sender, queue))
                yield _sent(known, sender, queue, None, Evidence(code="flow_waits"))


def _sent(known: Known, sender: str, queue: str, edge: FlowEdge | None, reason: Evidence | None) -> FlowLine:
    target = known.nodes.get(queue)
    problem = target.problem if target is not None and target.problem and target.problem.code in NOT_SENT_ON else None
    line = _line(known, sender, queue, edge)
    if problem is not None:
        return _with(line, "broken", problem)
    return _with(line, "unknown" if edge is None else line.state, reason or line.reason)


def received_lines(known: Known, judged: Sequence[JudgedQueue]) -> Iterator[FlowLine]:
    """From queues to those who read them, and to those who did until just now."""
    seen = {(edge.source, edge.target): edge for edge in known.edges("received")}
    read = {(one.queue.name, worker): one for one in judged for worker in one.queue.consumers or ()}
    for queue, worker in dict.fromkeys([*read, *(pair for pair, edge in seen.items() if edge.count)]):
        yield _received(known, read.get((queue, worker)), queue, worker, seen.get((queue, worker)))


def _received(known: Known, one: JudgedQueue | None, queue: str, worker: str, edge: FlowEdge | None) -> FlowLine:
    line = _line(known, node_id("queue", queue), node_id("worker", worker), edge)
    reader = known.nodes.get(node_id("worker", worker))
    problem = (reader.problem if reader else None) or _unknown_task(one, worker)
    if problem is not None:
        return _with(line, "broken", problem)
    if known.is_counted and not (edge and edge.count) and not _tells(known, one, worker):
        return _with(line, "unknown", Evidence(code="flow_rate_unknown"), count=None)
    return line if not known.facts.snapshot.flow.unplaced.get(worker) else _with(line, line.state, Evidence(code="flow_unplaced"), is_minimum=True)


def _unknown_task(one: JudgedQueue | None, worker: str) -> Evidence | None:
    for warning in one.warnings if one else ():
        strangers = warning.values.get("workers")
        if warning.code == "queue_unknown_task" and isinstance(strangers, list) and worker in strangers:
            return Evidence(code="flow_unknown_task", values={"task_name": warning.values.get("task_name")})
    return None


def _tells(known: Known, one: JudgedQueue | None, worker: str) -> bool:
    """Whether a movement to this worker would have been told."""
    return worker in known.facts.snapshot.flow.telling or (one is not None and one.queue.out_per_s is not None)


def lock_lines(known: Known, judged: Sequence[JudgedLock]) -> Iterator[FlowLine]:
    """From workers to the locks that their runs hold or took, and to those that turned them away."""
    holders = {(one.holder.worker, one.lock.id): one for one in reversed(judged) if one.holder.worker}
    seen = {(edge.source, edge.target): edge for edge in known.edges("locked")}
    for worker, lock_id in dict.fromkeys([*holders, *(pair for pair, edge in seen.items() if edge.count)]):
        line = _line(known, node_id("worker", worker or ""), node_id("lock", lock_id), seen.get((worker or "", lock_id)))
        one = holders.get((worker, lock_id))
        is_orphaned = one is not None and one.verdict == "orphaned"
        yield _with(line, "broken", Evidence(code="flow_orphaned", values={"worker": worker})) if is_orphaned else line
    for edge in known.edges("refused"):
        if edge.count:
            line = _line(known, node_id("worker", edge.source), node_id("lock", edge.target), edge, "refused")
            yield _with(line, "refused", Evidence(code="flow_refused", values={"count": edge.count}))


def _line(known: Known, source: str, target: str, edge: FlowEdge | None, kind: str = "") -> FlowLine:
    """What was counted; nothing is known where events are not received."""
    count = (edge.count if edge else 0) if known.is_counted else None
    return FlowLine(
        id=line_id(source, target, kind),
        source=source,
        target=target,
        state="unknown" if count is None else "flowing" if count else "idle",
        count=count,
        last_at=edge.last_at if edge else None,
        reason=None if known.is_counted else Evidence(code="flow_not_counted"),
    )


def _with(line: FlowLine, state: LineState, reason: Evidence | None, **changes: Any) -> FlowLine:
    return replace(line, state=state, reason=reason, **changes)
