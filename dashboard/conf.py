"""Every setting of Lockhouse once: its default, its unit and what it means. Values come from the dict `LOCKHOUSE` in Django's settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from django.conf import settings

from dashboard.records import CatalogueEntry, Policy, ResultEntry

OWN_KEYS = "lockhouse:"  # what all keys of ours begin with, those of another Lockhouse on the same server as well
DEFAULT_LOCK_PATTERNS = ("lock_*", "lock:*", "*_lock", "*:lock")
DEFAULT_RESULT_PATTERNS = ("result_*", "result:*", "*_result", "*:result", "report_*", "server_*")


def _says(meaning: str, **default: Any) -> Any:
    return field(metadata={"meaning": meaning}, **default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conf:
    """The settings as read once per access; the README's table is compared with `describe()` by a test."""

    NAME: str = _says("name of the watched system, shown in the header and in the tab's title", default="celery")
    KIND: str = _says("production, staging, ...: shown in the header in word and colour", default="")
    BROKER_URL: str = _says("the watched broker; from CELERY_BROKER_URL", default="redis://127.0.0.1:6379/0")
    BROKER_TRANSPORT_OPTIONS: Mapping[str, Any] = _says("the watched system's own transport options (JSON)", default_factory=dict)
    CACHES: Mapping[str, Mapping[str, Any]] = _says("the watched caches, as Django's CACHES (JSON), or one from CACHE_URL", default_factory=dict)
    REDIS_URL: str = _says("our own Redis (snapshot, announcements, leader lock); empty: the broker's server", default="")
    LOCK_PATTERNS: Sequence[str] = _says("names that are locks, comma-separated globs", default=DEFAULT_LOCK_PATTERNS)
    LOCKS: Mapping[str, Mapping[str, Any]] = _says(
        "catalogue: pattern -> {label, owner: task, blocks: what does not happen meanwhile, model: app.Model, release: false: never}",
        default_factory=dict,
    )
    RESULT_PATTERNS: Sequence[str] = _says("names in the caches that are results of tasks, comma-separated globs", default=DEFAULT_RESULT_PATTERNS)
    RESULTS: Mapping[str, Mapping[str, str]] = _says(
        "catalogue: pattern (server_{id}) -> {task: the task that writes it, cache: where, if not in the first}", default_factory=dict
    )
    RESULT_BACKEND: str = _says("the Redis result backend whose stored results are shown; empty: the broker's database", default="")
    QUEUES: Sequence[str] = _says("queues to show even when empty and unread, comma-separated", default=())
    READ_ONLY: bool = _says("no acts at all; switch off to release locks", default=True)
    INSPECT: bool = _says("ask the workers (inspect); off: runs are known from events only", default=True)
    SCAN: bool = _says("look in the background for locks under any name", default=True)
    METRICS_ALLOW: Sequence[str] = _says("addresses and networks that read /metrics without a token, comma-separated", default=())
    SEND_LIMIT: int = _says("messages that one person may send within a minute, several at once counted as so many", default=200)
    SEND_LIMIT_ALL: int = _says("messages that all people together may send within a minute", default=2000)
    EVENT_BUFFER_BYTES: int = _says("events that may wait to be taken in, in bytes; beyond that they are dropped and counted by type", default=16_000_000)
    MAX_RUNS: int = _says("runs that are kept in memory: so many that go on, and as many that ended", default=20_000)
    HISTORY_DAYS: int = _says("days that ended runs are kept in the database", default=30)
    HISTORY_ROWS: int = _says("runs that are kept in the database at most; about 300 bytes each", default=1_000_000)
    GRACE: int = _says("seconds of silence before a worker counts as gone", default=10)


KNOWN = frozenset(item.name for item in fields(Conf))
_last: tuple[Mapping[str, Any], Conf] | None = None  # what was given, and what it says: asked for dozens of times a page


def conf() -> Conf:
    """The settings in force; unknown names are reported by `checks.py`, not here."""
    global _last  # noqa: PLW0603  # threads may overwrite each other's: each goes on with its own
    given: Mapping[str, Any] = getattr(settings, "LOCKHOUSE", {})
    last = _last
    if last is None or last[0] != given:
        last = _last = dict(given), Conf(**{name: value for name, value in given.items() if name in KNOWN})
    return last[1]


def own_key(*parts: str) -> str:
    """The key in our own Redis of that part of this Lockhouse's state."""
    return OWN_KEYS + ":".join((conf().NAME, *parts))


def own_redis_url() -> str:
    """Where the snapshot, the announcements and the leader lock live."""
    return conf().REDIS_URL or conf().BROKER_URL


def policy() -> Policy:
    """The judge's thresholds and the catalogue of locks, from the settings."""
    return Policy(
        grace=timedelta(seconds=conf().GRACE),
        lock_patterns=tuple(conf().LOCK_PATTERNS),
        catalogue=tuple(_entry(pattern, said) for pattern, said in conf().LOCKS.items()),
        results=tuple(ResultEntry(pattern=pattern, task=entry.get("task")) for pattern, entry in conf().RESULTS.items()),
    )


def _entry(pattern: str, said: Mapping[str, Any]) -> CatalogueEntry:
    return CatalogueEntry(
        pattern=pattern,
        label=said.get("label", ""),
        owner=said.get("owner"),
        blocks=said.get("blocks", ""),
        model=said.get("model", ""),
        may_release=said.get("release", True),
    )


def describe() -> list[tuple[str, str, str]]:
    """Name, default and meaning of every setting, in the order of the README's table."""
    return [(item.name, _default_of(item), item.metadata["meaning"]) for item in fields(Conf)]


def _default_of(item: Any) -> str:
    value = item.default_factory() if callable(item.default_factory) else item.default
    return ",".join(value) if isinstance(value, tuple) else str(value)
