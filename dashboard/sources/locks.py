"""Reads locks: what is under a key, whose token it is and how long it lasts. Reads only, each read bounded."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from dashboard.conf import OWN_KEYS
from dashboard.connections import Watched
from dashboard.exceptions import SourceUnavailable
from dashboard.locking.token import read_token
from dashboard.records import Claim, HeldLock, TakenBy
from dashboard.redaction import hide_in_name
from dashboard.sources import dialects

MAX_TOKEN_BYTES = 4096  # our own tokens have 512 at most; what is longer is no lock that we know how to release
MAX_KEY_SHOWN = 512
MAX_KEY_CARRIED = 8192  # a snapshot must stay small; a longer key is found again by its id
SCAN_COUNT = 250  # keys the server looks at per call: about 0.1 ms, far under the millisecond that we may cost others
CLOCKS_WITHIN = timedelta(minutes=5)  # a token from later than this was forged, or its clock is of no use
GONE, NEVER = -2, -1  # PTTL's answers


@contextmanager
def available(source: str) -> Iterator[None]:
    """Turn the driver's errors into `SourceUnavailable` with the source's name."""
    try:
        yield
    except RedisError as error:
        raise SourceUnavailable(source, f"does not answer: {error}") from error


def lock_id(alias: str, raw_key: bytes) -> str:
    """16 hex digits that stand for a key in URLs and acts, since keys may be 1 MB long or not UTF-8."""
    return hashlib.sha256(alias.encode() + b"\0" + raw_key).hexdigest()[:16]


def digest(token: bytes) -> str:
    """What may be shown of a token: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(token).hexdigest()[:16]


def shown_key(raw_key: bytes) -> str:
    """The key as text, what is not UTF-8 escaped, secrets hidden, cut at MAX_KEY_SHOWN."""
    return _shown(raw_key[: MAX_KEY_SHOWN * 4])


@lru_cache(maxsize=4096)  # every lock is read again every few seconds
def _shown(raw_key: bytes) -> str:
    text = hide_in_name(raw_key.decode("utf-8", "backslashreplace"))
    return text if len(text) <= MAX_KEY_SHOWN else text[: MAX_KEY_SHOWN - 1] + "…"


def name_of(place: Watched, raw_key: bytes) -> str:
    """The key without the cache's prefix and version; a key outside the cache's own names is its own name."""
    return shown_key(raw_key.removeprefix(place.prefix))


def is_ours(place: Watched, raw_key: bytes) -> bool:
    """Whether a Lockhouse keeps its own state there, this one or another: no lock and no result of the watched system, whatever its name or value.

    By the name alone, in every place: that two addresses are one server is not surely known.
    """
    return raw_key.removeprefix(place.prefix).startswith(OWN_KEYS.encode())


def read_lock(redis: Redis, place: Watched, raw_key: bytes, now: datetime) -> HeldLock | None:
    """The lock under this key; None: gone.  Cost: one round trip, two for a key of another type.  Raises: SourceUnavailable."""
    return read_locks(redis, place, [raw_key], now)[0]


def read_locks(
    redis: Redis, place: Watched, raw_keys: Sequence[bytes], now: datetime, tokens: MutableMapping[bytes, bytes] | None = None
) -> list[HeldLock | None]:
    """What is under each key, in the order given; None: gone, or ours. `tokens`: where the tokens themselves go, by key, for whoever may need one again.

    `now` is a moment before: how long the answer took is counted from it.

    Cost: one round trip for all, one more where a key is of another type.  Raises: SourceUnavailable.
    """
    with available(f"cache {place.alias}"), redis.pipeline(transaction=False) as pipe:
        for key in raw_keys:
            pipe.getrange(key, 0, MAX_TOKEN_BYTES)  # one byte more than a token may have: so a longer one is known
            pipe.pttl(key)
        answers: list[Any] = pipe.execute(raise_on_error=False)
        took = max(datetime.now(UTC) - now, timedelta(0))
        read: list[HeldLock | None] = []
        for key, value, ttl_ms in zip(raw_keys, answers[::2], answers[1::2], strict=True):
            if is_ours(place, key):
                read.append(None)
            elif isinstance(value, ResponseError) and "WRONGTYPE" in str(value):
                read.append(_other_type(place, key, redis.type(key), ttl_ms, now, took))
            elif isinstance(value, Exception):
                raise value
            else:
                read.append(_held(place, key, value, ttl_ms, now, took))
                if tokens is not None and ttl_ms != GONE and len(value) <= MAX_TOKEN_BYTES:
                    tokens[key] = value
    return read


def _held(place: Watched, key: bytes, token: bytes, ttl_ms: int, now: datetime, took: timedelta) -> HeldLock | None:
    if ttl_ms == GONE:  # released or expired between the push and this read
        return None
    if len(token) > MAX_TOKEN_BYTES:
        return _lock(place, key, "not-a-lock", "", None, ttl_ms, now, took, note="odd-token")
    dialect, claim = dialects.read(dialects.Entry(key=key, prefix=place.prefix, value=token))
    return _lock(place, key, dialect.name, digest(token), claim, ttl_ms, now, took, taken_by=dialect.taken_by)


def _other_type(place: Watched, key: bytes, kind: Any, ttl_ms: int, now: datetime, took: timedelta) -> HeldLock | None:
    word = kind.decode() if isinstance(kind, bytes) else str(kind)
    return None if word == "none" else _lock(place, key, "not-a-lock", "", None, ttl_ms, now, took, note=f"wrong-type:{word}")


def _lock(
    place: Watched, key: bytes, dialect: str, token_digest: str, claim: Claim | None, ttl_ms: int, now: datetime, took: timedelta,
    *, note: str = "", taken_by: TakenBy = "run",
) -> HeldLock:  # fmt: skip
    expires_at = None if ttl_ms == NEVER else now + timedelta(milliseconds=ttl_ms)
    acquired_at = claim.attempted_at if claim and claim.attempted_at and claim.attempted_at <= now + CLOCKS_WITHIN else None
    return HeldLock(
        id=lock_id(place.alias, key),
        cache=place.alias,
        key=shown_key(key),
        name=name_of(place, key),
        raw_key=key if len(key) <= MAX_KEY_CARRIED else b"",
        dialect=dialect,
        token_digest=token_digest,
        claim=claim,
        expires_at=expires_at,
        read_in=took,
        timeout=expires_at - acquired_at if expires_at and acquired_at else None,
        acquired_at=acquired_at,
        first_seen_at=now,
        seen_at=now,
        note=note,
        taken_by=taken_by,
    )


def scan_keys(redis: Redis, place: Watched) -> Iterator[list[bytes]]:
    """All keys of the place's database in small batches; the caller paces.  Cost: a round trip a batch.  Raises: SourceUnavailable."""
    cursor = 0
    while True:
        with available(f"cache {place.alias}"):
            answer: Any = redis.scan(cursor, count=SCAN_COUNT)
        cursor, keys = answer
        yield keys
        if not cursor:
            return


def find_raw_key(redis: Redis, place: Watched, wanted_id: str, pace: Callable[[], None] = lambda: None) -> bytes | None:
    """The key of that id, for one too long to be carried in the snapshot; a whole pass over the database at most."""
    for keys in scan_keys(redis, place):
        for key in keys:
            if lock_id(place.alias, key) == wanted_id:
                return key
        pace()
    return None


def look_alikes(redis: Redis, place: Watched, keys: Iterable[bytes]) -> list[bytes]:
    """Those keys whose value reads as a lock's token, under whatever name.

    OBJECT ENCODING touches nothing and sorts out most; what is left is asked for its length, and read only if that fits a token.
    Cost: at most three round trips.  Raises: SourceUnavailable.
    """
    with available(f"cache {place.alias}"):
        strings = _keep(redis, list(keys), lambda pipe, key: pipe.object("ENCODING", key), lambda word: word in {b"embstr", b"raw"})
        short = _keep(redis, strings, lambda pipe, key: pipe.strlen(key), lambda size: isinstance(size, int) and 32 <= size <= 512)
        return _keep(redis, short, lambda pipe, key: pipe.getrange(key, 0, 511), lambda value: isinstance(value, bytes) and read_token(value) is not None)


def _keep(redis: Redis, keys: list[bytes], ask: Callable[[Any, bytes], object], fits: Callable[[Any], bool]) -> list[bytes]:
    if not keys:
        return []
    with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            ask(pipe, key)
        return [key for key, answer in zip(keys, pipe.execute(raise_on_error=False), strict=True) if fits(answer)]
