"""The names that a follower keeps in sight: locks that are held, and names that were one lately. A bounded number, and no held one gives way."""

from collections.abc import Iterator
from datetime import datetime, timedelta

REMEMBER = timedelta(hours=1)  # a name that was a lock this recently is looked at again without waiting for the scan


class InSight:
    """Names by their raw keys, `most` of them; `left_out`: as many were held when one more came."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.held: dict[bytes, datetime | None] = {}  # when it expires
        self._past: dict[bytes, datetime] = {}  # when it was seen to be gone; the oldest first
        self.left_out = False

    def __contains__(self, key: object) -> bool:
        return key in self.held or key in self._past

    def __iter__(self) -> Iterator[bytes]:
        yield from self.held
        yield from self._past

    @property
    def has_room(self) -> bool:
        """Whether one more lock could be held in sight."""
        return len(self.held) < self._most

    def hold(self, key: bytes, expires_at: datetime | None) -> bool:
        """Keep a held lock in sight; the name that has been gone for longest gives way.  False: all others are held as well."""
        if key not in self.held and not self.has_room:
            self.left_out = True
            return False
        self._past.pop(key, None)
        self.held[key] = expires_at
        if len(self.held) + len(self._past) > self._most:
            del self._past[next(iter(self._past))]
        return True

    def lose(self, key: bytes, now: datetime) -> bool:
        """Remember that it is held no more.  False: it was not."""
        if key not in self.held:
            return False
        del self.held[key]
        self._past[key] = now
        return True

    def forget(self, now: datetime) -> None:
        """Drop what was a lock too long ago."""
        while self._past and now - self._past[oldest := next(iter(self._past))] > REMEMBER:
            del self._past[oldest]
