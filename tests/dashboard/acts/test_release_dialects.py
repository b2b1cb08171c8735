"""A lock of every library is released so that the library itself lets the next attempt in; what is not to be released stays."""

import threading
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from redis import Redis
from redis_lock import Lock as PythonRedisLock

from dashboard import connections
from dashboard.acts.plan import plan_release
from dashboard.acts.release import release_now
from dashboard.acts.words import effect
from dashboard.sources.locks import read_lock
from tests.dashboard.acts.scene import PREFIX
from tests.lock_writers import SECONDS, WRITERS, OfKombu, OfPythonRedisLock
from tests.system import wait_for

pytestmark = pytest.mark.django_db
RELEASABLE = [name for name in WRITERS if name != "kombu"]


@pytest.fixture(autouse=True)
def empty(watching):
    Redis.from_url(watching).flushall()


def seen(scene, writer, key):
    """The lock as an observer has it."""
    place = connections.watched_one(writer.alias)
    lock = read_lock(connections.look(place), place, key, datetime.now(UTC))
    assert lock is not None
    scene.put([lock])
    return lock


@pytest.mark.parametrize("key", [b"unacked_mutex", b"prefix:unacked_mutex", b"given_back"])
@pytest.mark.parametrize("value", [b"1", b"d9c26803-1111-4222-8333-444455556666", b"0" * 32, b"e0d63fb8e77f11f1be5902fc00000001"])
def test_what_kombu_locks_by_is_never_released_whatever_its_value(scene, admin, settings, watching, key, value):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "BROKER_TRANSPORT_OPTIONS": {"unacked_mutex_key": "given_back"}}
    writer = OfKombu(watching)
    writer.redis.set(key, value, px=60_000)

    outcome = force(admin, seen(scene, writer, key))

    assert (outcome.state, outcome.code) == ("refused", "internal_lock")
    assert writer.redis.get(key) == value


def force(admin, lock, digest=None):
    return release_now(admin, lock.id, digest or lock.token_digest, "the shop waits", force=True, origin="cli")


@pytest.mark.parametrize("name", RELEASABLE)
def test_released_lock_lets_the_librarys_next_attempt_in(scene, admin, watching, name):
    writer = WRITERS[name](watching)
    lock = seen(scene, writer, writer.take())

    outcome = force(admin, lock)

    assert (outcome.state, outcome.code) == ("done", "released")
    assert writer.takes_again()


@pytest.mark.parametrize("name", RELEASABLE)
def test_lock_with_another_token_than_the_one_seen_is_left_alone(scene, admin, watching, name):
    writer = WRITERS[name](watching)
    key = writer.take()
    lock = seen(scene, writer, key)
    before = writer.redis.get(key)

    outcome = force(admin, lock, digest="0" * 16)

    assert (outcome.state, outcome.code) == ("refused", "changed_hands")
    assert writer.redis.get(key) == before


def test_who_waits_for_a_lock_of_python_redis_lock_is_woken(scene, admin, watching):
    writer, taken = OfPythonRedisLock(watching), []
    lock = seen(scene, writer, writer.take())
    waiting = PythonRedisLock(Redis.from_url(f"{watching}/0", socket_timeout=SECONDS), "report_7", expire=SECONDS)
    thread = threading.Thread(target=lambda: taken.append(waiting.acquire(timeout=SECONDS)))
    thread.start()
    wait_for(lambda: writer.redis.info("clients")["blocked_clients"])

    force(admin, lock)
    thread.join(SECONDS / 2)  # its own patience is twice as long

    assert taken == [True]


def test_plan_names_the_list_that_wakes_those_who_wait(scene, admin, watching):
    writer = OfPythonRedisLock(watching)
    lock = seen(scene, writer, writer.take())

    said = [effect(fact.code, fact.values) for fact in plan_release(admin, "session", lock.id, lock.token_digest).effects]

    assert any("lock-signal:report_7" in sentence for sentence in said)


def test_what_is_no_list_under_the_signals_key_is_left_alone(scene, admin, watching):
    writer = OfPythonRedisLock(watching)
    lock = seen(scene, writer, writer.take())
    writer.redis.delete("lock-signal:report_7")
    writer.redis.hset("lock-signal:report_7", "precious", "data")

    outcome = force(admin, lock)

    assert (outcome.state, outcome.code) == ("done", "released")
    assert writer.redis.hgetall("lock-signal:report_7") == {b"precious": b"data"}
    assert not writer.redis.exists(lock.raw_key)


def test_lock_that_only_its_library_uses_is_never_released(scene, admin, watching):
    writer = OfKombu(watching)
    key = writer.take()

    outcome = force(admin, seen(scene, writer, key))

    assert (outcome.state, outcome.code) == ("refused", "internal_lock")
    assert writer.redis.exists(key)


def test_token_under_a_name_that_no_setting_lists_is_released_only_once_one_does(scene, admin, settings):
    lock = scene.plain("cart-import:5")

    refused = force(admin, lock)
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "LOCKS": {"cart-import:{cart_id}": {}}}
    released = force(admin, lock)

    assert (refused.state, refused.code) == ("refused", "not_listed")
    assert (released.state, released.code) == ("done", "released")


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("cart-import:5", "cart-import:*"), ("sync", "sync"), ("odd[1]*", "odd[[]*][*]"), ("job-5f3c1a2e8d7b11ef9c3a0242ac110002", "job-*")],
)
def test_page_of_a_lock_that_no_setting_lists_says_how_to_list_it(scene, admin, client, name, pattern):
    client.force_login(admin)

    page = client.get(reverse("lockhouse:lock", args=[scene.plain(name).id])).content.decode()

    assert f"If it is one, add {pattern} to LOCK_PATTERNS" in page


def test_lock_that_the_catalogue_forbids_to_release_stays(scene, admin, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "LOCKS": {"lock_ledger_{id}": {"release": False}}}
    lock = scene.plain("lock_ledger_7")

    outcome = force(admin, lock)

    assert (outcome.state, outcome.code) == ("refused", "not_to_be_released")
    assert scene.value(PREFIX + b"lock_ledger_7")
