"""What the observer knows of the servers under the locks, and which locks went with one of them. No I/O, no clock."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from dashboard.observer.lock_readings import SAME_DEADLINE
from dashboard.observer.observations import LocksRead
from dashboard.records import HeldLock, Mishap, Server

MAX_NAMED = 20
MAX_MISHAPS = 20
KEPT = timedelta(hours=1)
AT_ONCE = timedelta(seconds=5)  # what goes within this time went together: many locks are read a thousand at a time
Held = Mapping[str, HeldLock]


class ServerBook:
    """Compares each server with what it said before."""

    def __init__(self) -> None:
        self.servers: dict[str, Server] = {}
        self.mishaps: deque[Mishap] = deque(maxlen=MAX_MISHAPS)
        self._replaced: dict[str, str] = {}  # place -> kind: another server answers there, and its locks have not all been read yet

    def restore(self, servers: Iterable[Server], mishaps: Iterable[Mishap]) -> None:
        """Go on from what the last observer wrote."""
        self.servers = {server.place: server for server in servers}
        self.mishaps.extend(mishaps)

    def read(self, server: Server) -> bool:
        """What a server says; True where something of it changed."""
        old = self.servers.get(server.place)
        self.servers[server.place] = server
        if old is not None and (kind := _replaced(old, server)):
            self._replaced[server.place] = kind
        return old is None or replace(old, at=server.at) != server

    def replaced(self, place: str) -> str | None:
        """How, where another server answers there than the one whose locks we know; None: it is the same."""
        return self._replaced.get(place)

    def scanned(self, place: str) -> None:
        """All its locks were read: what goes from now on goes by itself."""
        self._replaced.pop(place, None)

    def cause(self, seen: LocksRead, held: Held) -> str | None:
        """What the locks of this reading went with, a kind of `Mishap`; None: each by itself."""
        if not (seen.is_first or seen.is_flush):  # all names are searched meanwhile, which may take a minute: what goes then goes by itself
            return None
        kind = self._replaced.get(seen.cache)
        if kind is not None or not seen.is_flush:
            return kind
        is_elsewhere = any((old := held.get(lock.id)) is not None and old.token_digest == lock.token_digest for lock in seen.locks)
        return None if is_elsewhere else "flushed"  # the flush of any database is told, and one that left a lock was another's

    def went(self, kind: str, place: str, locks: Iterable[HeldLock], at: datetime) -> bool:
        """Note those whose time was not over; False where there is none."""
        early = [lock for lock in locks if lock.expires_at is None or at < lock.expires_at - SAME_DEADLINE]
        if not early:
            return False
        names = tuple(lock.name for lock in early[:MAX_NAMED])
        last = self.mishaps[-1] if self.mishaps else None
        if last is not None and (last.kind, last.place) == (kind, place) and at - last.at <= AT_ONCE:
            self.mishaps[-1] = replace(last, count=last.count + len(early), names=(*last.names, *names)[:MAX_NAMED])
            return True
        server = self.servers.get(place)
        self.mishaps.append(Mishap(kind=kind, place=place, db=server.db if server else 0, at=at, count=len(early), names=names))
        return True

    def forget(self, now: datetime) -> bool:
        """Drop what no page shows any more; True where there was something."""
        before = len(self.mishaps)
        while self.mishaps and now - self.mishaps[0].at > KEPT:
            self.mishaps.popleft()
        return len(self.mishaps) != before


def _replaced(old: Server, new: Server) -> str | None:
    """Whether the data are another's now."""
    if old.run_id is None or new.run_id is None:
        return None
    if old.run_id == new.run_id:
        return "failover" if old.replid is not None and old.replid not in {new.replid, new.replid_before} else None
    return "failover" if old.replid is not None and old.replid in {new.replid, new.replid_before} else "restarted"
