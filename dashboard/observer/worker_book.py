"""What the observer knows of workers: one record for each process, told apart by name and pid."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from dashboard.observer.heard_beats import HeardBeats, Key, with_vitals
from dashboard.observer.lock_readings import AT_ONCE
from dashboard.observer.observations import ConnectionSeen, WorkersAnswered
from dashboard.observer.worker_answers import SURE_AFTER, answered_alone, beside_another, with_answer
from dashboard.records import Claim, HeldLock, Worker
from dashboard.sources.event import Event

FORGOTTEN = timedelta(hours=1)  # a process that is gone, unless a lock belongs to it
MAX_WORKERS = 1000
SKEWED, MAX_SKEW = timedelta(seconds=2), timedelta(days=365_000)  # beyond a thousand years it was forged, and a time that it is added to may be none
ONLINE_WITHIN = timedelta(minutes=10)
MAX_ONLINE = 50
CLOCK_BEFORE = timedelta(seconds=10)  # how long after a worker was heard last a lock may have been seen, by the clock that was set
MAX_STEPS = 8  # of our clock, until a worker says when it began
TOLD_EVERY = timedelta(seconds=1)  # that it tells of its runs: a new record for every batch of events would cost more than they do
AT_FIRST = timedelta(seconds=5)  # a heartbeat comes every 2 s, and who is new is called at once


class WorkerBook:
    """Reduces events and answers to one record per process."""

    def __init__(self) -> None:
        self.workers: dict[Key, Worker] = {}
        self.listens_since: datetime | None = None  # when anybody began to, one observer after the other
        self._beats = HeardBeats()
        self._alone_from: datetime | None = None  # after our clock was set back: what was taken by the one before looks as if it was taken later
        self._passed_over: dict[Key, datetime] = {}  # when the last event came that said nothing new of its worker, until the next `forget`

    def restore(self, workers: Iterable[Worker]) -> None:
        """Go on from what the observer before knew, whose clock need not be ours."""
        self.workers = {(worker.name, worker.pid): replace(worker, clock_steps=()) for worker in workers}

    def has_just_told(self, event: Event, at: datetime) -> bool:
        """Whether an event of a run says nothing new of this worker: one like it was taken in a moment ago, and all that it shows is known."""
        known = self.workers.get((event.hostname or "", event.pid))
        if known is None or known.task_event_at is None or at - known.task_event_at >= TOLD_EVERY:
            return False
        is_latest = known.vitals_at is None or known.vitals_at <= known.task_event_at  # else it would be taken for mute
        if not is_latest or known.sends_events is not True or known.connection_gone_at is not None:
            return False
        self._passed_over[known.name, known.pid] = at
        return True

    def event(self, event: Event, at: datetime, skew: timedelta | None, *, is_late: bool = False) -> bool:
        """Any event of a worker shows that it lives; `worker-offline` that it is leaving. Of many task events at once one is enough."""
        name, pid, kind = event.hostname, event.pid, event.type
        if name is None or pid is None:
            return False
        known = self._known(name[:255], pid, at)
        is_of_task = kind.startswith("task-")
        worker = replace(
            known,
            last_heard_at=max(known.last_heard_at, at),
            last_event_at=at,
            connection_known=known.connection_known and not is_late,  # it was used some time before, and is to be found anew
            connection_gone_at=None,
            said_offline_at={"worker-offline": at, "worker-online": None}.get(kind, known.said_offline_at),
            clock_skew=skew if skew is not None and SKEWED <= abs(skew) <= MAX_SKEW else None,
            task_event_at=at if is_of_task else known.task_event_at,
            sends_events=True if is_of_task else known.sends_events,
        )
        if kind == "worker-online":
            recent = [time for time in worker.online_at if at - time < ONLINE_WITHIN]
            left_at = known.said_offline_at or known.left_at  # it may be another process with the same pid
            worker = replace(worker, online_at=(*recent, at)[-MAX_ONLINE:], started_at=None, started_after=None, left_at=left_at)
            self._beats.begins((worker.name, pid))
            worker = replace(worker, alone_since=self._alone_from_its_coming(worker, at), alone_calls=0, spoke_alone_at=None)
        elif kind == "worker-heartbeat":
            worker = with_vitals(worker, event, at)
            if times := self._beats.went_back((worker.name, pid), event, at):
                worker = beside_another(worker, at) if times > 1 else replace(worker, alone_calls=0, spoke_alone_at=None)
        self._keep(worker)
        return True

    def _alone_from_its_coming(self, came: Worker, at: datetime) -> datetime | None:
        """Since when it is known to be the only one under its name: nobody had that name, or it was known of the one before, which may be there still."""
        known = self.workers.get((came.name, came.pid))
        if known is None:
            return at
        is_sure = known.alone_calls >= SURE_AFTER or known.alone_since not in known.online_at  # else two may have come in the same moment
        may_be_busy = known.pool == "solo" and known.said_offline_at is None
        return known.alone_since if is_sure and not may_be_busy else None

    def _heard(self, name: str, pid: int | None, at: datetime) -> Worker:
        known = self._known(name, pid, at)
        return replace(known, last_heard_at=max(known.last_heard_at, at), connection_gone_at=None)

    def _known(self, name: str, pid: int | None, at: datetime) -> Worker:
        is_first = self.listens_since is not None and at - self.listens_since < AT_FIRST
        return self.workers.get((name, pid)) or Worker(name=name, pid=pid, first_heard_at=at, last_heard_at=at, was_there_first=is_first)

    def _keep(self, worker: Worker) -> None:
        if (worker.name, worker.pid) in self.workers or len(self.workers) < MAX_WORKERS:
            self.workers[worker.name, worker.pid] = worker

    def answered(self, answer: WorkersAnswered) -> None:
        """What the workers said, and that the others were asked and did not say it."""
        for name, said in (*answer.replies.items(), *answer.again):
            worker = self._speaking(name, said, answer)
            if worker is not None:
                self._keep(with_answer(worker, answer, said))
        if not answer.asked:
            self._called(answer)
        for name in set(answer.asked) - answer.replies.keys():
            for worker in self._of(name):
                self._keep(replace(worker, asked_at=answer.asked_at))

    def _called(self, answer: WorkersAnswered) -> None:
        """Everybody was called: one name that is answered twice is two processes', and the answers under it may be of either."""
        shared = {name for name, _ in answer.again}
        for name in shared:
            for worker in self._of(name):
                self._keep(beside_another(worker, answer.at))
        for name in answer.replies.keys() - shared:
            if (alone := self.newest(name)) is not None:
                self._keep(answered_alone(alone, max(filter(None, (answer.asked_at, self._alone_from)))))

    def _speaking(self, name: str, said: Any, answer: WorkersAnswered) -> Worker | None:
        """The process of that name that answered: `stats` tells its pid, else the one heard last that did not say goodbye."""
        if answer.command == "stats" and isinstance(said, dict) and isinstance(said.get("pid"), int):
            return self._heard(name, said["pid"], answer.at)
        newest = self.newest(name)
        return replace(newest, last_heard_at=max(newest.last_heard_at, answer.at), connection_gone_at=None) if newest else None

    def newest(self, name: str) -> Worker | None:
        """The process that answers under this name now."""
        living = [worker for worker in self._of(name) if worker.said_offline_at is None]
        return max(living, key=lambda worker: worker.first_heard_at, default=None)

    def _of(self, name: str) -> list[Worker]:
        return [worker for worker in self.workers.values() if worker.name == name]

    def connection(self, seen: ConnectionSeen) -> bool:
        worker = self.workers.get((seen.worker, seen.pid))
        if worker is None:
            return False
        used_at = self._passed_over.get((worker.name, worker.pid), worker.last_event_at)
        if not seen.is_open and seen.last_event_at != used_at:  # it has used its connection since
            return False
        gone_at = None if seen.is_open else worker.connection_gone_at or (seen.at if worker.connection_known else None)
        self._keep(replace(worker, connection_known=worker.connection_known or seen.is_open, connection_gone_at=gone_at))
        return True

    def lock_moved(self, claim: Claim, at: datetime) -> bool:
        """A run of it took a lock, or put one off; True where nothing else says any more that it lives."""
        worker = next((known for pid in (claim.parent_pid, claim.pid) if (known := self.workers.get((claim.worker or "", pid)))), None)
        gone_at = worker.connection_gone_at if worker is not None else None
        if worker is None or gone_at is None or at <= gone_at or (worker.lock_moved_at or gone_at) > gone_at:
            return False
        self._keep(replace(worker, lock_moved_at=at))
        return True

    def lock_moved_by_hand(self, claim: Claim, at: datetime) -> bool:
        """It was an operator who moved this lock then: what was seen of it at that moment is no sign of its holder's life."""
        named = self._of(claim.worker or "")
        wrong = [worker for worker in named if worker.lock_moved_at is not None and abs(worker.lock_moved_at - at) <= AT_ONCE]
        for worker in wrong:
            self._keep(replace(worker, lock_moved_at=None))
        return bool(wrong)

    def forget(self, locks: Sequence[HeldLock], now: datetime) -> None:
        """Drop processes that have been silent for long, unless a lock is theirs or may be; and take in when each was heard last."""
        for key, at in self._passed_over.items():
            if (known := self.workers.get(key)) is not None:  # its connection was used then, and no earlier
                self._keep(replace(known, last_heard_at=max(known.last_heard_at, at), last_event_at=max(known.last_event_at or at, at)))
        self._passed_over = {}
        needed, kept_since = {lock.claim.worker for lock in locks if lock.claim}, now - FORGOTTEN
        kept_since = min((kept_since, *filter(None, map(_may_be_anybodys_since, locks))))  # whoever was heard since then may have it
        self.workers = {key: worker for key, worker in self.workers.items() if worker.last_heard_at > kept_since or worker.name in needed}
        self._beats.keep_only(set(self.workers))

    def clock_was_set(self, at: datetime, by: timedelta) -> None:
        """Nothing that compares a moment from before with one since is known: what was heard of each is heard again, where it lives."""
        self._passed_over = {}
        self.listens_since = min(self.listens_since, at - AT_FIRST) if self.listens_since else None  # nobody new was there first
        heard_at = max((worker.last_heard_at for worker in self.workers.values()), default=at)
        self._alone_from = max(heard_at + CLOCK_BEFORE, self._alone_from or heard_at) if heard_at > at else self._alone_from
        self.workers = {key: _by_a_clock_that_was_set(worker, at, by) for key, worker in self.workers.items()}

    def living(self, now: datetime, within: timedelta) -> list[Worker]:
        """Those heard of within that time that have not said goodbye."""
        return [worker for worker in self.workers.values() if worker.said_offline_at is None and now - worker.last_heard_at <= within]

    def readers_at(self, now: datetime) -> dict[str, tuple[str, ...]] | None:
        """Who reads each queue; a silent one counts until its connection is known to be gone.  None while some worker has not told its queues."""
        present = [worker for worker in self.living(now, FORGOTTEN) if worker.connection_gone_at is None]
        if any(worker.queues is None for worker in present):
            return None
        readers: dict[str, set[str]] = {}
        for worker in present:
            for queue in worker.queues or ():
                readers.setdefault(queue, set()).add(worker.name)
        return {queue: tuple(sorted(names)) for queue, names in readers.items()}


def _by(told_at: datetime | None, at: datetime) -> datetime | None:
    """No later than that: else what is told from now on would be taken for older."""
    return min(told_at, at) if told_at is not None else None


def _may_be_anybodys_since(lock: HeldLock) -> datetime | None:
    """When a lock was taken that names no worker, by our clock or by its holder's, whichever says the earlier; None: it names one, or nobody's run."""
    if lock.claim is None or lock.claim.worker is not None or not (lock.claim.attempted_at or lock.claim.task_digest):
        return None
    return min(filter(None, (lock.claim.attempted_at, lock.first_seen_at)))


def _by_a_clock_that_was_set(worker: Worker, at: datetime, by: timedelta) -> Worker:
    """`alone_since` stays: by the clock of then it is compared with the locks of then, and those taken until this one has come so far are in doubt.

    Not where another observer's clock was ahead: when a process began that has its name and pid now cannot be compared with the locks of then.
    """
    return replace(
        worker,
        alone_calls=worker.alone_calls if worker.clock_steps else 0,
        alone_since=worker.alone_since if worker.clock_steps else None,
        first_heard_at=min(worker.first_heard_at + min(by, timedelta(0)), at),  # what is taken from now on is not from before it
        last_heard_at=min(worker.last_heard_at, at),
        last_event_at=None,
        connection_known=False,
        connection_gone_at=None,
        spoke_alone_at=None,
        active_at=None,
        pool_read_at=None,
        shared_at=None if worker.shared_at is None else at,  # of two under one name the clock makes no single one
        clock_steps=tuple(dict.fromkeys((*worker.clock_steps, *(step + by for step in worker.clock_steps))))[-MAX_STEPS:],
        vitals_at=_by(worker.vitals_at, at),
        task_event_at=_by(worker.task_event_at, at),
    )


def began_at(worker: Worker) -> datetime | None:
    """Since when its name and pid are this process's, as far as it is told: one before may have had the same, as in a container, and be leaving."""
    return worker.started_at or (worker.online_at[-1] if worker.online_at else None)
