"""Without a Redis of its own Lockhouse keeps its state in the broker's database: what it writes there is never taken for a lock."""

import uuid

import pytest
from redis import Redis

from dashboard import connections
from dashboard.snapshot import Reader
from tests.system import wait_for

OTHERS = ("lockhouse:other:expired:0123456789abcdef:0123456789abcdef", "lockhouse:other_lock", "lockhouse:other:lock")  # by its value, and by its name


@pytest.fixture
def system_without_own(system, settings):
    del system.env["LOCKHOUSE_REDIS_URL"]
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "REDIS_URL": ""}
    connections.forget_connections()
    return system


@pytest.fixture
def snapshot(system_without_own):
    reader = Reader()
    return lambda: reader.newest(system_without_own.broker)


def token():
    return uuid.uuid1().hex


def test_no_key_of_any_lockhouse_is_a_lock(system_without_own, snapshot, query):
    system = system_without_own
    for name in OTHERS:
        system.broker.set(name, token(), ex=600)
    system.observer()
    system.watched()
    Redis.from_url(f"{system.url}/1").set("shop:3:lock_short", token(), px=1500)
    wait_for(lambda: any(lock.name == "lock_short" for lock in snapshot().locks), said="seen")
    wait_for(lambda: system.broker.keys("lockhouse:test-system:expired:*"), said="its token is remembered")
    system.broker.set(OTHERS[-1], token(), ex=600)

    for number in range(3):  # the last one is found by a look at all names that began after all of this was there
        system.broker.set(f"any name {number}", token(), ex=600)
        wait_for(lambda number=number: f"any name {number}" in names(snapshot()), said="names are looked through")

    assert [name for name in names(snapshot()) if name.startswith("lockhouse:")] == []
    assert [one.name for one in snapshot().results if "lockhouse:" in one.name] == []
    assert len(system.broker.keys("lockhouse:*:expired:*")) == 2
    assert query("SELECT text FROM lockhouse_historyname WHERE text LIKE 'lockhouse:%'") == []


def names(known):
    return {lock.name for lock in known.locks}
