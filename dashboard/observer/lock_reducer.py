"""Takes what was read of locks into the books that it tells something. No I/O, no clock."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from dashboard.judge.left_runs import Ending
from dashboard.observer import lock_spans
from dashboard.observer.books import Books
from dashboard.observer.lock_readings import has_moved, lapsed_key, was_put_off_at
from dashboard.observer.observations import ChangedByHand, LocksRead, ReleasedByHand, Scanned, ServerRead
from dashboard.records import HeldLock, JudgedLock

HELD = ("locks", "lanes")


class LockReducer:
    """The way from a reading of locks, or of their server, to the sections of the snapshot that it changed."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def read(self, seen: LocksRead) -> Collection[str]:
        """Locks that changed, and those that are gone."""
        books = self._books
        moved = books.flow.locks_read(seen.locks, seen.gone, live=seen.live, at=seen.at)
        waited = books.attempts.held(seen.locks, seen.at)
        held, cause = books.locks.held, books.servers.cause(seen, books.locks.held)
        books.lock_past.read(seen, held, books.locks.spans, went_with_all=cause is not None)
        changed = set(("waits", "lanes") if waited else ()) | set(("flow",) if moved else ())
        if cause and books.servers.went(cause, seen.cache, [held[lock_id] for lock_id in seen.gone if lock_id in held], seen.at):
            changed.add("mishaps")
        changed |= set(HELD if books.locks.read(seen, cause) else ())
        return tuple(changed | set(("workers",) if self._are_alive(seen) else ()))

    def _are_alive(self, seen: LocksRead) -> bool:
        """Whether what moved here tells something of workers that are silent."""
        books = self._books
        pairs = [(books.locks.held.get(lock.id), lock) for lock in seen.locks if lock.claim and lock.claim.worker]
        moved = [held for held, lock in pairs if held and held.token_digest == lock.token_digest and has_moved(held, lock, live=seen.live)]
        return sum(books.workers.lock_moved(held.claim, seen.at) for held in moved if held.claim) > 0

    def scanned(self, seen: Scanned) -> Collection[str]:
        """A whole place was looked at: what was not found is gone, where its server was replaced with all of it."""
        books, ids = self._books, set(seen.ids)
        missing, cause = books.locks.missing(seen.cache, ids), books.servers.replaced(seen.cache)
        books.lock_past.gone(missing, seen.at, went_with_all=cause is not None)
        changed = {"mishaps"} if cause and books.servers.went(cause, seen.cache, missing, seen.at) else set[str]()
        books.servers.scanned(seen.cache)
        return tuple(changed | set(HELD if books.locks.keep_only(seen.cache, ids, seen.at, cause) else ()))

    def judged(self, judged: Sequence[JudgedLock], now: datetime) -> bool:
        """Keep what is proved of a holder's death with its lock, in its lane and in the history; True where a proof is new."""
        books = self._books
        is_new = books.locks.keep_proofs(judged, now)
        for one in judged:
            held = books.locks.held.get(one.lock.id)
            if held is None or held.token_digest != one.lock.token_digest or one.lock.lapsed_at is not None:
                continue
            lock_spans.judged(books.locks.spans.get(held.id, deque()), held, is_unknown="unknown" in one.flags)
            if (held.proved is None) is not (one.lock.proved is None):
                books.lock_past.judged(held, now)
        return is_new

    def left_no_more(self, living: Collection[str]) -> list[HeldLock]:
        """Locks that left their runs, less those whose runs may go on without them."""
        return [lock for lock in self._books.locks.lapsed.values() if lapsed_key(lock) not in living]

    def ended(self, endings: Iterable[Ending], now: datetime) -> None:
        """How runs without their locks ended: whoever released one may have found its holder dead sooner than this observer."""
        for one in endings:
            spans = self._books.locks.spans.get(one.lock.id, deque())
            if one.death is not None and one.lock.proved is None:
                dead = replace(one.lock, proved=one.death)
                lock_spans.judged(spans, dead, is_unknown=False)
                self._books.lock_past.judged(dead, now)
            if one.until is not None:
                lock_spans.went_on_until(spans, one.lock.token_digest, one.until)

    def server(self, seen: ServerRead) -> Collection[str]:
        """What a place's server says of itself."""
        return ("servers",) if self._books.servers.read(seen.server) else ()

    def by_hand(self, seen: ReleasedByHand) -> Collection[str]:
        """An operator's release."""
        books = self._books
        if not books.locks.hands.knows(seen):
            place, held = books.locks.names.get(seen.lock_id, ("", "")), books.locks.held.get(seen.lock_id)
            is_held = held is not None and held.token_digest == seen.token_digest and held.first_seen_at <= seen.at  # else it was put back since
            books.lock_past.by_hand(seen, place, held if is_held else None, is_told=books.locks.is_by_hand(seen))
        return HELD if books.locks.by_hand(seen) else ()

    def changed_by_hand(self, seen: ChangedByHand) -> Collection[str]:
        """An operator put it back, or its deadline off."""
        books = self._books
        books.lock_past.changed_by_hand(seen)
        held = books.locks.held.get(seen.lock_id)
        is_a_workers = held is not None and held.claim is not None and books.workers.lock_moved_by_hand(held.claim, seen.at)
        changed = {"workers"} if is_a_workers else set[str]()
        if held is not None and held.token_digest == seen.token_digest and was_put_off_at(held, seen.at):
            books.locks.held[held.id] = replace(held, renewed_at=None)  # that was no sign of its holder's life
            changed.add("locks")
        return tuple(changed)
