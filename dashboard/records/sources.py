"""What Lockhouse knows of its own sources and of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How far a look at every name of a place is: until it is done, what was not found may be there."""

    looked_at: int  # keys
    of: int | None  # keys that the database had when it began; None: the server does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """Whether a source answers, and how the observer follows it."""

    name: str  # "broker", "cache shop", "workers", "events"
    ok: bool
    since: datetime  # of the present state
    last_good_at: datetime | None = None
    reason: str | None = None
    mode: str | None = None  # for caches "tracking", "polling"; for events "receiving"
    search: Search | None = None  # for caches, after a start, a lost connection or a flush
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
    failed_by_minute: tuple[tuple[int, int], ...] = ()  # of the last hour: minutes since 1970 and how many; a new observer goes on from them
    refused_by_minute: tuple[tuple[int, int], ...] = ()
    whole_since: datetime | None = None  # since when every event was counted


@dataclass(frozen=True, slots=True, kw_only=True)
class EventGap:
    """A time in which no events were received."""

    from_at: datetime
    to_at: datetime
    was_cut: bool = False  # by the server: its limit for slow readers was exceeded
    runs_at_least: int | None = None  # so many started meanwhile by the workers' own counts; None: not known, or not yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A time in which no observer ran, or none saw a cache: of what happened then nothing is known."""

    from_at: datetime
    to_at: datetime
    is_first: bool = False  # nobody is known to have looked before it ended: it began with time itself
    goes_on: bool = False  # nobody looks yet: its end is only that of the picture
    cache: str = ""  # of whose locks nothing is known; "": of anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """The leading observer, and what it costs."""

    leader: str  # host and pid
    since: datetime
    rss_bytes: int | None = None
    events_received: int = 0
    events_dropped: int = 0
    dropped_by_type: Mapping[str, int] = field(default_factory=dict)  # those for which there was no room
    dropped_at: datetime | None = None  # the last of these
    event_gaps: tuple[EventGap, ...] = ()  # the newest last
    absences: tuple[Absence, ...] = ()  # that ended within the last minutes, the newest last
    events_per_s: float | None = None
    events_lag: timedelta | None = None
    standbys: tuple[str, ...] = ()
