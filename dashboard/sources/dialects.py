"""Who wrote a lock, what its value says, and how it is released: one small class for each library that writes locks into Redis. No I/O in here.

Each fact is held by the contract test, which has the real library write. A value is read by its bytes and never loaded.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from fnmatch import translate
from functools import lru_cache
from typing import ClassVar, Literal

from dashboard.conf import conf
from dashboard.locking.token import TokenClaim, read_token
from dashboard.records import Claim, TakenBy, digest_of_id
from dashboard.sources.preview import preview_of

MAX_CACHED = 512  # bytes of a small value, before and after unpacking: what is longer says nothing about a holder, and costs time to read
MUTEX = "unacked_mutex"  # kombu's own name for it; a global key prefix may stand before it
SIGNAL_MS = 1000  # how long python-redis-lock keeps the list that wakes those who wait

_CLAIMED = [field.name for field in fields(TokenClaim) if field.name != "kind"]
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")  # Celery's task ids
_B64_OF_18_BYTES = re.compile(rb"[A-Za-z0-9+/]{24}")
_SINGLETON_KEY = re.compile(rb"SINGLETONLOCK_[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One string under one key."""

    key: bytes
    prefix: bytes  # of the cache, with its version: b":1:"; empty in the broker's database
    value: bytes


class Dialect:
    """What one library writes; `globs` are whole keys, for most libraries put no cache's prefix before their own."""

    name: ClassVar[str]
    globs: ClassVar[tuple[str, ...]] = ()
    taken_by: ClassVar[TakenBy] = "run"

    def claim(self, entry: Entry) -> Claim | Literal[False] | None:
        """What it says about its holder, None for nothing; False: another library wrote it."""
        raise NotImplementedError

    def signal(self, key: bytes) -> bytes | None:
        """The list by which those who wait are woken after a release; None: they ask again by themselves."""
        return None


class HolderLocks(Dialect):
    """Ours: the token says everything."""

    name = "lockhouse"

    def claim(self, entry: Entry) -> Claim | Literal[False]:
        return _token(entry.value, "lockhouse")


class RedisPy(Dialect):
    """redis-py's `lock`, which is django-redis' too: the token is a uuid1, so it says when the attempt began and on which network card."""

    name = "redis-py"

    def claim(self, entry: Entry) -> Claim | Literal[False]:
        return _token(entry.value, "redis-py")


class CeleryOnce(Dialect):
    """celery-once: redis-py's lock, taken by the sender and deleted by the run that ends, whoever holds it then: the uuid1 is the sender's, no run's.

    The name alone shuts others out, so it is the sender's whatever the value; only our own token names a run all the same.
    """

    name = "celery-once"
    globs = ("qo_*",)
    taken_by = "send"

    def claim(self, entry: Entry) -> Claim | Literal[False] | None:
        if not entry.key.startswith(b"qo_") or _token(entry.value, "lockhouse"):
            return False
        return _token(entry.value, "redis-py") or None


class CelerySingleton(Dialect):
    """celery-singleton: taken by the sender, the value is the id of the task that it sends; the run that ends deletes it without comparing.

    An id that is not of Celery's own making is not read: it may be anything.
    """

    name = "celery-singleton"
    globs = ("SINGLETONLOCK_*",)
    taken_by = "send"

    def claim(self, entry: Entry) -> Claim | Literal[False] | None:
        if not _SINGLETON_KEY.fullmatch(entry.key):
            return False
        task_id = entry.value.decode("ascii", "replace")
        return Claim(task_id=task_id) if _is_task_id(task_id) else None


class RedBeat(Dialect):
    """RedBeat: redis-py's lock, held by the beat that is in charge and extended at each of its ticks; without it that beat ends.

    No run holds what has its name, whatever the value.
    """

    name = "redbeat"
    globs = ("redbeat::lock",)
    taken_by = "beat"

    def claim(self, entry: Entry) -> Claim | Literal[False] | None:
        return (_token(entry.value, "redis-py") or None) if entry.key == b"redbeat::lock" else False


class PythonRedisLock(Dialect):
    """python-redis-lock: the value is random and says nothing; those who wait sleep until something is in a list beside it."""

    name = "python-redis-lock"
    globs = ("lock:*",)

    def claim(self, entry: Entry) -> Literal[False] | None:
        is_its = entry.key.startswith(b"lock:") and _B64_OF_18_BYTES.fullmatch(entry.value)
        return None if is_its else False

    def signal(self, key: bytes) -> bytes:
        return b"lock-signal:" + key.removeprefix(b"lock:")


class CacheAdd(Dialect):
    """`cache.add(name, value, timeout)`, as in Celery's cookbook: a small value as django-redis' serializers write it, a task id if we are lucky."""

    name = "cache.add"
    globs = ("*-lock-" + "[0-9a-f]" * 32,)  # the cookbook's names: <task name>-lock-<md5>

    def claim(self, entry: Entry) -> Claim | Literal[False] | None:
        if not entry.prefix or not entry.key.startswith(entry.prefix):
            return False
        return _cached(entry.value) if len(entry.value) <= MAX_CACHED else False


class Kombu(Dialect):
    """kombu's own lock while it gives unacknowledged messages back: nobody's overlap, and never ours to release, whatever its value."""

    name = "kombu"
    globs = (f"*{MUTEX}",)
    taken_by = "broker"

    def claim(self, entry: Entry) -> Claim | Literal[False] | None:
        named = str(conf().BROKER_TRANSPORT_OPTIONS.get("unacked_mutex_key") or MUTEX).encode()
        return (_token(entry.value, "redis-py") or None) if entry.key.endswith((MUTEX.encode(), named)) else False


class Other(Dialect):
    """Written by something that we do not know."""

    name = "other"

    def claim(self, entry: Entry) -> Claim | None:
        return _of_text(entry.value.decode("ascii", "replace"))


DIALECTS: Sequence[Dialect] = (Kombu(), RedBeat(), CeleryOnce(), CelerySingleton(), PythonRedisLock(), HolderLocks(), RedisPy(), CacheAdd(), Other())
BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
GLOBS = tuple(glob for dialect in DIALECTS for glob in dialect.globs)
_WHOLE_KEYS = re.compile("|".join(translate(glob) for glob in GLOBS).encode(), re.DOTALL)


def read(entry: Entry) -> tuple[Dialect, Claim | None]:
    """Who wrote it, and what it claims; never raises, whatever the bytes."""
    for dialect in DIALECTS[:-1]:
        claim = dialect.claim(entry)
        if claim is not False:
            return dialect, claim
    return DIALECTS[-1], DIALECTS[-1].claim(entry) or None


def is_known_key(key: bytes) -> bool:
    """Whether a library that we know writes locks under such a key."""
    return _WHOLE_KEYS.match(key) is not None


def signal_of(dialect: str, key: bytes) -> bytes | None:
    """The list that wakes those who wait for this lock, where its library has one."""
    known = BY_NAME.get(dialect)
    return known.signal(key) if known else None


@lru_cache(maxsize=4096)  # every lock is read again every few seconds, and a token never changes
def _token(value: bytes, kind: str) -> Claim | Literal[False]:
    said: TokenClaim | None = read_token(value)
    if said is None or said.kind != kind:
        return False
    return Claim(**{name: getattr(said, name) for name in _CLAIMED})


@lru_cache(maxsize=20_000)  # as many as are followed in a place: a value that somebody forged to be slow to read costs its time once
def _cached(value: bytes) -> Claim | Literal[False] | None:
    shown = preview_of(value, unredacted=True, most=MAX_CACHED)
    is_small = shown.is_whole and shown.root.kind in {"text", "number", "bool", "none"}
    if not is_small or shown.format not in {"pickle", "json", "msgpack", "integer"}:
        return False
    text = shown.root.text.strip("'\"")
    return _of_text(text) if shown.root.kind == "text" else None


def _of_text(text: str) -> Claim | None:
    """A task's id perhaps, perhaps a token of anybody's making: only who knows such a task finds it by this."""
    return Claim(task_digest=digest_of_id(text)) if _is_task_id(text) else None


def _is_task_id(text: str) -> bool:
    return _UUID4.fullmatch(text) is not None
