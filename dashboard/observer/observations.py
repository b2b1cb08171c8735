"""What the observer's sources tell its state: frozen values, each with the time at which it was true by our clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboard.records import CachedResult, HeldLock, QueueReading, ScheduleReading, Server, SourceState, Traced, UnackedMessage
from dashboard.sources.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class LocksRead:
    """Locks of one cache that changed, and the ids of those that are gone."""

    cache: str
    locks: Sequence[HeldLock]
    gone: Sequence[str]
    live: bool  # the server pushed it as it happened: `at` is when it changed
    at: datetime
    is_flush: bool = False  # what is gone went with its whole database
    is_first: bool = False  # the first look at what was known, after a connection was made


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A whole place was looked at: these locks are held there, and no others."""

    cache: str
    ids: Sequence[str]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRead:
    """What the server of a watched place says of itself; told before its locks are read where they may have gone with it."""

    server: Server


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsSeen:
    """Celery events that were received together, in their order."""

    events: Sequence[Event]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsDropped:
    """Events came faster than they were taken in: so many of each type are gone."""

    by_type: Mapping[str, int]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsLost:
    """No events were received between these moments, which nobody knows what happened in."""

    from_at: datetime
    to_at: datetime
    was_cut: bool  # by the server, whose limit for slow readers was exceeded


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersAnswered:
    """One question to the workers: who was asked (nobody by name: whoever is there), and what each of them said."""

    command: str  # "active", "stats", "active_queues", "registered", "ping"; of "reserved" and "scheduled" each reply is a count
    asked: Sequence[str]
    replies: Mapping[str, Any]  # by worker name
    again: Sequence[tuple[str, Any]] = ()  # further answers under names that had answered: namesakes; heard only where everybody was asked
    asked_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSeen:
    """What the broker says of the connection that carries a worker's heartbeats."""

    worker: str
    pid: int | None
    is_open: bool
    last_event_at: datetime  # the worker's, as it was known when the connections were looked at
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuesRead:
    """All queues and the unacknowledged messages at one moment."""

    queues: Sequence[QueueReading]
    unacked: Sequence[UnackedMessage]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsRead:
    """All results in sight of one cache, those that are gone as well."""

    cache: str
    results: Sequence[CachedResult]
    total: int | None  # in the last whole pass over its names
    scanned: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TracesRead:
    """What was sent from here and is followed, with where its messages wait."""

    traces: Sequence[Traced]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRead:
    """The task names that the project's own Celery app has, with the queues that its router sends them to."""

    names: Mapping[str, str | None]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulesRead:
    """All entries of one place where schedules are written down."""

    source: str  # "beat_schedule", "django-celery-beat"
    entries: Sequence[ScheduleReading]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSaid:
    """A source came up, went away, or sees more or less than before."""

    source: SourceState


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedByHand:
    """An operator released a lock with this token here; told again until it is some minutes old."""

    lock_id: str
    token_digest: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedByHand:
    """An operator put the token of a lock back that had gone, or put its deadline off; told again as above."""

    what: str  # "restored", "extended"
    lock_id: str
    token_digest: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSet:
    """Our own clock was set: it says this now, and went so much further than time did; nothing of that may be true where this machine stood still."""

    at: datetime
    by: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time passed: once a second."""

    at: datetime


Observation = (
    LocksRead
    | Scanned
    | ServerRead
    | EventsSeen
    | EventsDropped
    | EventsLost
    | WorkersAnswered
    | ConnectionSeen
    | QueuesRead
    | ResultsRead
    | TracesRead
    | AppRead
    | SchedulesRead
    | SourceSaid
    | ReleasedByHand
    | ChangedByHand
    | ClockSet
    | Tick
)
