"""What moves: who sends to which queue, which worker receives from it, which lock it takes; counted over the last minute, with the newest movements.

A movement is what an event or a push told; what nobody told is not made up. Everything is bounded: beyond the bounds the edges that
moved least recently are forgotten, and of many movements at once only the newest are kept, with how many there were.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dashboard.observer.alike import Alike, Runs
from dashboard.observer.live_run import LiveRun
from dashboard.observer.queue_flow import Counter
from dashboard.records import FLOW_WINDOW, FlowEdge, FlowMove, FlowReading, HeldLock, Refusal, Way

MAX_EDGES = 1500
EDGE_KEPT = timedelta(minutes=10)  # an edge on which nothing moves any more
MOVES_KEPT = timedelta(seconds=3)  # a page that is pushed to five times a second has seen them by then
MAX_MOVES = 60
MAX_MOVES_OF_ONE = 12  # edge, so that a busy one does not hide the others
LATE = timedelta(seconds=2)  # a sender tells after sending: a quick worker's event may come first
MAX_AWAITED = 5000  # beyond that it is not waited for what a sender tells late
MAX_UNJUDGED = 200
MAX_WORKERS = 1000
MAX_WORKER, MAX_NAME = 255, 512
Key = tuple[Way, str, str]


@dataclass
class _Edge:
    """One way, with its newest movements."""

    last_at: datetime
    counter: Counter = field(default_factory=Counter)
    moves: deque[tuple[int, datetime]] = field(default_factory=lambda: deque(maxlen=MAX_MOVES_OF_ONE))


@dataclass(frozen=True, slots=True)
class _Received:
    """A receipt of which something is not known yet."""

    worker: str
    queue: str | None
    at: datetime


class FlowBook:
    """Reduces events and readings of locks to edges and movements."""

    def __init__(self) -> None:
        self._edges: dict[Key, _Edge] = {}
        self._moved = Counter()
        self._number = 0
        self._awaited: dict[str, _Received] = {}  # receipts of the last LATE whose sending was not seen
        self._telling: dict[str, None] = {}
        self._unplaced: dict[str, Counter] = {}
        self._tokens: dict[str, str] = {}  # lock id -> digest
        self._unjudged: deque[HeldLock] = deque(maxlen=MAX_UNJUDGED)  # taken by a token that names no worker

    def restore(self, flow: FlowReading) -> None:
        """Go on with the edges that were known; what was counted is not taken over, for nobody counted meanwhile."""
        self._number = flow.number
        self._telling = dict.fromkeys(flow.telling)
        for edge in flow.edges:
            self._edges[edge.way, edge.source, edge.target] = _Edge(last_at=edge.last_at)

    def begun(self, alike: Alike, runs: Runs, at: datetime) -> bool:
        """Events of sending or of receiving; True where something moved."""
        if alike.sender is None:
            return False
        if alike.kind == "task-sent":
            return alike.queue is not None and self._were_sent(runs, alike.sender[:MAX_WORKER], alike.queue[:MAX_NAME], at)
        return self._were_received(runs, alike.sender[:MAX_WORKER], alike.queue, at)

    def tells(self, worker: str | None) -> None:
        """This worker sends events of tasks."""
        if worker is not None and len(self._telling) < MAX_WORKERS:
            self._telling.setdefault(worker[:MAX_WORKER])

    def _were_sent(self, runs: Runs, origin: str, queue: str, at: datetime) -> bool:
        self._move("sent", origin, queue, at, len(runs))
        for run in runs if self._awaited else ():
            if (early := self._awaited.pop(run.task_id, None)) and early.queue is None:
                self._move("received", queue, early.worker, at)
        return True

    def _were_received(self, runs: Runs, worker: str, queue: str | None, at: datetime) -> bool:
        if queue is not None:
            self._move("received", queue, worker, at, len(runs))
        for run in runs:
            if queue is None and run.queue is not None:  # its sender told in the same batch, after its worker
                self._move("received", run.queue, worker, at)
            if run.sent_at is None:
                self._await(run, worker, at)
        return queue is not None or any(run.queue is not None for run in runs)

    def _await(self, run: LiveRun, worker: str, at: datetime) -> None:
        one = _Received(worker, run.queue, at)
        if len(self._awaited) < MAX_AWAITED:
            self._awaited[run.task_id] = one
        else:
            self._was_unseen(one, at)

    def took(self, lock_id: str, worker: str | None, at: datetime) -> None:
        """A lock was taken, by a run of this worker where that is known."""
        self._move("locked", worker or "", lock_id, at)

    def refused(self, refusal: Refusal) -> None:
        """A lock turned an attempt away."""
        self._move("refused", refusal.worker or "", refusal.lock_id, refusal.at)

    def locks_read(self, locks: Sequence[HeldLock], gone: Sequence[str], *, live: bool, at: datetime) -> bool:
        """A reading of locks: a token that was not there before has just been put, unless it says that it is old."""
        for lock_id in gone:
            self._tokens.pop(lock_id, None)
        taken = [self._has_token(lock, live=live, at=at) for lock in locks]
        return any(taken)

    def _has_token(self, lock: HeldLock, *, live: bool, at: datetime) -> bool:
        if self._tokens.get(lock.id) == lock.token_digest:
            return False
        self._tokens[lock.id] = lock.token_digest
        attempted_at = lock.claim.attempted_at if lock.claim else None
        if not live and (attempted_at is None or at - attempted_at > LATE):
            return False
        if lock.claim is not None and lock.claim.worker is None and attempted_at is not None and lock.claim.pid is None:
            self._unjudged.append(lock)
            return False
        self.took(lock.id, lock.claim.worker if lock.claim else None, at)
        return True

    def unjudged(self) -> list[HeldLock]:
        """The locks that were taken since this was asked last by tokens that name no worker."""
        found = list(self._unjudged)
        self._unjudged.clear()
        return found

    def judge_later(self, lock: HeldLock) -> None:
        """It is too early to say whose run took it."""
        self._unjudged.append(lock)

    def _move(self, way: Way, source: str, target: str, at: datetime, count: int = 1) -> None:
        edge = self._edges.get((way, source, target))
        if edge is None:
            if len(self._edges) >= MAX_EDGES:
                del self._edges[min(self._edges, key=lambda key: self._edges[key].last_at)]
            edge = self._edges[way, source, target] = _Edge(last_at=at)
        self._number += count
        if at is not edge.last_at:
            edge.last_at = max(edge.last_at, at)
        edge.counter.add(at, count)
        edge.moves.extend((number, at) for number in range(self._number - min(count, MAX_MOVES_OF_ONE) + 1, self._number + 1))
        self._moved.add(at, count)

    def settle(self, at: datetime) -> None:
        """Time passed: what was awaited did not come, and what nobody took for long is forgotten."""
        for task_id, one in list(self._awaited.items()):
            if at - one.at > LATE:
                del self._awaited[task_id]
                self._was_unseen(one, at)
        self._edges = {key: edge for key, edge in self._edges.items() if at - edge.last_at < EDGE_KEPT}

    def _was_unseen(self, one: _Received, at: datetime) -> None:
        """Nobody told that it was sent; without its queue not even the way to its worker is known."""
        if one.queue is not None:
            self._move("sent", "", one.queue, at)
        elif one.worker in self._unplaced or len(self._unplaced) < MAX_WORKERS:
            self._unplaced.setdefault(one.worker, Counter()).add(at)

    def reading(self, now: datetime, told_since: datetime | None) -> FlowReading:
        """What moved; `told_since` is since when events are received without a loss, None: they are not."""
        began, lately = now - FLOW_WINDOW, (now - MOVES_KEPT).replace(microsecond=0)
        moved = sorted((number, at, key) for key, edge in self._edges.items() if edge.last_at >= lately for number, at in edge.moves if at >= lately)
        moves = [FlowMove(number=number, way=way, source=source, target=target, at=at) for number, at, (way, source, target) in moved[-MAX_MOVES:]]
        return FlowReading(
            since=told_since,
            edges=tuple(
                FlowEdge(way=way, source=source, target=target, count=edge.counter.since(began), last_at=edge.last_at)
                for (way, source, target), edge in sorted(self._edges.items())
            ),
            moves=tuple(moves),
            moved=self._moved.since(lately),
            number=self._number,
            telling=tuple(sorted(self._telling)),
            unplaced={worker: count for worker, counter in self._unplaced.items() if (count := counter.since(began))},
        )
