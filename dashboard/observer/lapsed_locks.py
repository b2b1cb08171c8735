"""Locks that left their holder while its run went on: by expiry, a deletion or an operator's hand. A bounded number, for anybody can write such tokens."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, ValuesView

from dashboard.observer.lock_readings import lapsed_key
from dashboard.records import HeldLock
from dashboard.sources.expired import MAX_KEPT, MAX_KEPT_OF_ONE


class LapsedLocks:
    """By lock id and token; the oldest of a lock, or of all, is given up for a new one."""

    def __init__(self) -> None:
        self._locks: dict[str, HeldLock] = {}
        self._keys_of: dict[str, dict[str, None]] = defaultdict(dict)  # by lock id, the oldest first

    def __len__(self) -> int:
        return len(self._locks)

    def values(self) -> ValuesView[HeldLock]:
        """The oldest first."""
        return self._locks.values()

    def keep(self, lock: HeldLock) -> list[HeldLock]:
        """Keep one more; those that are given up for it."""
        self.pop(lapsed_key(lock))
        self._locks[lapsed_key(lock)] = lock
        self._keys_of[lock.id][lapsed_key(lock)] = None
        return list(self._given_up(lock.id))

    def _given_up(self, lock_id: str) -> Iterator[HeldLock]:
        if len(self._keys_of[lock_id]) > MAX_KEPT_OF_ONE:
            yield from self._taken([next(iter(self._keys_of[lock_id]))])
        if len(self._locks) > MAX_KEPT:
            yield from self._taken([next(iter(self._locks))])

    def pop(self, key: str) -> HeldLock | None:
        """Keep it no longer; None: it was not kept."""
        lock = self._locks.pop(key, None)
        if lock is not None:
            del self._keys_of[lock.id][key]
            if not self._keys_of[lock.id]:
                del self._keys_of[lock.id]
        return lock

    def keep_only(self, keys: Collection[str]) -> list[HeldLock]:
        """Those that were kept and are not among these."""
        return self._taken([key for key in self._locks if key not in keys])

    def _taken(self, keys: Iterable[str]) -> list[HeldLock]:
        return [lock for key in keys if (lock := self.pop(key)) is not None]
