"""The servers of the watched places, and what befell all the locks of one at once."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What the server of one place said of itself last."""

    place: str  # alias of the watched cache, or "broker"
    db: int
    at: datetime
    run_id: str | None = None  # another one after each start
    replid: str | None = None  # of its data's history: the same for a primary and its replicas
    replid_before: str | None = None  # of the primary that it was a replica of
    policy: str | None = None  # what it deletes when its memory is full: "noeviction", "allkeys-lru", …
    max_bytes: int | None = None  # 0: as much as there is
    evicted: int | None = None  # keys that it deleted for that, since it was started

    @property
    def evicts(self) -> bool:
        """Whether a full memory makes it delete keys that nobody asked it to delete."""
        return bool(self.max_bytes) and self.policy not in {None, "noeviction"}

    @property
    def evicts_queues(self) -> bool:
        """Whether these may be keys without a time to live as well, as queues are."""
        return self.evicts and (self.policy or "").startswith("allkeys")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """Locks that went before their time, all at once, and by nobody's release."""

    kind: str  # "flushed"; "failover": another server with the same data's history took over; "restarted": one without it answers
    place: str
    db: int
    at: datetime
    count: int
    names: tuple[str, ...]  # the first of them
