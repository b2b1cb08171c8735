"""What workers report of their locks beside refusals: attempts that wait, and locks that their holders lost. No I/O, no clock."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from dashboard.observer.lock_book import HOUR, KEPT, LockBook
from dashboard.records import HeldLock, Loss, Wait
from dashboard.sources.event import Event

MAX_WAITS = 2000
MAX_LOSSES = 1000
MAX_REPEATED = 200  # as of refusals
TOLD_LATE = timedelta(seconds=5)  # after its limit its refusal may still be on the way
LONGEST = timedelta(hours=6)  # a wait without a limit, of which nothing more was told


class AttemptBook:
    """Follows each wait to its end by the digest of its token: a lock with it is held, a refusal has it, or its time is over."""

    def __init__(self, locks: LockBook) -> None:
        self._locks = locks
        self.waits: dict[str, Wait] = {}  # by the digest of the attempt's token, the oldest first
        self.losses: deque[Loss] = deque(maxlen=MAX_LOSSES)
        self._told: deque[tuple[object, ...]] = deque(maxlen=MAX_REPEATED)

    def restore(self, waits: Iterable[Wait], losses: Iterable[Loss]) -> None:
        """Go on from what the last observer wrote."""
        self.waits = {wait.token_digest: wait for wait in waits}
        self.losses.extend(losses)

    def waiting(self, event: Event, at: datetime) -> bool:
        """A `lock-waiting` event; False where it was told before, or its key is in no watched place."""
        place, digest = self._new(event), event.digest
        if place is None or digest is None or digest in self.waits or len(self.waits) >= MAX_WAITS:
            return False
        cache, lock_id, name = place
        limit = timedelta(seconds=event.limit) if event.limit is not None else None
        known = Wait(lock_id=lock_id, cache=cache, name=name, token_digest=digest, from_at=at, limit=limit)
        wait = replace(known, task_id=event.uuid, task_name=event.task, worker=event.hostname)
        held = self._locks.held.get(lock_id)
        self.waits[digest] = _ended(wait, at, "acquired") if held is not None and held.token_digest == digest else wait
        return True

    def lost(self, event: Event, at: datetime) -> bool:
        """A `lock-lost` event; False as above."""
        place, digest = self._new(event), event.digest
        if place is None or digest is None:
            return False
        cache, lock_id, name = place
        loss = Loss(lock_id=lock_id, cache=cache, name=name, token_digest=digest, at=at, noticed=event.noticed)
        self.losses.append(replace(loss, task_id=event.uuid, task_name=event.task, worker=event.hostname))
        self._locks.was_lost(lock_id, digest)
        return True

    def _new(self, event: Event) -> tuple[str, str, str] | None:
        """The cache, lock id and name that it is about; None where it was told before, or is about none that we watch."""
        said = (event.type, event.key, event.pid, event.timestamp, event.digest)
        place = self._locks.place_of(event.key) if event.key is not None and said not in self._told else None
        if place is not None:
            self._told.append(said)
        return place

    def ended(self, digest: str | None, at: datetime, end: str) -> bool:
        """The wait of that attempt is over; False where none is known that goes on."""
        wait = self.waits.get(digest or "")
        if wait is None or wait.to_at is not None:
            return False
        self.waits[wait.token_digest] = _ended(wait, at, end)
        return True

    def held(self, locks: Sequence[HeldLock], at: datetime) -> bool:
        """Locks that were read: whose token waited for it waits no more."""
        ended = [lock for lock in locks if self.ended(lock.token_digest, at, "acquired")] if self.waits else []
        return bool(ended)

    def forget(self, is_over: Callable[[str], bool], now: datetime) -> bool:
        """End the waits that must be over, `is_over` says it of a task's run, and drop what no page shows; True where something changed."""
        before = len(self.waits), len(self.losses)
        due = [wait for wait in self.waits.values() if wait.to_at is None and _must_be_over(wait, is_over, now)]
        for wait in due:
            self.ended(wait.token_digest, now, "unknown")
        self.waits = {digest: wait for digest, wait in self.waits.items() if wait.to_at is None or now - wait.to_at <= KEPT}
        while self.losses and now - self.losses[0].at > HOUR:
            self.losses.popleft()
        return bool(due) or before != (len(self.waits), len(self.losses))

    def by_lock(self) -> Mapping[str, Sequence[Wait]]:
        """The waits for each lock, by its id."""
        found: dict[str, list[Wait]] = defaultdict(list)
        for wait in self.waits.values():
            found[wait.lock_id].append(wait)
        return found


def _ended(wait: Wait, at: datetime, end: str) -> Wait:
    return replace(wait, to_at=at, end=end)


def _must_be_over(wait: Wait, is_over: Callable[[str], bool], now: datetime) -> bool:
    longest = LONGEST if wait.limit is None else wait.limit + TOLD_LATE
    return now - wait.from_at > longest or (wait.task_id is not None and is_over(wait.task_id))
