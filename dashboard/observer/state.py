"""The observer's state: a reducer over observations. It does no I/O and has no clock: the same observations give the same state."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from dashboard.judge import assess
from dashboard.judge.facts import gather
from dashboard.judge.holders import OWNER_AWAITED, find_holder
from dashboard.judge.left_runs import endings
from dashboard.judge.runs import judge_runs
from dashboard.judge.standing import busy
from dashboard.judge.verdicts import is_settling
from dashboard.observer.books import Books
from dashboard.observer.event_reducer import EventReducer
from dashboard.observer.figures import total
from dashboard.observer.known_runs import MAX_RUNS
from dashboard.observer.lock_readings import lapsed_key
from dashboard.observer.lock_reducer import LockReducer
from dashboard.observer.observations import (
    AppRead,
    ChangedByHand,
    ClockSet,
    ConnectionSeen,
    EventsDropped,
    EventsLost,
    EventsSeen,
    LocksRead,
    Observation,
    QueuesRead,
    ReleasedByHand,
    ResultsRead,
    Scanned,
    SchedulesRead,
    ServerRead,
    SourceSaid,
    Tick,
    TracesRead,
    WorkersAnswered,
)
from dashboard.records import FlowReading, Observer, Policy, QueueReading, Snapshot

URGENT = frozenset({"locks", "lanes", "refusals", "waits", "losses", "mishaps"})  # what an operator waits for; announced on its own

JUDGED_AT_ONCE = 100  # held locks whose proofs are looked for within one second: more would hold up what somebody waits for


class State(Books):
    """Everything known at the time of the last observation; `apply` names the sections that changed."""

    def __init__(self, places: Sequence[tuple[str, str]], policy: Policy, max_runs: int = MAX_RUNS) -> None:
        super().__init__(places, max_runs)
        self._reducer, self._locks, self._flowed = EventReducer(self), LockReducer(self), FlowReading()
        self.observer: Observer | None = None
        self.received = self.passed_over = 0
        self._policy = policy

    def apply(self, seen: Observation) -> set[str]:
        """Take in one observation; the sections of the snapshot that it changed."""
        if isinstance(seen, EventsSeen):
            return self._events(seen)
        reduce: dict[type, Callable[[Any], Collection[str] | None]] = {
            LocksRead: self._locks.read,
            EventsDropped: self.gaps.drop,
            EventsLost: self.gaps.lose,
            WorkersAnswered: self._answered,
            ConnectionSeen: lambda one: ("workers",) if self.workers.connection(one) else (),
            QueuesRead: self._queues_read,
            ResultsRead: lambda one: ("results", "result_counts") if self.results.read(one) else (),
            AppRead: self.tasks.app,
            TracesRead: lambda one: ("traces",) if self.traces.read(one, lambda task_id: self.runs.get(task_id) is not None) else (),
            SchedulesRead: self._schedules_read,
            SourceSaid: self._source,
            Scanned: self._locks.scanned,
            ServerRead: self._locks.server,
            ReleasedByHand: self._locks.by_hand,
            ChangedByHand: self._locks.changed_by_hand,
            ClockSet: self._clock_was_set,
            Tick: self._tick,
        }
        return self._reducer.count() | set(reduce[type(seen)](seen) or ())

    def _events(self, seen: EventsSeen) -> set[str]:
        self.received += len(seen.events)
        return self._reducer.take(seen.events, seen.at)

    def _answered(self, seen: WorkersAnswered) -> Collection[str]:
        self.workers.answered(seen)
        if seen.command == "active":
            for name, listed in seen.replies.items():
                self.runs.active(name, self.workers.newest(name), listed, seen.at)
            return ("workers", "runs")
        if seen.command == "registered":
            self.tasks.known({task for worker in self.workers.workers.values() if worker.name in seen.replies for task in worker.tasks or ()}, seen.at)
        return ("workers",)

    def _queues_read(self, seen: QueuesRead) -> Collection[str]:
        """Who reads a queue is None while nobody could be asked, for unknown is not nobody."""
        self.tasks.messages(seen)
        readers = self.workers.readers_at(seen.at) if self.source_book.is_ok("workers") else None
        return self.queue_book.read(seen, readers, self._told_since())

    def _schedules_read(self, seen: SchedulesRead) -> Collection[str]:
        self.schedules.read(seen)
        return ("schedules",) if self.schedules.refresh(seen.at, self._told_since()) else ()

    def _told_since(self) -> datetime | None:
        """Since when every event was taken in; None: it cannot be said."""
        since, lost_until = self.source_book.events_since(), self.gaps.since()
        return max(since, lost_until) if since and lost_until else since

    @property
    def queues(self) -> tuple[QueueReading, ...]:
        """The newest reading of each queue."""
        return self.queue_book.readings

    def _source(self, seen: SourceSaid) -> Collection[str]:
        if seen.source.name == "events" and seen.source.ok:
            self.workers.listens_since = self.workers.listens_since or seen.source.since
        return ("sources",) if self.source_book.say(seen.source) else ()

    def _clock_was_set(self, seen: ClockSet) -> Collection[str]:
        self.workers.clock_was_set(seen.at, seen.by)
        self.runs.clock_was_set(seen.at)
        self.gaps.lose(EventsLost(from_at=seen.at, to_at=seen.at, was_cut=False))
        return ("workers", "runs", "flow")

    def _tick(self, seen: Tick) -> Collection[str]:
        before = len(self.locks.lapsed)
        self.locks.forget(seen.at)
        self.workers.forget(self.locks.locks(), seen.at)
        self.pace.delay(seen.at)
        self.gaps.settle(seen.at)
        self.gaps.forget(set(self.workers.workers))
        self.runs.forget(self.locks.locks(), self.workers.workers, seen.at)
        answering = {source.name.removeprefix("cache ") for source in self.source_book.caches() if source.ok}
        are_some_gone = self.locks.expire(answering, seen.at)
        are_proofs_new = self._judge_locks(seen.at)
        changed = {"sources", "workers", "observer", "candidates_missed_at", "listens_since", *self._flow_of(seen.at)}
        if self.servers.forget(seen.at):
            changed.add("mishaps")
        if self.attempts.forget(self.runs.is_over, seen.at):
            changed |= {"waits", "losses", "lanes"}
        if self.tasks.refresh(seen.at, self._told_since()):
            changed.add("tasks")
        if self.schedules.refresh(seen.at, self._told_since()):
            changed.add("schedules")
        if are_some_gone or are_proofs_new or len(self.locks.lapsed) != before:
            changed |= {"locks", "lanes"}
        if self.figures.due(seen.at):
            self._sample(seen.at)
            self._find_the_lost(seen.at)
            self.queue_book.sample(self.source_book.is_ok("broker"))
            self.counts.take(seen.at)
            changed |= {"counts", "figures", "refusals", "runs", "more_runs", "lanes", "queues"}
        return changed

    def _find_the_lost(self, now: datetime) -> None:
        """The runs of which the judge can prove that they are lost, while it can: their workers are forgotten some day."""
        if len(self.workers.living(now, self._policy.grace)) < len(self.workers.workers):
            judged = judge_runs(self.snapshot(now), (), now, self._policy)
            self.runs.are_lost([one.run.task_id for one in judged if one.state == "lost"])

    def _flow_of(self, now: datetime) -> Collection[str]:
        """The flow after a second more: locks taken by likely holders count as well, and what was counted a minute ago no longer does."""
        if unjudged := self.flow.unjudged():
            facts = gather(self.snapshot(now), now, self._policy)
            for lock in unjudged:
                holder, _run, why = find_holder(lock, facts)
                if why[0].code == OWNER_AWAITED:
                    self.flow.judge_later(lock)
                    continue
                self.flow.took(lock.id, holder.worker, now)
                self.lock_past.holder(lock, holder)
        self.flow.settle(now)
        before, self._flowed = self._flowed, self.flow.reading(now, self._told_since())
        return ("flow",) if before != self._flowed else ()

    def _judge_locks(self, now: datetime) -> bool:
        """Keep what is proved of a holder's death, and an expired lock only while its holder's run may go on; True where a proof is new."""
        locks = [*self.locks.lapsed.values(), *self.locks.next_in_turn(JUDGED_AT_ONCE)]
        if not locks:
            return False
        judged = assess(known := replace(self.snapshot(now), locks=tuple(locks)), now, self._policy)
        living = {lapsed_key(one.lock) for one in judged if one.lock.lapsed_at is not None}
        for lock in (one.lock for one in judged if one.lock.went == "deleted"):  # its run is named still, longer than word of its end may take
            self.lock_past.removed(lock)
            self.locks.was_lost(lock.id, lock.token_digest)
        living |= {lapsed_key(lock) for lock in locks if is_settling(lock, now)}
        if ended := self._locks.left_no_more(living):
            self._locks.ended(endings(ended, known, now, self._policy), now)
        self.locks.drop_lapsed(living, now)
        return self._locks.judged(judged, now)

    def _sample(self, now: datetime) -> None:
        broker = self.source_book.is_ok("broker")
        caches = self.source_book.caches()
        grace = self._policy.grace
        told = [count for worker in self.workers.living(now, grace) if (count := busy(worker, "online", now, self._policy)) is not None]
        self.figures.sample(
            now,
            are_events_received=self.source_book.is_ok("events"),
            locks=sum(lock.is_lock for lock in self.locks.held.values()) if caches and all(source.ok and not source.search for source in caches) else None,
            ready=sum(queue.ready for queue in self.queues) if broker else None,
            unacked=total([queue.unacked for queue in self.queues]) if broker else None,
            busy=sum(told) if self.source_book.is_ok("workers") else None,
        )

    def snapshot(self, now: datetime, sections: Collection[str] = ("runs", "more_runs")) -> Snapshot:
        """Everything known, as the pages read it; runs, which cost the most, only where they are among `sections`."""
        self._reducer.count()
        runs, more_runs = self.runs.shown() if {"runs", "more_runs"} & set(sections) else ((), 0)
        return Snapshot(
            at=now,
            locks=self.locks.locks(),
            lanes=self.locks.lanes(now, self.attempts.by_lock()),
            refusals=tuple(self.locks.refusals),
            waits=tuple(self.attempts.waits.values()),
            losses=tuple(self.attempts.losses),
            runs=runs,
            more_runs=more_runs,
            candidates_missed_at=self.runs.missed_at if self.runs.are_all_shown else now,
            workers=tuple(self.workers.workers.values()),
            listens_since=self.workers.listens_since,
            queues=self.queues,
            unacked=self.queue_book.unacked,
            results=self.results.results,
            result_counts=self.results.counts,
            traces=self.traces.traces,
            tasks=self.tasks.readings,
            schedules=self.schedules.readings,
            sources=tuple(self.source_book.states.values()),
            servers=tuple(self.servers.servers.values()),
            mishaps=tuple(self.servers.mishaps),
            flow=self.flow.reading(now, self._told_since()),
            figures=self.figures.figures(now, are_events_received=self.source_book.is_ok("events"), whole_since=self._told_since()),
            counts=self.counts.taken,
            observer=self.observer,
        )
