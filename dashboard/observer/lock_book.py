"""What the observer knows of locks: held ones, those that expired under their holder, refused attempts, and the last two minutes of each."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from dashboard.judge.proofs import proof_of
from dashboard.observer import lock_spans
from dashboard.observer.hands import Hands
from dashboard.observer.key_places import place_of
from dashboard.observer.lapsed_locks import LapsedLocks
from dashboard.observer.lock_readings import SAME_DEADLINE, is_deleted_early, is_unread, lapsed_key, merged_with, read_by_another, whole
from dashboard.observer.observations import LocksRead, ReleasedByHand
from dashboard.records import HeldLock, JudgedLock, Lane, Refusal, Span, Wait
from dashboard.sources.event import Event

KEPT = timedelta(seconds=150)  # of each lane: the two minutes shown and a little more
HOUR = timedelta(hours=1)
MAX_REFUSALS = 5000
MAX_REPEATED = 200  # a report is sent again at once where its connection broke, so the last ones are enough to know it by
MAX_SPANS = 60  # of one lock in the time shown
MAX_LAPSED_FOR = timedelta(hours=6)


class LockBook:
    """Reduces readings of locks; every time comes with the reading."""

    def __init__(self, places: Sequence[tuple[str, str]]) -> None:
        self.places = places  # (alias, prefix), to know which cache an event's key belongs to
        self.held: dict[str, HeldLock] = {}
        self.lapsed = LapsedLocks()
        self.spans: dict[str, deque[Span]] = {}
        self.names: dict[str, tuple[str, str]] = {}
        self.refusals: deque[Refusal] = deque(maxlen=MAX_REFUSALS)
        self.hands, self._turn = Hands(), 0
        self._told: deque[tuple[object, object, object]] = deque(maxlen=MAX_REPEATED)

    def restore(self, locks: Iterable[HeldLock], lanes: Iterable[Lane], refusals: Iterable[Refusal]) -> None:
        """Go on from what the last observer wrote; what is gone meanwhile is told by the first reading."""
        for lock in locks:
            if lock.lapsed_at:
                self.lapsed.keep(lock)
            else:
                self.held[lock.id] = read_by_another(lock)
        for lane in lanes:
            self.spans[lane.lock_id] = deque(lane.spans, maxlen=MAX_SPANS)
            self.names[lane.lock_id] = (lane.cache, lane.name)
        self.refusals.extend(refusals)

    def read(self, seen: LocksRead, cause: str | None = None) -> bool:
        """Take in a reading; `cause`: what the locks that are gone went with, a kind of `Mishap`.  True where something changed."""
        return any([*(self._saw(lock, seen) for lock in seen.locks), *(self._lost(lock_id, seen.at, cause) for lock_id in seen.gone)])

    def missing(self, cache: str, ids: set[str]) -> list[HeldLock]:
        """Those that we held to be held in a cache, and that a look at all of it did not find."""
        return [lock for lock in self.held.values() if lock.cache == cache and lock.id not in ids]

    def keep_only(self, cache: str, ids: set[str], at: datetime, cause: str | None = None) -> bool:
        """After a first look at a whole cache: what was not found there is gone."""
        return sum(self._lost(lock.id, at, cause) for lock in self.missing(cache, ids)) > 0

    def expire(self, answering: Collection[str], now: datetime) -> bool:
        """Of caches that answer: what nobody has read since its deadline is gone, and the word of it was lost.  True where there was one."""
        return sum(self._lost(lock.id, now) for lock in list(self.held.values()) if lock.cache in answering and is_unread(lock, now)) > 0

    def _saw(self, lock: HeldLock, seen: LocksRead) -> bool:
        old = self.held.get(lock.id)
        if old is not None and old.token_digest == lock.token_digest:
            self.held[lock.id] = merged = merged_with(old, lock)
            return merged != replace(old, seen_at=merged.seen_at)
        if self.lapsed.pop(lapsed_key(lock)):  # it was put back
            lock_spans.put_back(self._spans_of(lock.id), lock.token_digest, seen.at)
        if old is not None:
            lock_spans.end(self._spans_of(lock.id), seen.at, "changed")
            self._may_be_by_hand(old, seen.at)
        if before := self._held_before(lock):
            lock = replace(lock, acquired_at=before.from_at, put_back_at=seen.at, timeout=whole(lock.expires_at - before.from_at if lock.expires_at else None))
        elif seen.live:
            lock = replace(lock, acquired_at=seen.at, timeout=lock.expires_at - seen.at if lock.expires_at else None)
        lock = replace(lock, timeout=whole(lock.timeout))
        self.held[lock.id] = lock
        self._begin_span(lock, minimum=not seen.live)
        return True

    def _held_before(self, lock: HeldLock) -> Span | None:
        """The time that this very token held the lock, where it was put back by hand."""
        return next((span for span in self.spans.get(lock.id, ()) if span.token_digest == lock.token_digest), None)

    def _lost(self, lock_id: str, at: datetime, cause: str | None = None) -> bool:
        old = self.held.pop(lock_id, None)
        if old is None:
            return False
        expired = old.expires_at is not None and at >= old.expires_at - SAME_DEADLINE
        if expired and old.claim is not None:
            self._lapse(replace(old, lapsed_at=old.expires_at), at)
        elif cause and old.claim is not None:
            self._lapse(replace(old, lapsed_at=at, went=cause), at, cause)
        else:
            if is_deleted_early(old):
                self._keep_lapsed(replace(old, lapsed_at=at, went="deleted"), at)
            ended_at, how = (old.expires_at, "expired") if expired and old.expires_at else (at, "released")
            lock_spans.end(self._spans_of(lock_id), ended_at, how)
            self._may_be_by_hand(old, at)
        return True

    def _may_be_by_hand(self, lock: HeldLock, at: datetime) -> None:
        if hand := self.hands.gone(lock, at):
            self._mark(lock, hand)

    def is_held(self, lock: HeldLock) -> bool:
        """Whether this very token holds it, as far as is known."""
        held = self.held.get(lock.id)
        return held is not None and held.token_digest == lock.token_digest

    def is_by_hand(self, seen: ReleasedByHand) -> bool:
        """Whether the lane says so already: the observer before was told."""
        return any(span.token_digest == seen.token_digest and span.end == "by-hand" for span in self.spans.get(seen.lock_id, ()))

    def by_hand(self, seen: ReleasedByHand) -> bool:
        """An operator's release, told before or after the lock was seen to be gone; True where something changed."""
        lock = self.hands.told(seen)
        if lock is None:
            return False
        self._mark(lock, seen, is_back=self.is_held(lock))
        return True

    def _mark(self, lock: HeldLock, hand: ReleasedByHand, *, is_back: bool = False) -> None:
        """Its holder's run may go on without it: unless it was put back, it is kept as one that expired under it is, until that run ends."""
        if not is_back:
            self._keep_lapsed(replace(lock, lapsed_at=hand.at, released_by=hand.by), hand.at)
        lock_spans.by_hand(self._spans_of(lock.id), lock, hand, is_back=is_back)

    def next_in_turn(self, count: int) -> list[HeldLock]:
        """Held locks, all in turn: those after the ones that were given last."""
        held = list(self.held.values())
        start = self._turn if self._turn < len(held) else 0
        self._turn = start + count
        return held[start : start + count]

    def keep_proofs(self, judged: Iterable[JudgedLock], now: datetime) -> bool:
        """Remember with each token that its holder was proved dead, and forget it at a sign of life; True where one is new."""
        is_new = False
        for one in judged:
            held = self.held.get(one.lock.id)
            if held is None or held.token_digest != one.lock.token_digest or one.lock.lapsed_at is not None:
                continue
            if held.proved is None and (proof := proof_of(one, now)):
                self.held[held.id], is_new = replace(held, proved=proof), True
            elif held.proved is not None and "held" in one.flags:
                self.held[held.id], is_new = replace(held, proved=None), True
        return is_new

    def _lapse(self, lock: HeldLock, at: datetime, end: str = "expired") -> None:
        """Keep a lock that left its holder, and its span open, until that one's run is known to have ended."""
        self._keep_lapsed(lock, at)
        lock_spans.lapse(self._spans_of(lock.id), lock.lapsed_at, end)

    def drop_lapsed(self, living: set[str], now: datetime) -> bool:
        """Forget the expired locks that are not among the living, and end their spans; True where there was one."""
        ended = self.lapsed.keep_only(living)
        self._end_lapsed(ended, now)
        return bool(ended)

    def _keep_lapsed(self, lock: HeldLock, at: datetime) -> None:
        self._end_lapsed(self.lapsed.keep(lock), at)

    def _end_lapsed(self, locks: Iterable[HeldLock], now: datetime) -> None:
        for lock in locks:
            lock_spans.end_lapsed(self._spans_of(lock.id), lock.token_digest, now)

    def _spans_of(self, lock_id: str) -> deque[Span]:
        return self.spans.get(lock_id, deque())

    def _begin_span(self, lock: HeldLock, *, minimum: bool) -> None:
        began = lock.put_back_at or lock.acquired_at or lock.first_seen_at
        is_minimum = minimum and lock.acquired_at is None
        span = Span(from_at=began, to_at=None, token_digest=lock.token_digest, from_is_minimum=is_minimum, dialect=lock.dialect)
        self.spans.setdefault(lock.id, deque(maxlen=MAX_SPANS)).append(span)
        self.names[lock.id] = (lock.cache, lock.name)

    def refused(self, event: Event, at: datetime) -> bool:
        """A `lock-refused` event from a worker; False where its key is in no watched place."""
        place = self.place_of(event.key) if event.key is not None else None
        said = (event.key, event.pid, event.timestamp)
        if place is None or said in self._told:
            return False
        self._told.append(said)
        alias, identity, name = place
        self.names.setdefault(identity, (alias, name))
        self.refusals.append(
            Refusal(
                lock_id=identity,
                cache=alias,
                name=name,
                at=at,
                task_id=event.uuid,
                task_name=event.task,
                worker=event.hostname,
                waited=timedelta(seconds=event.waited) if event.waited is not None else None,
                token_digest=event.digest or "",
            )
        )
        return True

    def place_of(self, key: str) -> tuple[str, str, str] | None:
        """The cache, lock id and name that this key of a worker's report has; None: in no watched place."""
        return place_of(key, self.places, self.held)

    def forget(self, now: datetime) -> None:
        """Drop what no page shows any more."""
        while self.refusals and now - self.refusals[0].at > HOUR:
            self.refusals.popleft()
        for key, spans in list(self.spans.items()):
            while spans and spans[0].to_at is not None and now - spans[0].to_at > KEPT:
                spans.popleft()
            if not spans:
                del self.spans[key]
        self.drop_lapsed({lapsed_key(lock) for lock in self.lapsed.values() if lock.lapsed_at and now - lock.lapsed_at < MAX_LAPSED_FOR}, now)
        recent = {refusal.lock_id for refusal in self.refusals} | self.spans.keys() | self.held.keys()
        self.names = {lock_id: name for lock_id, name in self.names.items() if lock_id in recent}

    def locks(self) -> tuple[HeldLock, ...]:
        return (*self.held.values(), *self.lapsed.values())

    def was_lost(self, lock_id: str, digest: str) -> None:
        """Its holder found that it held it no more: where it was gone before its time, another removed it."""
        lock_spans.removed(self._spans_of(lock_id), digest)

    def lanes(self, now: datetime, waits: Mapping[str, Sequence[Wait]]) -> tuple[Lane, ...]:
        """A lane for each lock of which something was seen lately; `waits` by lock id."""
        refused: dict[str, list[datetime]] = {}
        for refusal in self.refusals:
            if now - refusal.at <= KEPT:
                refused.setdefault(refusal.lock_id, []).append(refusal.at)
        return tuple(
            Lane(
                lock_id=lock_id,
                cache=waits[lock_id][0].cache if lock_id in waits else self.names[lock_id][0],
                name=waits[lock_id][0].name if lock_id in waits else self.names[lock_id][1],
                spans=tuple(self.spans.get(lock_id, ())),
                refused_at=tuple(refused.get(lock_id, ())),
                waits=tuple(waits.get(lock_id, ())),
            )
            for lock_id in sorted(self.spans.keys() | refused.keys() | waits.keys())
        )
