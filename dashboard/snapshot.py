"""The newest snapshot in our own Redis: the observer puts the sections that changed, everybody else reads them.

Reading never raises: a process keeps the last snapshot that it read and goes on giving it, with a source that says since when ours is away.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Annotated, Any, get_type_hints

import msgspec
from redis import Redis
from redis.exceptions import RedisError

from dashboard import connections
from dashboard.conf import own_key
from dashboard.records import Snapshot, SourceState

SECTIONS = tuple(item.name for item in fields(Snapshot) if item.name not in {"at", "version"})
TYPES: Mapping[str, Any] = get_type_hints(Snapshot)
log = logging.getLogger(__name__)
OWN_SOURCE = "lockhouse"
TRY_AGAIN_S = 1.0

# Writes the sections of one moment together, and nothing for a leader that has been replaced meanwhile, or where something else stands in their place.
PUT = """
local written = redis.pcall('HGET', KEYS[1], 'epoch')
local epoch = type(written) ~= 'table' and tonumber(written or '0')
if not epoch or not (epoch <= tonumber(ARGV[1])) then return 0 end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'meta', ARGV[2], unpack(ARGV, 3))
return 1
"""

# Whoever holds the lease is the newest leader, whatever anybody wrote as an epoch, or in the place of all this.
CLAIM = """
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
if redis.call('TYPE', KEYS[1])['ok'] ~= 'hash' then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1])
return 1
"""


class Meta(msgspec.Struct):
    """When the snapshot was written and which version each section has."""

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    version: int
    versions: dict[str, int]


def _key() -> str:
    return own_key("snapshot")


def claim(redis: Redis, lease: str, leader: str, *, epoch: int) -> bool:
    """Make this epoch the newest, for the leader who holds the lease; False where another holds it, and nothing was changed.

    Cost: one round trip.  Raises: redis' errors.
    """
    return bool(redis.eval(CLAIM, 2, _key(), lease, epoch, leader))


def put(redis: Redis, snapshot: Snapshot, versions: Mapping[str, int], changed: set[str], *, epoch: int) -> bool:
    """Write the `changed` sections and the time; False where a newer leader has written, and nothing was.

    Cost: one round trip.  Raises: redis' errors, for the observer decides what its own Redis being away means.
    """
    assert snapshot.at is not None, "an observer's snapshot has a time"
    meta = Meta(at=snapshot.at, version=snapshot.version, versions=dict(versions))
    arguments: list[Any] = [epoch, msgspec.msgpack.encode(meta)]
    for section in sorted(changed):
        try:
            arguments += [section, msgspec.msgpack.encode(getattr(snapshot, section))]
        except (UnicodeError, OverflowError, TypeError):  # what cannot be written stays as it was, and all else goes on
            log.exception("the section %s could not be written", section)
    return bool(redis.eval(PUT, 1, _key(), *arguments))


class Reader:
    """One process's view of the snapshot: decodes only the sections whose version changed since the last look."""

    def __init__(self) -> None:
        self._snapshot = Snapshot()
        self._versions: dict[str, int] = {}
        self._away_since: datetime | None = None
        self._reason = ""
        self._try_again = 0.0  # while our Redis is away, one reader in a second finds out whether it still is
        self._lock = threading.Lock()

    def newest(self, redis: Redis | None = None) -> Snapshot:
        """The newest snapshot; where our Redis does not answer, the last one read, with the source `lockhouse` said to be away.

        Cost: two round trips when something changed, one when nothing did.
        """
        with self._lock:
            if self._away_since is not None and monotonic() < self._try_again:
                return self._with_own_source(self._reason)
            try:
                self._read(redis or connections.own_for_pages())
            except (RedisError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                self._away_since, self._reason = self._away_since or datetime.now(UTC), str(error)
                self._try_again = monotonic() + TRY_AGAIN_S
                return self._with_own_source(self._reason)
            self._away_since = None
            return self._snapshot

    def _read(self, redis: Redis) -> None:
        raw: Any = redis.hget(_key(), "meta")
        if raw is None:
            self._snapshot, self._versions = Snapshot(), {}
            return
        meta = msgspec.msgpack.decode(raw, type=Meta)
        stale = [name for name in SECTIONS if meta.versions.get(name) != self._versions.get(name)]
        found: dict[str, Any] = {}
        if stale:
            values: Any = redis.hmget(_key(), stale)
            for name, value in zip(stale, values, strict=True):
                if value is not None:
                    found[name] = msgspec.msgpack.decode(value, type=TYPES[name])
        if not found and (meta.at, meta.version) == (self._snapshot.at, self._snapshot.version):
            return  # the same object: what was made of it is not made again
        self._snapshot = replace(self._snapshot, at=meta.at, version=meta.version, **found)
        self._versions = {**self._versions, **{name: meta.versions.get(name, 0) for name in found}}

    def _with_own_source(self, reason: str) -> Snapshot:
        assert self._away_since is not None, "set before this is called"
        away = SourceState(name=OWN_SOURCE, ok=False, since=self._away_since, last_good_at=self._snapshot.at, reason=reason)
        return replace(self._snapshot, sources=(*self._snapshot.sources, away))


_reader = Reader()


def newest() -> Snapshot:
    """The newest snapshot as this process can know it; never raises."""
    return _reader.newest()


def forget() -> None:
    """Drop what was read, and that our Redis was away: when a test moves to another server."""
    global _reader  # noqa: PLW0603  # a test's thread alone calls this
    _reader = Reader()
