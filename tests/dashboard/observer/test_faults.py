"""The observer when things break: the server frozen, killed, flushed, forbidding; another observer. It says so and recovers by itself."""

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from dashboard.snapshot import Reader
from tests.system import wait_for

TOKEN = "5f3c1a2e8d7b11ef9c3a0242ac110002"  # a uuid1, as a plain lock's


@pytest.fixture
def cache(system):
    return Redis.from_url(f"{system.url}/1")


def lock(cache, name: str, seconds: float = 600) -> None:
    cache.set(f"shop:3:{name}", TOKEN, px=int(seconds * 1000))


def names(snapshot) -> set[str]:
    return {one.name for one in snapshot().locks}


def is_fresh(snapshot) -> bool:
    found = snapshot()
    return found.at is not None and datetime.now(UTC) - found.at < timedelta(seconds=2) and all(source.ok for source in found.sources)


def test_second_observer_stands_by_and_takes_over(system, snapshot, cache):
    lock(cache, "lock_a")
    first = system.observer("first")
    wait_for(lambda: names(snapshot) == {"lock_a"})
    system.observer("second")
    wait_for(lambda: "another observer leads" in system.log("second"))
    wait_for(lambda: snapshot().observer and snapshot().observer.standbys, said="the leader knows who stands by")

    system.signal(first, signal.SIGKILL)

    system.watched("second")
    lock(cache, "lock_b")
    wait_for(lambda: names(snapshot) == {"lock_a", "lock_b"}, said=lambda: (names(snapshot), snapshot().at, snapshot().sources))


def test_frozen_server_is_said_and_the_page_recovers_within_5_s(system, snapshot, cache):
    lock(cache, "lock_a")
    system.observer()
    wait_for(lambda: names(snapshot) == {"lock_a"} and is_fresh(snapshot))
    pid = int(system.guest.info("server")["process_id"])

    os.kill(pid, signal.SIGSTOP)
    try:
        reader = Reader()
        reader.newest(Redis.from_url(f"{system.url}/2", socket_timeout=0.2))
        away = wait_for(lambda: [source for source in snapshot().sources if source.name == "lockhouse" and not source.ok])
        assert names(snapshot) == {"lock_a"}, "the last good reading stays"
        assert away[0].last_good_at is not None
        wait_for(lambda: "does not answer" in system.log("observer"))
    finally:
        os.kill(pid, signal.SIGCONT)

    wait_for(lambda: is_fresh(snapshot))
    assert names(snapshot) == {"lock_a"}


def test_flush_empties_the_page_at_once(system, snapshot, cache):
    lock(cache, "lock_a")
    lock(cache, "import-1")
    system.observer()
    wait_for(lambda: names(snapshot) == {"lock_a", "import-1"})

    cache.flushdb()

    wait_for(lambda: not names(snapshot))


def test_observer_started_before_its_server_waits_for_it(system, snapshot, cache):
    system.server.stop()
    system.observer()
    wait_for(lambda: "does not answer" in system.log("observer"))

    system.server.start()

    lock(cache, "lock_a")
    wait_for(lambda: names(snapshot) == {"lock_a"})


def test_server_that_forbids_client_and_config_is_polled_and_the_coverage_says_so(system, snapshot, cache):
    system.guest.execute_command("ACL", "SETUSER", "watcher", "on", ">pass", "~*", "&*", "+@all", "-client", "-config", "-info", "-@dangerous")
    url = system.url.replace("redis://", "rediscache://watcher:pass@") + "/1?key_prefix=shop&version=3"
    system.observer(CACHE_URL=url, CELERY_BROKER_URL=system.url.replace("redis://", "redis://watcher:pass@") + "/0")
    lock(cache, "lock_a")
    lock(cache, "import-1")

    wait_for(lambda: names(snapshot) == {"lock_a", "import-1"})
    source = wait_for(lambda: next((source for source in snapshot().sources if source.name == "cache default"), None))
    assert (source.ok, source.mode) == (True, "polling")
    assert "CLIENT TRACKING is refused" in source.notes[0]
    assert "pass" not in (source.url or "")
    cache.delete("shop:3:lock_a")
    wait_for(lambda: names(snapshot) == {"import-1"})


def test_closed_tracking_connection_is_opened_again(system, snapshot, cache):
    system.observer()
    wait_for(lambda: is_fresh(snapshot))

    for client in system.guest.client_list():
        if client["name"].startswith("lockhouse-look"):
            system.guest.client_kill_filter(_id=client["id"])

    lock(cache, "lock_a")
    wait_for(lambda: names(snapshot) == {"lock_a"})
    wait_for(lambda: is_fresh(snapshot))


@pytest.mark.parametrize(
    ("key", "value", "dialect"),
    [
        (b"shop:3:lock_\xff\xfe", TOKEN, "redis-py"),
        (b"shop:3:lock_" + b"k" * 1_000_000, TOKEN, "redis-py"),
        (b"shop:3:lock_forged", "lh1:" + "x" * 400, "other"),
        (b"shop:3:lock_a", "lh2:e0d63fb8e77f11f1be5902fc00000001:id=a:pid=1", "other"),
        (b"shop:3:lock_a", "lh1:ffffffffffff1fffbe5902fc00000001:id=%3Cscript%3E:pid=1:worker=w", "lockhouse"),
        (b"shop:3:lock_a", "ffffffffffff1fffbe5902fc00000001", "redis-py"),
        (b"SINGLETONLOCK_" + b"a" * 32, "x" * 1_000_000, "not-a-lock"),
        (b"shop:3:lock_huge", "x" * 1_000_000, "not-a-lock"),
        (b"shop:3:lock_empty", "", "other"),
    ],
    ids=["not UTF-8", "1 MB key", "forged", "another version", "forged future", "uuid1 of the future", "1 MB of another dialect", "1 MB value", "empty"],
)
def test_odd_lock_is_listed_and_bounded(system, snapshot, cache, key, value, dialect):
    cache.set(key, value, px=600_000)
    system.observer()

    found = wait_for(lambda: snapshot().locks)

    assert [one.dialect for one in found] == [dialect]
    assert len(found[0].key) <= 512
    assert len(found[0].id) == 16


@pytest.mark.parametrize("key", ["shop:3:lock_other", "qo_other", "redbeat::lock", "lock:other"])
@pytest.mark.parametrize(("kind", "command"), [("list", ("RPUSH", "a")), ("hash", ("HSET", "a", "b"))])
def test_key_of_another_type_is_said_to_be_none(system, snapshot, locks, cache, key, kind, command):
    cache.execute_command(command[0], key, *command[1:])
    system.observer()

    judged = wait_for(lambda: locks().get(key.removeprefix("shop:3:")))

    assert judged.evidence[0].code == "wrong_type"
    assert judged.evidence[0].values == {"type": kind}


def test_leader_that_was_frozen_for_longer_than_its_lease_writes_nothing_more_and_stands_by(system, snapshot, cache, query):
    system.worker(concurrency=1)
    first = system.observer("first")
    wait_for(lambda: is_fresh(snapshot) and any(source.name == "events" for source in snapshot().sources))
    system.send("guest_import", "import-1", 300)
    system.taken("import-1")
    wait_for(lambda: query("SELECT count(*) FROM lockhouse_taskrun WHERE outcome = 0") == [(1,)], said="the first one wrote it")
    system.observer("second")
    wait_for(lambda: snapshot().observer and snapshot().observer.standbys)

    frozen_at = datetime.now(UTC).timestamp() * 1e6
    system.signal(first, signal.SIGSTOP)
    system.watched("second")
    wait_for(lambda: query("SELECT count(*) FROM lockhouse_historygap") == [(1,)], said="events are received again, so the gap has an end")
    system.guest.rpush("import-1:go", 1)
    wait_for(lambda: query("SELECT count(*) FROM lockhouse_taskrun WHERE outcome = 7") == [(1,)], said="the second one wrote its end")
    leader = wait_for(lambda: snapshot().observer).leader
    ((epoch,),) = query("SELECT max(epoch) FROM lockhouse_historyepoch")
    system.signal(first, signal.SIGCONT)
    wait_for(lambda: "this one stands by" in system.log("first"), said="it stands by")

    lock(cache, "lock_b")
    wait_for(lambda: names(snapshot) == {"lock_b"}, said="the second one goes on")
    assert snapshot().observer.leader == leader
    assert query("SELECT max(epoch) FROM lockhouse_historyepoch") == [(epoch,)], "nobody else led meanwhile"
    assert query("SELECT count(*), min(outcome) FROM lockhouse_taskrun") == [(1, 7)], "no row is doubled, and its end stays"
    ((from_us, to_us, why),) = query("SELECT from_us, to_us, why FROM lockhouse_historygap")
    assert why == "no-observer" and frozen_at - 15_000_000 < from_us < frozen_at + 1_000_000 < to_us, "the time between is said"
