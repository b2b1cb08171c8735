"""The frozen values that every layer speaks; no I/O, no clock, no Django.

Instants are aware UTC datetimes, durations are timedeltas, and `None` always means "not known" unless a comment says more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

Certainty = Literal["exact", "likely", "unknown"]
Word = str | int | float | bool | None | datetime | timedelta | list[str]  # what a piece of evidence may carry


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a lock's token says about its holder; any part may be missing, for a token is only text."""

    attempted_at: datetime | None = None  # when the attempt began, before a blocking wait; by the holder's clock
    node: str | None = None  # the uuid1's network card, 12 hex digits
    task_id: str | None = None
    task_name: str | None = None
    retries: int | None = None
    worker: str | None = None  # celery@host; None for a holder outside a worker
    pid: int | None = None
    parent_pid: int | None = None
    process_started: str | None = None  # start time in clock ticks since boot: tells two processes of one pid apart
    boot_id: str | None = None
    host: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLock:
    """A key that is a lock, as it was read; `lapsed_at` is set when it expired while its holder's run went on."""

    id: str  # 16 hex digits: a hash of cache and raw key
    cache: str  # alias of the watched cache, or "broker"
    key: str  # the full key, what is not printable UTF-8 escaped, cut at MAX_KEY_SHOWN
    name: str  # the key without the cache's prefix and version
    raw_key: bytes  # empty when the key is too long to be carried: it is then found again by its id
    dialect: str  # who wrote it: "redis-py", "lockhouse", ... ; "not-a-lock" for a key of another type
    token_digest: str  # first 16 hex digits of the token's SHA-256; the token itself is never kept
    claim: Claim | None = None
    expires_at: datetime | None = None  # None: never expires
    timeout: timedelta | None = None  # the whole life of the lock, where known
    acquired_at: datetime | None = None  # seen as it happened, else what the token says
    first_seen_at: datetime
    seen_at: datetime
    lapsed_at: datetime | None = None
    note: str = ""  # what is odd about it, in a code the judge knows: "wrong-type:hash", "odd-token"

    @property
    def never_expires(self) -> bool:
        return self.expires_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a task; times are by the worker's clock."""

    task_id: str
    retries: int = 0
    name: str | None = None
    worker: str | None = None
    pid: int | None = None  # the process that runs it, where inspect told
    parent_pid: int | None = None  # the worker's own process, as its events say
    queue: str | None = None
    args: str | None = None  # the event's repr, capped
    received_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None  # Celery's state, None while it runs
    error: str | None = None
    last_active_at: datetime | None = None  # when a worker last said that it runs this
    redelivered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker process (a node name and a pid); a restart under the same name is another Worker."""

    name: str
    pid: int | None = None
    first_heard_at: datetime
    last_heard_at: datetime  # event or answer, by our clock
    last_event_at: datetime | None = None  # its last event, by our clock: what its heartbeat connection was last used for
    answered_at: datetime | None = None  # the last answer to inspect, by our clock
    asked_at: datetime | None = None  # the last time it was asked
    said_offline_at: datetime | None = None  # warm or cold shutdown announced
    connection_known: bool = False  # we know which of the broker's connections carries its heartbeats
    connection_gone_at: datetime | None = None  # the broker no longer lists the connection that carried its heartbeats
    pool: str | None = None  # "prefork", "solo", ...
    processes: tuple[int, ...] | None = None  # pids of the pool
    concurrency: int | None = None
    queues: tuple[str, ...] | None = None
    tasks: tuple[str, ...] | None = None
    active: tuple[str, ...] | None = None  # task ids, as of answered_at
    visibility_timeout: timedelta | None = None
    pool_read_at: datetime | None = None  # when pids were read
    clock_skew: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueHead:
    """The message that is delivered next from one priority of a queue, so the oldest there."""

    priority: str
    mark: str = ""  # what it is told apart by: task id, else delivery tag, else a digest of its bytes; empty: it was not looked at
    task_id: str | None = None
    task_name: str | None = None
    origin: str | None = None  # who sent it, as the message says: gen4711@web-3
    problem: str = ""  # a code: why it cannot be read, "not-looked-at" where reading it might cost too much
    first_seen_at: datetime | None = None  # at the head, by our clock
    sent_at: datetime | None = None  # its task-sent event was seen


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueReading:
    """How many messages wait in one queue, who reads it, and what was seen of it lately."""

    name: str  # what is not UTF-8 escaped, cut where it is very long
    ready: int
    id: str = ""  # 16 hex digits: a hash of the raw name
    raw_name: bytes = b""  # empty when it is too long to be carried
    ready_by_priority: Mapping[str, int] = field(default_factory=dict)
    unacked: int | None = None
    eta: int | None = None  # the part of unacked with a time in the future
    consumers: tuple[str, ...] | None = None  # None: nobody could be asked
    waiting_since: datetime | None = None  # first time it was seen with messages and without a consumer
    wrong_type: str | None = None  # the key is no list but this
    is_named: bool = False  # the settings name it
    bound_with: tuple[str, ...] = ()  # queues that the same exchange and routing key reach
    heads: tuple[QueueHead, ...] = ()  # one for each priority that has messages
    oldest_at: datetime | None = None
    oldest_is_minimum: bool = False  # the oldest message waits at least since then
    in_per_s: float | None = None  # over the last minute, see observer/queue_book.py
    out_per_s: float | None = None
    grown: int | None = None  # by how many messages in that time
    samples: tuple[int | None, ...] = ()  # ready, one each 5 s over the last 5 minutes; None: not known then


@dataclass(frozen=True, slots=True, kw_only=True)
class UnackedMessage:
    """A message that a worker fetched and has not acknowledged."""

    tag: str
    task_id: str | None
    task_name: str | None
    queue: str | None
    fetched_at: datetime | None
    eta_at: datetime | None = None  # not to be run before


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message that waits in a queue, as it was read; nothing of it was executed, and it still waits."""

    position: int  # in the order of delivery, from 1
    priority: str
    size_bytes: int
    problem: str = ""  # a code for what is wrong with it; empty: a worker can run it
    detail: str = ""  # of the problem
    task_id: str | None = None
    task_name: str | None = None
    args: str | None = None  # the sender's repr, secrets included
    kwargs: str | None = None
    retries: int | None = None
    eta_at: datetime | None = None
    expires_at: datetime | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePeek:
    """The messages at the front of a queue at one moment; a worker may take some while they are read, and the ones behind move up."""

    read_at: datetime
    total: int  # that were ready
    messages: tuple[Message, ...] = ()  # in the order of delivery
    looked_at: int = 0  # may be more than `messages`: so many were grouped
    groups: tuple[tuple[str | None, str, int], ...] = ()  # task name, problem, how many; the most frequent first
    stopped_by: str = ""  # why not all were looked at: "count", "bytes", "time", "huge"
    keys: tuple[bytes, ...] = ()  # that were read


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time during which one token held a lock; `to_at` None: still."""

    from_at: datetime
    to_at: datetime | None
    token_digest: str
    end: str | None = None  # "released", "expired", "by-hand", "changed"
    from_is_minimum: bool = False  # it was already held when first seen
    lapsed_at: datetime | None = None  # the part after this was an overrun


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What the observer saw of one lock in the last two minutes."""

    lock_id: str
    cache: str
    name: str
    spans: tuple[Span, ...]
    refused_at: tuple[datetime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """Whether a source answers, and how the observer follows it."""

    name: str  # "broker", "cache shop", "workers", "events"
    ok: bool
    since: datetime  # of the present state
    last_good_at: datetime | None = None
    reason: str | None = None
    mode: str | None = None  # for caches "tracking", "polling"; for events "receiving"
    notes: tuple[str, ...] = ()  # what it cannot see, each a whole sentence with its fix
    url: str | None = None  # without password


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The Overview's figures with a sample each 5 s over the last 5 minutes (None: not known then)."""

    locks: tuple[int | None, ...] = ()
    refused: tuple[int | None, ...] = ()  # per sample interval
    ready: tuple[int | None, ...] = ()
    unacked: tuple[int | None, ...] = ()
    busy: tuple[int | None, ...] = ()
    failed: tuple[int | None, ...] = ()
    failed_last_hour: int | None = None
    refused_last_hour: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """The leading observer, and what it costs."""

    leader: str  # host and pid
    since: datetime
    rss_bytes: int | None = None
    events_received: int = 0
    events_dropped: int = 0
    events_per_s: float | None = None
    events_lag: timedelta | None = None
    standbys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The thresholds of every verdict; `conf.policy()` fills it from the settings."""

    grace: timedelta = timedelta(seconds=10)  # silence of a worker that counts
    expiring_share: float = 0.2  # of the lock's whole life
    expiring_within: timedelta = timedelta(seconds=60)
    leaving_patience: timedelta = timedelta(minutes=30)
    answer_margin: timedelta = timedelta(seconds=2)  # an answer this much younger than the lock can speak about it
    likely_within: timedelta = timedelta(milliseconds=500)  # a run that started this shortly before the attempt
    catalogue: tuple["CatalogueEntry", ...] = ()
    results: tuple["ResultEntry", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultEntry:
    """What the settings say about results of one pattern (`server_{id}`)."""

    pattern: str
    task: str | None = None  # the task that writes it


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """What the settings say about locks of one pattern (`lock_report_{data_id}`)."""

    pattern: str
    owner: str | None = None  # the task that takes it
    blocks: str = ""  # what does not happen while it is held


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedResult:
    """A cache entry that matches a result pattern, or one of Celery's result backend; kept for a while after it is gone."""

    id: str  # 16 hex digits: a hash of cache and raw key
    cache: str  # alias of the watched cache, or "result backend"
    key: str  # the full key, what is not printable UTF-8 escaped
    name: str  # the key without the cache's prefix and version
    raw_key: bytes  # empty when the key is too long to be carried
    kind: str = "string"  # Redis' type
    payload_bytes: int | None = None  # None: gone, or of another type
    expires_at: datetime | None = None  # None: never expires; of one that is gone: when it would have, or did
    first_seen_at: datetime | None = None  # None: it was never there, a run that writes it was seen
    written_at: datetime | None = None  # seen as it was written, to the second; None: it was there before we looked
    gone_at: datetime | None = None  # None: it is there
    end: str = ""  # "expired" or "deleted", where it was there before
    pattern: str = ""  # the setting that it matches
    task: str | None = None  # that writes it, where the settings say so
    is_stored: bool = False  # an entry of Celery's result backend
    state: str | None = None  # of a stored one, in Celery's spelling


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCount:
    """How many results one place really has; the list is bounded."""

    cache: str
    total: int | None  # None: no pass over its names has ended yet
    scanned: bool = True  # False: the settings forbid passes, so only expected names are known


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything the observer knows at one moment; a section that was never written is empty, and its source says so."""

    at: datetime | None = None  # None: no observer has ever written
    version: int = 0
    locks: tuple[HeldLock, ...] = ()
    lanes: tuple[Lane, ...] = ()
    refusals: tuple[Refusal, ...] = ()  # of the last hour, newest last, capped
    runs: tuple[Run, ...] = ()  # active, and the ended ones that may matter to a lock
    workers: tuple[Worker, ...] = ()
    queues: tuple[QueueReading, ...] = ()
    unacked: tuple[UnackedMessage, ...] = ()
    results: tuple[CachedResult, ...] = ()
    result_counts: tuple[ResultCount, ...] = ()
    sources: tuple[SourceState, ...] = ()
    figures: Figures = Figures()
    observer: Observer | None = None


# What the judge concludes.


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock, and how sure we are of it."""

    certainty: Certainty
    task_id: str | None = None
    task_name: str | None = None
    worker: str | None = None
    pid: int | None = None
    host: str | None = None
    candidates: int | None = None  # runs that were active when the attempt began; None for an exact holder
    distance: timedelta | None = None  # from the start of the likely run to the attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One fact behind a verdict: a code that the web words, with its values."""

    code: str
    values: Mapping[str, Word] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedLock:
    """A lock with what we make of it."""

    lock: HeldLock
    holder: Holder
    verdict: str  # overlapping, orphaned, overrun, expiring, never-expires, unknown, held
    flags: Sequence[str]
    evidence: Sequence[Evidence]
    refused_last_hour: int | None  # None: nobody reports refusals of this lock
    blocks: str = ""

    @property
    def needs_attention(self) -> bool:
        return self.verdict in {"overlapping", "orphaned", "overrun"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One row of "what needs attention": a cause, with everything it explains."""

    kind: str  # a verdict, "no-reader", "worker-gone", "source"
    subject: str  # name of the lock, queue, worker or source
    evidence: Sequence[Evidence]
    locks: Sequence[JudgedLock] = ()
    queues: Sequence[QueueReading] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQueue:
    """A queue with what we make of it."""

    queue: QueueReading
    why: Evidence  # why messages wait in it, or that none do
    warnings: Sequence[Evidence] = ()
    drains_in: timedelta | None = None  # at the rates of the last minute; None: not known, or never
