"""Cached and stored results."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultEntry:
    """What the settings say about results of one pattern (`server_{id}`)."""

    pattern: str
    task: str | None = None  # the task that writes it


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
