"""The places of the flow's picture: senders, queues, workers and locks, each with what stands in it. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache

from dashboard.judge.attention import BLINDING, REMEMBERED
from dashboard.judge.facts import Facts
from dashboard.judge.standing import Standings, busy
from dashboard.records import Column, Evidence, FlowNode, JudgedLock, JudgedQueue, Snapshot, Worker
from dashboard.records.identity import identity

LEFT_FOR = timedelta(minutes=1)  # a worker that said goodbye and runs nothing any more
UNSEEN = "unseen"  # the sender of what nobody was seen sending
OURS = "lockhouse"
SLOW = {"queue_more_in", "queue_grows", "queue_stalled", "queue_all_busy", "queue_prefetched", "queue_waits"}  # reasons why messages wait
Places = dict[tuple[Column, str], FlowNode]


@lru_cache(maxsize=8192)
def node_id(column: Column, *name: str) -> str:
    """What tells this place apart, the same at every look."""
    return identity(column, *name)[:12]


def is_blind(facts: Facts) -> bool:
    """Whether a silence may be ours."""
    return facts.is_stale or any(not source.ok for source in facts.snapshot.sources if source.name in BLINDING)


@dataclass(frozen=True, slots=True)
class Senders:
    """Which node an origin (`gen4711@web-3`) belongs to."""

    beats: frozenset[str] = frozenset()
    schedules: int = 0  # entries that were seen to be sent

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Senders":
        """With the origins that were seen sending by a schedule."""
        origins = [entry.origin for entry in snapshot.schedules if entry.origin]
        return cls(frozenset(origins), len(origins))

    def place(self, origin: str) -> tuple[str, str]:
        """The kind and the name of the sender."""
        if not origin:
            return UNSEEN, ""
        if origin in self.beats:
            return "beat", "beat"
        name, _, host = origin.rpartition("@")
        return (OURS, OURS) if name.casefold().startswith(OURS) else ("host", host or origin)


def sender_nodes(facts: Facts, senders: Senders) -> Iterator[FlowNode]:
    """Who sent something lately, or what waits next."""
    flow, origins, weights = facts.snapshot.flow, defaultdict[tuple[str, str], set[str]](set), Counter[tuple[str, str]]()
    for edge in flow.edges:
        if edge.way == "sent":
            origins[senders.place(edge.source)].add(edge.source)
            weights[senders.place(edge.source)] += edge.count
    for head in (head for queue in facts.snapshot.queues for head in queue.heads if head.origin):
        origins[senders.place(head.origin or "")].add(head.origin or "")
    for (kind, name), known in origins.items():
        amount = senders.schedules if kind == "beat" else len(known)
        yield FlowNode(id=node_id("sender", kind, name), column="sender", name=name, kind=kind, subject=min(known), weight=weights[kind, name], amount=amount)


def queue_nodes(facts: Facts, judged: Sequence[JudgedQueue]) -> Iterator[FlowNode]:
    """Every queue with what waits in it, by priority; also those that were only named by a sender."""
    weights = _weights(facts, "sent", by_target=True) | _weights(facts, "received", by_target=False)
    blind, known = is_blind(facts), set()
    for one in judged:
        queue = one.queue
        known.add(queue.name)
        problem = None if blind else _queue_problem(one)
        yield FlowNode(
            id=node_id("queue", queue.name),
            column="queue",
            name=queue.name,
            subject=queue.id,
            weight=weights[queue.name],
            amount=queue.ready if queue.wrong_type is None else None,
            priorities=tuple((step, count) for step, count in queue.ready_by_priority.items() if count),
            is_slow=one.why.code in SLOW,
            problem=problem,
            needs=problem is not None,
        )
    for name in weights.keys() - known:
        yield FlowNode(id=node_id("queue", name), column="queue", name=name, weight=weights[name])


def _queue_problem(one: JudgedQueue) -> Evidence | None:
    queue = one.queue
    for warning in one.warnings:
        if warning.code == "no_reader":
            values = {"ready": queue.ready, "at": queue.oldest_at, "is_minimum": queue.oldest_is_minimum}
            return Evidence(code="flow_no_reader", values=values)
        strangers = warning.values.get("workers")
        if warning.code == "queue_unknown_task" and isinstance(strangers, list) and len(strangers) == len(queue.consumers or ()):
            return Evidence(code="flow_unknown_task", values={"task_name": warning.values.get("task_name")})
        if warning.code == "queue_wrong_type":
            return warning
    return None


def worker_nodes(facts: Facts, judged: Sequence[JudgedLock]) -> Iterator[FlowNode]:
    """The newest process of every worker that is there, was there lately, or holds a lock."""
    holders = {one.holder.worker for one in judged if one.holder.worker}
    moving = {edge.target: edge.count for edge in facts.snapshot.flow.edges if edge.way == "received" and edge.count}
    weights, standings = _weights(facts, "received", by_target=True), Standings(facts)
    for name in sorted({*facts.workers, *holders, *moving}):
        processes = facts.workers.get(name)
        node = FlowNode(id=node_id("worker", name), column="worker", name=name, kind="unknown", subject=name, weight=weights[name])
        if processes is None:
            yield node
            continue
        state = standings.of(processes[0], processes)[0]
        if name in holders or name in moving or _is_there(processes[0], state, facts):
            yield _with_standing(node, processes[0], state, facts)


def _is_there(worker: Worker, state: str, facts: Facts) -> bool:
    left_at = worker.said_offline_at if state == "stopped" else None
    return state == "leaving" or (facts.now - left_at < LEFT_FOR if left_at else facts.now - worker.last_heard_at < REMEMBERED)


def _with_standing(node: FlowNode, worker: Worker, state: str, facts: Facts) -> FlowNode:
    problem = _absence(worker, state)
    return replace(node, kind=state, amount=busy(worker, state, facts.now, facts.policy), of=worker.concurrency, problem=problem, needs=problem is not None)


def _absence(worker: Worker, state: str) -> Evidence | None:
    """The fact that says why nothing gets through to it; None where something may."""
    if state not in {"gone", "silent"}:
        return None
    return Evidence(code=f"flow_{state}", values={"worker": worker.name, "at": worker.last_heard_at})


def lock_nodes(facts: Facts, judged: Sequence[JudgedLock]) -> Iterator[FlowNode]:
    """The locks that are held, and those that were taken or turned somebody away within the last minute."""
    taken, refused = _weights(facts, "locked", by_target=True), _weights(facts, "refused", by_target=True)
    names = {lane.lock_id: lane.name for lane in facts.snapshot.lanes}
    seen: set[str] = set()
    for one in judged:
        lock = one.lock
        if lock.id not in seen:  # one that expired under its run and was taken again is told by the more urgent of the two
            seen.add(lock.id)
            problem = Evidence(code="flow_orphaned", values={"worker": one.holder.worker}) if one.verdict == "orphaned" else None
            yield _lock_node(lock.id, lock.name, one.verdict, taken, refused, problem=problem, needs=one.needs_attention)
    for lock_id in sorted((taken + refused).keys() - seen):
        if lock_id in names:
            yield _lock_node(lock_id, names[lock_id], "free", taken, refused)


def _lock_node(
    lock_id: str, name: str, kind: str, taken: Mapping[str, int], refused: Mapping[str, int], *, problem: Evidence | None = None, needs: bool = False
) -> FlowNode:
    return FlowNode(
        id=node_id("lock", lock_id),
        column="lock",
        name=name,
        kind=kind,
        subject=lock_id,
        weight=taken.get(lock_id, 0) + refused.get(lock_id, 0),
        refused=refused.get(lock_id, 0),
        problem=problem,
        needs=needs,
    )


def _weights(facts: Facts, way: str, *, by_target: bool) -> Counter[str]:
    found: Counter[str] = Counter()
    for edge in facts.snapshot.flow.edges:
        if edge.way == way and edge.count:
            found[edge.target if by_target else edge.source] += edge.count
    return found
