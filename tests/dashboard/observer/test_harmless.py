"""Looking is harmless: what a user's workers have fetched stays theirs, whatever of ours has looked."""

import time

from dashboard.observer.survey import survey
from tests.system import wait_for

TWO_HOURS = 2 * 3600


def test_message_unacked_for_two_hours_stays_unacked(system, snapshot):
    system.worker()
    system.send("guest_import_late", "late-1", 300)
    system.taken("late-1")
    tag = system.broker.zrange("unacked_index", 0, -1)[0]
    system.broker.zadd("unacked_index", {tag: time.time() - TWO_HOURS})

    system.observer()
    wait_for(lambda: snapshot().workers and snapshot().workers[0].active, said="inspect was answered")
    wait_for(lambda: {"events", "workers", "broker"} <= {source.name for source in snapshot().sources if source.ok}, said="everything has looked")
    rounds = snapshot().workers[0].answered_at
    wait_for(lambda: (snapshot().workers[0].answered_at - rounds).total_seconds() > 5, said="some rounds of asking")
    survey()

    assert system.broker.hkeys("unacked") == [tag]
    assert system.broker.llen("celery") == 0
    assert system.guest.llen("late-1:taken") == 1


def test_observer_that_is_killed_with_the_mutex_for_giving_messages_back_keeps_no_worker_from_it_for_minutes(system, snapshot):
    """Any consumer of kombu's takes it, for five minutes where nothing else is said."""
    system.broker.config_set("slowlog-log-slower-than", 0)
    system.broker.config_set("slowlog-max-len", 100_000)
    system.worker()

    system.observer()
    wait_for(lambda: snapshot().workers and snapshot().workers[0].active is not None, said="inspect was answered")

    ours = [entry["command"].split() for entry in system.broker.slowlog_get(100_000) if entry["client_name"].startswith(b"lockhouse")]
    taken = [command for command in ours if command[:2] == [b"SET", b"unacked_mutex"]]
    assert taken
    assert {int(command[command.index(b"PX") + 1]) for command in taken} == {10_000}


def test_looking_leaves_the_keys_of_cache_and_queues_as_they_are(system, snapshot):
    system.send("guest_import", "import-1", 1)
    cache = type(system.guest).from_url(f"{system.url}/1")
    cache.set("shop:3:import-7", "6" * 32, px=600_000)
    cache.hset("shop:3:lock_hash", "a", "b")
    before = [system.broker.dump("celery"), cache.dump("shop:3:import-7"), cache.dump("shop:3:lock_hash")]

    system.observer()
    wait_for(lambda: any(queue.ready == 1 for queue in snapshot().queues), said="the queue was read")

    assert before == [system.broker.dump("celery"), cache.dump("shop:3:import-7"), cache.dump("shop:3:lock_hash")]
    assert sorted(cache.keys()) == [b"shop:3:import-7", b"shop:3:lock_hash"]
