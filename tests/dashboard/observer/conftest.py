"""A system for each test, and what Lockhouse says of it at this moment."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dashboard import connections
from dashboard import snapshot as snapshots
from dashboard.conf import policy
from dashboard.judge import assess
from dashboard.records import JudgedLock, Snapshot
from dashboard.snapshot import Reader
from tests.system import System, running_system, wait_for


@pytest.fixture
def system(tmp_path, settings) -> Iterator[System]:
    with running_system(tmp_path) as running:
        settings.LOCKHOUSE = {
            "NAME": "test-system",
            "BROKER_URL": f"{running.url}/0",
            "CACHES": {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": f"{running.url}/1", "KEY_PREFIX": "shop", "VERSION": 3}},
            "REDIS_URL": f"{running.url}/2",
            "LOCKS": {"import-{i}": {"owner": "guest_import"}, "late-{i}": {"owner": "guest_import_late"}},
            "GRACE": 6,
        }
        connections.forget_connections()
        snapshots.forget()  # what this process has read is of the system before, whose versions are the same numbers
        yield running
        connections.forget_connections()
        snapshots.forget()


@pytest.fixture
def snapshot(system: System) -> Callable[[], Snapshot]:
    reader, own = Reader(), Redis.from_url(f"{system.url}/2", socket_timeout=5, retry=Retry(NoBackoff(), 0))  # of a frozen server it says so soon
    return lambda: reader.newest(own)


@pytest.fixture
def following(snapshot) -> Callable[[], None]:
    """Wait until every change of a lock is seen as it happens: for an observer that leads only reads them all at first."""

    def wait() -> None:
        def is_following() -> bool:
            known = [source for source in snapshot().sources if source.name == "cache default"]
            return bool(known) and known[0].ok and known[0].mode == "tracking" and known[0].search is None

        wait_for(is_following, said="changes of locks are followed")

    return wait


@pytest.fixture
def query(system):
    """One question to the history's database."""

    def ask(statement, *values):
        with closing(sqlite3.connect(system.logs / "lockhouse.sqlite3", timeout=10)) as database:
            return database.execute(statement, values).fetchall()

    return ask


@pytest.fixture
def locks(snapshot) -> Callable[[], dict[str, JudgedLock]]:
    """The judged locks by name, as a page would show them now."""
    return lambda: {one.lock.name: one for one in assess(snapshot(), datetime.now(UTC), policy())}
