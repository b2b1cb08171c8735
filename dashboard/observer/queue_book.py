"""What the observer knows of queues: the newest reading of each, with its readers, its oldest message, its rates and its last five minutes.

How rates are known: Redis counts no messages, so what leaves a queue is counted from the workers' `task-received` events, and what comes in is
that plus what the queue grew by. The event does not name the queue: it is the one that the message's `task-sent` event named, or that its
unacknowledged message is of, or the only one that the worker reads, or the only one of these where that task was ever seen. A message that
had expired is told by `task-revoked` alone. All of it is said to be unknown where a reader does not tell (it counts messages in its heartbeat
and sends no event), or received a message that could not be placed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from dashboard.observer.alike import Alike, Runs
from dashboard.observer.live_run import LiveRun
from dashboard.observer.observations import QueuesRead
from dashboard.observer.queue_flow import WINDOW, Flow
from dashboard.observer.run_events import same, time_of
from dashboard.observer.told_names import MAX_NAMES, ToldNames
from dashboard.records import QueueHead, QueueReading, UnackedMessage
from dashboard.sources.event import Event

MAX_UNPLACED = 20_000
MAX_WORKERS = 1000  # beyond that those are forgotten that read no queue
MAX_QUEUES_OF_ONE = 20  # of one task; where it was seen in so many, its queue is not concluded from it
LATE = timedelta(seconds=2)  # a sender tells after sending: a quick worker's event may come first
HEARTBEAT_LATE = timedelta(seconds=5)
Readers = Mapping[str, tuple[str, ...]]  # queue -> workers
T = TypeVar("T")


class QueueBook:
    """Reduces readings and events to one record per queue."""

    def __init__(self, sent_at: Callable[[str], float | None] = lambda _task_id: None) -> None:
        self._sent_at = sent_at  # when a message was sent that is waiting still, by its task id
        self.readings: tuple[QueueReading, ...] = ()
        self.unacked: tuple[UnackedMessage, ...] = ()
        self.names = ToldNames()
        self._unread: dict[str, tuple[datetime, bool]] = {}  # queue -> since when nobody reads it, and whether only since it was first seen
        self._was_read: set[str] = set()
        self._heads: dict[tuple[str, str], QueueHead] = {}
        self._flows: dict[str, Flow] = defaultdict(Flow)
        self._unplaced: dict[str, tuple[str, datetime]] = {}  # task id -> worker and when: received from a queue that is not known, in the last LATE
        self._placed: dict[str, str] = {}  # task id -> queue, of what is unacknowledged
        self._seen_in: dict[str, set[str]] = defaultdict(set)  # task name -> queues
        self._tells: dict[str, datetime] = {}  # worker -> when it first sent an event of a task
        self._counted: dict[str, tuple[int, datetime]] = {}  # worker -> how many messages its heartbeat counts, and since when it is that many
        self._reads: Mapping[str, frozenset[str]] = {}  # worker -> queues
        self._lost_at: dict[str, datetime] = {}  # worker -> when it last received something that could not be placed

    def restore(self, readings: Iterable[QueueReading]) -> None:
        """Go on from the last snapshot: what was seen first stays seen first, and queues without a worker stay known."""
        for queue in readings:
            self.names.add(queue.name)
            self._heads |= {(queue.name, head.priority): head for head in queue.heads}
            self._flows[queue.name].samples.extend(queue.samples)
            if queue.consumers:
                self._was_read.add(queue.name)
            if queue.unread_since is not None:
                self._unread[queue.name] = (queue.unread_since, queue.unread_is_minimum)

    def event(self, event: Event, run: LiveRun, at: datetime) -> None:
        """Tell the run of an event that its message was sent, or that it left its queue, which queue that is, where it is known."""
        if event.type == "task-sent":
            self._was_sent(event, run)
        elif run.queue is None and event.hostname is not None:
            run.queue = self._placed.get(run.task_id) or self._only_one(event.hostname, run.name)
            if run.queue is None:
                self._has_no_place(run.task_id, event.hostname, at)

    def begun(self, alike: Alike, runs: Runs, at: datetime) -> None:
        """Count what events tell of queues; their runs have been told theirs."""
        if alike.kind == "task-sent" and alike.queue:
            self.names.add(alike.queue)
        elif alike.kind != "task-sent" and alike.sender is not None:
            if alike.sender not in self._tells:
                self._keep(self._tells, alike.sender, at)
            if alike.queue is not None:
                self._took(alike.queue, at, len(runs))

    def beat(self, event: Event, at: datetime) -> None:
        """A heartbeat counts the messages that its worker has taken, whether it tells of them or not."""
        if event.hostname is not None and event.processed is not None and self._counted.get(event.hostname, (None,))[0] != event.processed:
            self._keep(self._counted, event.hostname, (event.processed, at))

    def _keep(self, known: dict[str, T], worker: str, value: T) -> None:
        """Anybody may send under any name: there is room for so many, and for those that read a queue first."""
        if worker not in known and len(known) >= MAX_WORKERS:
            for name in known.keys() - self._reads.keys():
                del known[name]
        if worker in known or len(known) < MAX_WORKERS:
            known[worker] = value

    def _was_sent(self, event: Event, run: LiveRun) -> None:
        queue = same(event.queue or event.routing_key)
        if not queue:
            return
        run.queue = queue
        if queue not in self._seen_in.get(run.name or "", ()):
            self._saw(event.name, queue)
        if self._unplaced and (early := self._unplaced.pop(run.task_id, None)):
            self._took(queue, early[1])

    def _took(self, queue: str, at: datetime, count: int = 1) -> None:
        """A worker received so many messages from it."""
        if queue in self._flows or len(self._flows) < MAX_NAMES:
            self._flows[queue].take(at, count)

    def _saw(self, name: str | None, queue: str | None) -> None:
        if name and queue and (name in self._seen_in or len(self._seen_in) < MAX_NAMES) and len(self._seen_in[name]) < MAX_QUEUES_OF_ONE:
            self._seen_in[name].add(queue)

    def _has_no_place(self, task_id: str, worker: str, at: datetime) -> None:
        """A worker received it from a queue that is not known, or not yet."""
        if len(self._unplaced) < MAX_UNPLACED:
            self._unplaced[task_id] = (worker, at)
        else:
            self._keep(self._lost_at, worker, at)
        for one in self._reads.get(worker, ()):
            self._flows[one].may_have_lost_one()

    def _only_one(self, worker: str, name: str | None) -> str | None:
        """The queue that it must have come from, where there is one alone."""
        reads = self._reads.get(worker, frozenset())
        seen = self._seen_in.get(name or "", set())
        known = reads if len(reads) == 1 else reads & seen if len(seen) < MAX_QUEUES_OF_ONE else frozenset()
        return next(iter(known)) if len(known) == 1 else None

    def _settle(self, at: datetime) -> None:
        """What could not be placed and was not told of since is lost."""
        for task_id, (worker, received_at) in list(self._unplaced.items()):
            if at - received_at > LATE:
                self._keep(self._lost_at, worker, received_at)
                del self._unplaced[task_id]

    def read(self, seen: QueuesRead, readers: Readers | None, events_since: datetime | None) -> list[str]:
        """Take in a reading; `events_since` is since when events are received without a loss.  Returns the sections that changed."""
        self._reads = _reads(readers or {})
        self._settle(seen.at)
        self._placed = {message.task_id: message.queue for message in seen.unacked if message.task_id and message.queue}
        for message in seen.unacked:
            self._saw(message.task_name, message.queue)
        consumers = {queue.name: None if readers is None else readers.get(_as_workers_say(queue), ()) for queue in seen.queues}
        readings = tuple(self._known(queue, seen.at, consumers[queue.name], events_since) for queue in seen.queues)
        kept = {queue.name for queue in readings}
        self.names.saw(readings)
        self._flows = defaultdict(Flow, {name: flow for name, flow in self._flows.items() if name in kept})
        self._unread = {name: since for name, since in self._unread.items() if name in kept}
        self._was_read &= kept
        self._heads = {(queue.name, head.priority): head for queue in readings for head in queue.heads}
        changed = [name for name, old, new in (("queues", self.readings, readings), ("unacked", self.unacked, tuple(seen.unacked))) if old != new]
        self.readings, self.unacked = readings, tuple(seen.unacked)
        return changed

    def _known(self, queue: QueueReading, at: datetime, consumers: tuple[str, ...] | None, events_since: datetime | None) -> QueueReading:
        flow = self._flows[queue.name]
        flow.read(queue.ready, at)
        began = flow.since if consumers == () else flow.told_since(events_since)  # nobody receives nothing, heard or not
        out_is_known = self._all_tell(consumers, began or at, at, events_since)
        into, out = flow.rates(began if out_is_known else None)
        heads = tuple(self._with_times(queue.name, head, at) for head in queue.heads)
        unread_since, unread_is_minimum = self._note_readers(queue.name, consumers, at)
        oldest_at, is_minimum = _oldest(heads, flow.waiting_since(out_is_known=out_is_known))
        return replace(
            queue,
            consumers=consumers,
            unread_since=unread_since,
            unread_is_minimum=unread_is_minimum,
            heads=heads,
            oldest_at=oldest_at,
            oldest_is_minimum=is_minimum,
            in_per_s=into,
            out_per_s=out,
            grown=flow.grown,
            samples=tuple(flow.samples),
        )

    def _note_readers(self, name: str, consumers: tuple[str, ...] | None, at: datetime) -> tuple[datetime | None, bool]:
        """Since when nobody reads it; while nobody can be asked, that is remembered and not told."""
        if consumers is None:
            return None, False
        if consumers:
            self._unread.pop(name, None)
            self._was_read.add(name)
            return None, False
        return self._unread.setdefault(name, (at, name not in self._was_read))

    def _all_tell(self, consumers: tuple[str, ...] | None, since: datetime, at: datetime, events_since: datetime | None) -> bool:
        """Whether everything that was received from this queue since then is known; nobody receives nothing."""
        if consumers is None:
            return False
        if not consumers:
            return True
        return events_since is not None and events_since <= since and all(self._tells_all(worker, since, at) for worker in consumers)

    def _tells_all(self, worker: str, since: datetime, at: datetime) -> bool:
        lost_at, counted = self._lost_at.get(worker), self._counted.get(worker)
        if lost_at is not None and at - lost_at <= WINDOW:
            return False
        return worker in self._tells or (counted is not None and counted[1] <= since + HEARTBEAT_LATE)

    def _with_times(self, name: str, head: QueueHead, at: datetime) -> QueueHead:
        """When its sending was seen, and when it was first seen at the head."""
        self._saw(head.task_name, name)
        if not head.mark:
            return head
        before = self._heads.get((name, head.priority))
        is_same = before is not None and before.mark == head.mark
        sent_at = time_of(self._sent_at(head.task_id)) if head.task_id else None
        return replace(
            head,
            first_seen_at=before.first_seen_at if is_same and before else at,
            sent_at=sent_at or (before.sent_at if is_same and before else None),
        )

    def sample(self, is_known: bool) -> None:
        """One more sample of every queue's depth."""
        self.readings = tuple(self._sampled(queue, is_known=is_known) for queue in self.readings)

    def _sampled(self, queue: QueueReading, *, is_known: bool) -> QueueReading:
        samples = self._flows[queue.name].samples
        samples.append(queue.ready if is_known else None)
        return replace(queue, samples=tuple(samples))


def _oldest(heads: Sequence[QueueHead], waiting_since: datetime | None) -> tuple[datetime | None, bool]:
    """Since when the oldest message waits, and whether it may be longer: exact only where each priority's head was seen when it was sent."""
    times = [at for head in heads for at in (head.sent_at or head.first_seen_at,) if at is not None]
    if heads and all(head.sent_at is not None for head in heads):
        return min(times), False
    known = [*times, waiting_since] if waiting_since is not None and heads else times
    return min(known, default=None), bool(known)


def _as_workers_say(queue: QueueReading) -> str:
    """Its whole name, where what is shown is cut."""
    return queue.raw_name.decode("utf-8", "backslashreplace") or queue.name


def _reads(readers: Readers) -> dict[str, frozenset[str]]:
    """The same the other way round: worker -> queues."""
    found: dict[str, set[str]] = defaultdict(set)
    for queue, workers in readers.items():
        for worker in workers:
            found[worker].add(queue)
    return {worker: frozenset(queues) for worker, queues in found.items()}
