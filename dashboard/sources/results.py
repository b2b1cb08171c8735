"""Reads results: which cache entries are some, how long and how big they are, and what one of them says. Reads only, each read bounded.

A stored result is an entry of Celery's result backend; its state is read by the preview, never by `AsyncResult`.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from dashboard import connections
from dashboard.conf import OWN_KEYS, conf
from dashboard.connections import BROKER, Watched
from dashboard.exceptions import SourceUnavailable
from dashboard.inert import Preview, child
from dashboard.records import CachedResult
from dashboard.sources.locks import GONE, MAX_KEY_CARRIED, NEVER, available, lock_id, name_of, scan_keys, shown_key
from dashboard.sources.patterns import compile_patterns
from dashboard.sources.preview import MAX_READ, preview_of

MAX_RESULTS = 2000  # of one place that are kept in sight; how many there are is counted all the same
MAX_COUNTED = 100_000  # names told apart in one pass: SCAN may give a name twice
NAMES_A_TRIP = 250  # two commands each: about a third of a millisecond of the server's time
REMEMBER = timedelta(hours=1)  # a name that was there this recently is looked for again
STATE_BYTES = 4096  # of a stored result: its state stands at its beginning
BACKEND = "result backend"
STORED = "celery-task-meta-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which names of a place are results."""

    patterns: Sequence[tuple[re.Pattern[str], str, str | None]] = ()  # what it matches, how it is written, the task that writes it
    not_these: re.Pattern[str] = field(default_factory=lambda: compile_patterns(()))  # locks are no results

    def of(self, name: str) -> tuple[str, str | None] | None:
        """The pattern that this name fits, and its task; None: no result."""
        found = next(((written, task) for pattern, written, task in self.patterns if pattern.match(name)), None)
        return None if found is None or self.not_these.match(name) or name.startswith(OWN_KEYS) else found


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What is under a key now: its beginning, and what it is compared by before it is deleted."""

    kind: str  # Redis' type
    raw: bytes  # MAX_READ at most; empty for another type than string
    total_bytes: int
    ttl: timedelta | None  # None: never expires
    digest: str

    def preview(self, *, unredacted: bool) -> Preview:
        """What it says."""
        return preview_of(self.raw, total_bytes=self.total_bytes, unredacted=unredacted)


def places() -> list[Watched]:
    """Where results are looked for: the watched caches, then the result backend."""
    caches = [place for place in connections.watched() if place.alias != BROKER]
    return [*caches, Watched(alias=BACKEND, url=conf().RESULT_BACKEND or conf().BROKER_URL, prefix=b"", options={})]


def wanted_in(place: Watched) -> Wanted:
    """The names that are results there, by the settings: those of the catalogue first, for it knows their task."""
    if place.alias == BACKEND:
        return Wanted(patterns=[(compile_patterns([f"*{STORED}*"]), f"{STORED}*", None)])
    first = next(iter(conf().CACHES), "")
    entries = [(pattern, entry) for pattern, entry in conf().RESULTS.items() if entry.get("cache", first) == place.alias]
    named = [(re.sub(r"\{\w*\}", "*", pattern), pattern, entry.get("task")) for pattern, entry in entries]
    patterns = [*named, *((pattern, pattern, None) for pattern in conf().RESULT_PATTERNS)]
    return Wanted(patterns=[(compile_patterns([glob]), written, task) for glob, written, task in patterns], not_these=compile_patterns(conf().LOCK_PATTERNS))


class ResultReader:
    """One place's results; remembers which names to look at, so that a look reads only those."""

    def __init__(self, redis: Redis, place: Watched, wanted: Wanted) -> None:
        self._redis, self._place, self._wanted = redis, place, wanted
        self._names: dict[bytes, tuple[str, str | None]] = {}
        self._there_at: dict[bytes, datetime] = {}
        self._states: dict[bytes, tuple[int, str | None]] = {}  # of stored results: by what size it was read
        self._pass: Iterator[list[bytes]] | None = None
        self._counted: set[int] = set()
        self._more = 0
        self.total: int | None = None  # results in the last whole pass; None: there was none yet

    def scan_some(self) -> bool:
        """Look at a few more of the place's names; True when that ended a pass.  Cost: one round trip.  Raises: SourceUnavailable."""
        if self._pass is None:
            self._pass, self._counted, self._more = scan_keys(self._redis, self._place), set(), 0
        keys = next(self._pass, None)
        if keys is None:
            self._pass, self.total = None, len(self._counted) + self._more
            return True
        for key in keys:
            self._meet(key)
        return False

    def forget_pass(self) -> None:
        """Begin anew with the next look, after a pass that broke off."""
        self._pass = None

    def _meet(self, key: bytes) -> None:
        if not key.startswith(self._place.prefix) or (found := self._wanted.of(name_of(self._place, key))) is None:
            return
        if len(self._counted) < MAX_COUNTED:
            self._counted.add(hash(key))
        elif hash(key) not in self._counted:
            self._more += 1
        if len(self._names) < MAX_RESULTS:
            self._names.setdefault(key, found)

    def read(self, expected: Sequence[str], now: datetime) -> list[CachedResult]:
        """Every name in sight as it is now, also those that are gone, and those that are expected and not there yet.

        Cost: a round trip for NAMES_A_TRIP names, one more where stored results are new.  Raises: SourceUnavailable.
        """
        awaited = {self._place.prefix + name.encode("utf-8", "surrogateescape") for name in expected}
        for key in awaited:
            found = self._wanted.of(name_of(self._place, key))
            if found is not None and found[1] is not None and len(self._names) < MAX_RESULTS:
                self._names.setdefault(key, found)
        read: list[CachedResult] = []
        keys = list(self._names)
        for start in range(0, len(keys), NAMES_A_TRIP):
            read += self._read(keys[start : start + NAMES_A_TRIP], now)
        self._forget(awaited, now)
        return read

    def _read(self, keys: Sequence[bytes], now: datetime) -> list[CachedResult]:
        with available(f"cache {self._place.alias}"), self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.strlen(key)
                pipe.pttl(key)
            answers: list[Any] = pipe.execute(raise_on_error=False)
            found = []
            for key, size, ttl_ms in zip(keys, answers[::2], answers[1::2], strict=True):
                kind = "string"
                if isinstance(size, ResponseError) and "WRONGTYPE" in str(size):
                    kind, size = _word(self._redis.type(key)), None
                elif isinstance(size, Exception):
                    raise size
                found.append(self._result(key, kind, size, ttl_ms, now))
        return self._with_states(found)

    def _result(self, key: bytes, kind: str, size: int | None, ttl_ms: int, now: datetime) -> CachedResult:
        pattern, task = self._names[key]
        is_there = ttl_ms != GONE
        if is_there:
            self._there_at[key] = now
        return CachedResult(
            id=lock_id(self._place.alias, key),
            cache=self._place.alias,
            key=shown_key(key),
            name=name_of(self._place, key),
            raw_key=key if len(key) <= MAX_KEY_CARRIED else b"",
            kind=kind,
            payload_bytes=size if is_there else None,
            expires_at=now + timedelta(milliseconds=ttl_ms) if ttl_ms not in {GONE, NEVER} else None,
            first_seen_at=now if is_there else None,
            gone_at=None if is_there else now,
            pattern=pattern,
            task=task,
            is_stored=self._place.alias == BACKEND,
        )

    def _with_states(self, found: list[CachedResult]) -> list[CachedResult]:
        """Stored results with Celery's state, read again only where the size is another than before."""
        if self._place.alias != BACKEND:
            return found
        fresh = [one for one in found if one.payload_bytes is not None and one.raw_key and self._states.get(one.raw_key, (-1,))[0] != one.payload_bytes]
        with available(f"cache {self._place.alias}"), self._redis.pipeline(transaction=False) as pipe:
            for one in fresh:
                pipe.getrange(one.raw_key, 0, STATE_BYTES - 1)
            values: list[Any] = pipe.execute(raise_on_error=False) if fresh else []
        for one, value in zip(fresh, values, strict=True):
            self._states[one.raw_key] = (one.payload_bytes or 0, _state(value, one.payload_bytes or 0) if isinstance(value, bytes) else None)
        return [replace(one, state=self._states.get(one.raw_key, (0, None))[1]) for one in found]

    def _forget(self, awaited: set[bytes], now: datetime) -> None:
        """Names that are neither there, nor were there lately, nor are awaited."""
        gone = [key for key in self._names if now - self._there_at.get(key, now - 2 * REMEMBER) > REMEMBER and key not in awaited]
        for key in gone:
            self._names.pop(key, None)
            self._there_at.pop(key, None)
            self._states.pop(key, None)


def _state(raw: bytes, total_bytes: int) -> str | None:
    """What the stored result says of itself, in Celery's spelling; None where it cannot be read."""
    said = child(preview_of(raw, total_bytes=total_bytes).root, "status")
    return said.text.strip("'")[:40] if said is not None and said.kind == "text" else None


def _word(kind: Any) -> str:
    return kind.decode() if isinstance(kind, bytes) else str(kind)


def place_of(alias: str) -> Watched | None:
    """The place of that alias; None: not watched."""
    return next((place for place in places() if place.alias == alias), None)


def read_value(place: Watched, raw_key: bytes) -> Value | None:
    """What is under the key now; None: gone.  Cost: one round trip, MAX_READ bytes at most.  Raises: SourceUnavailable."""
    with available(f"cache {place.alias}"), connections.look(place).pipeline(transaction=False) as pipe:
        pipe.type(raw_key)
        pipe.strlen(raw_key)
        pipe.getrange(raw_key, 0, MAX_READ - 1)
        pipe.pttl(raw_key)
        kind, size, raw, ttl_ms = pipe.execute(raise_on_error=False)
    failed = next((answer for answer in (kind, ttl_ms) if isinstance(answer, Exception)), None)
    if failed is not None:
        raise SourceUnavailable(f"cache {place.alias}", f"does not answer: {failed}") from failed
    if _word(kind) == "none" or ttl_ms == GONE:
        return None
    is_string = isinstance(raw, bytes) and isinstance(size, int)
    return Value(
        kind=_word(kind),
        raw=raw if is_string else b"",
        total_bytes=size if is_string else 0,
        ttl=None if ttl_ms == NEVER else timedelta(milliseconds=ttl_ms),
        digest=digest_of(raw, size) if is_string else "",
    )


def digest_of(beginning: bytes, total_bytes: int) -> str:
    """What a value is told from another by: its length and its first MAX_READ bytes; a script on the server computes the same."""
    return hashlib.sha1(beginning + b":%d" % total_bytes, usedforsecurity=False).hexdigest()[:16]
