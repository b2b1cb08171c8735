"""Locks, their tokens and holders, and what was seen of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from re import findall
from typing import Literal

TakenBy = Literal["run", "send", "beat", "broker"]


@lru_cache(maxsize=65536)  # of every run that is kept
def digest_of_id(task_id: str) -> str:
    """What a task id is compared by where it may be a lock's token."""
    return sha256(task_id.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a lock's token says about its holder; any part may be missing, for a token is only text."""

    attempted_at: datetime | None = None  # when the attempt began, before a blocking wait; by the holder's clock
    node: str | None = None  # the uuid1's network card, 12 hex digits
    task_id: str | None = None
    task_digest: str | None = None  # of a token that has the form of a task id and may be one: the token itself must not leave the server
    task_name: str | None = None
    retries: int | None = None
    worker: str | None = None  # celery@host; None for a holder outside a worker
    pid: int | None = None
    parent_pid: int | None = None
    process_started: str | None = None  # start time in clock ticks since boot: tells two processes of one pid apart
    boot_id: str | None = None
    host: str | None = None

    def names(self, task_id: str) -> bool:
        """Whether it is a run or message with this id that it says."""
        return self.task_id == task_id or (self.task_digest is not None and self.task_digest == digest_of_id(task_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """That a lock's holder is dead was proved once; who is dead stays so, and what proved it need not be seen again."""

    at: datetime  # when, by our clock
    code: str  # of the evidence that proved it
    since: datetime | None = None  # what it says of when the holder was known to be gone
    task_id: str | None = None  # the holder's run, as it was known then


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLock:
    """A key that is a lock, as it was read; `lapsed_at` is set when it expired while its holder's run went on."""

    id: str  # 16 hex digits: a hash of cache and raw key
    cache: str  # alias of the watched cache, or "broker"
    key: str  # the full key, what is not printable UTF-8 escaped, cut at MAX_KEY_SHOWN
    name: str  # the key without the cache's prefix and version
    raw_key: bytes  # empty when the key is too long to be carried: it is then found again by its id
    dialect: str  # who wrote it: a name of sources.dialects; "not-a-lock" for a key of another type
    token_digest: str  # first 16 hex digits of the token's SHA-256; the token itself is never kept
    claim: Claim | None = None
    expires_at: datetime | None = None  # the earliest that it can be; None: never expires
    read_in: timedelta = timedelta(0)  # how long the answer took: its true deadline is later than `expires_at` by that much at most
    timeout: timedelta | None = None  # the whole life of the lock, where known
    acquired_at: datetime | None = None  # seen as it happened, else what the token says
    put_back_at: datetime | None = None  # when this very token was put back, after it had gone: between the two it was free
    first_seen_at: datetime
    seen_at: datetime
    lapsed_at: datetime | None = None
    taken_by: TakenBy = "run"  # by a run (or any code), by who sent the message, by a beat, by the broker's library for itself
    renewed_at: datetime | None = None  # when its deadline was last seen to be put off
    proved: Proved | None = None  # that the holder with this token is dead
    released_by: str | None = None  # with `lapsed_at`: it did not expire, but was released by hand while its holder's run went on
    went: str | None = None  # with `lapsed_at`: it did not expire, but went as a `Mishap` says; "deleted": by another than its holder
    note: str = ""  # what is odd about it, in a code the judge knows: "wrong-type:hash", "odd-token"

    @property
    def is_lock(self) -> bool:
        """No: a key of another type under a lock's name. It is listed, for while it is there nobody can take that lock."""
        return self.dialect != "not-a-lock"

    @property
    def never_expires(self) -> bool:
        """Held until somebody releases it; a key that is no lock nobody holds."""
        return self.expires_at is None and self.is_lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An attempt that gave up because the lock was held."""

    lock_id: str
    cache: str
    name: str
    at: datetime
    task_id: str | None = None
    task_name: str | None = None
    worker: str | None = None
    waited: timedelta | None = None
    token_digest: str = ""  # of the attempt's own token, where the worker told it


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """An attempt that waits for a lock, or lately did; its times are by our clock."""

    lock_id: str
    cache: str
    name: str
    token_digest: str  # its own: what the lock has, once it is acquired
    from_at: datetime
    to_at: datetime | None = None  # None: it still tries
    end: str | None = None  # "acquired", "refused"; "unknown": its time or its run is over, and nobody told more
    limit: timedelta | None = None  # for how long it tries at most; None: without end
    task_id: str | None = None
    task_name: str | None = None
    worker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A lock that its holder wanted to release, or to add time to, and held no more."""

    lock_id: str
    cache: str
    name: str
    token_digest: str
    at: datetime  # when that was told, by our clock
    noticed: str | None = None  # "release", "extend", "reacquire"
    task_id: str | None = None
    task_name: str | None = None
    worker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockMoment:
    """One thing that happened to a lock, out of the history."""

    row: int  # its id there: the later the larger
    lock_id: str
    cache: str
    name: str
    what: str  # "acquired", "refused", "waiting", "released", "expired", "lost", "extended", "by-hand", "flushed", "changed", "restored", "removed",
    # "died", "alive": its holder
    at: datetime
    span: timedelta | None  # for how long it was held until then, or waited for
    task_id: str | None  # of the run that holds, held, or tried
    task_name: str | None
    worker: str | None
    certainty: str  # of the run: "unknown", "likely", "exact"
    token_digest: str
    by: str | None  # the operator
    run: int = 0  # the row of the run in the history; 0: it is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time during which one token held a lock; `to_at` None: still."""

    from_at: datetime
    to_at: datetime | None
    token_digest: str
    end: str | None = None  # "released", "expired", "by-hand", "changed", a kind of `Mishap`; "removed": by another than its holder, before its time
    by: str | None = None  # who released it by hand
    from_is_minimum: bool = False  # it was already held when first seen
    lapsed_at: datetime | None = None  # the part after this was an overrun
    dialect: str = ""  # who wrote the token, as of `HeldLock`; empty: not known
    died_at: datetime | None = None  # its holder was proved dead, and was gone from then on
    is_unknown: bool | None = None  # nobody could ever tell who held it, or whether that one lived; None: it was not judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What the observer saw of one lock in the last two minutes."""

    lock_id: str
    cache: str
    name: str
    spans: tuple[Span, ...]
    refused_at: tuple[datetime, ...]
    waits: tuple[Wait, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """What the settings say about locks of one pattern (`lock_report_{data_id}`)."""

    pattern: str
    label: str = ""  # what people call it
    owner: str | None = None  # the task that takes it
    blocks: str = ""  # what does not happen while it is held
    model: str = ""  # "reports.Report": what the lock is about
    object_id: str = ""  # of one lock: the primary key in its name
    may_release: bool = True


def object_part(pattern: str) -> str | None:
    """The part of a pattern that is its object's primary key: the one called pk or id, else the only one; None: none, or several."""
    parts = list(dict.fromkeys(findall(r"\{([A-Za-z_]\w*)\}", pattern)))
    return next((part for part in parts if part in {"pk", "id"}), parts[0] if len(parts) == 1 else None)
