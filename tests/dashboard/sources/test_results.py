"""Reading results that django-redis and Celery themselves wrote."""

from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery
from django.core.cache import CacheHandler
from redis import Redis

from dashboard import connections
from dashboard.exceptions import SourceUnavailable
from dashboard.inert import literal
from dashboard.sources import results as source
from dashboard.sources.results import ResultReader, places, read_value, wanted_in

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
SHOP = b"shop:1:"


@pytest.fixture
def cache(watching, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "RESULTS": {"server_{id}": {"task": "servers_retrieve_info"}}}
    return CacheHandler(settings.LOCKHOUSE["CACHES"])["shop"]


def reader_of(alias="shop"):
    place = next(place for place in places() if place.alias == alias)
    return ResultReader(connections.look(place), place, wanted_in(place))


def read(alias="shop", expected=()):
    reader = reader_of(alias)
    while not reader.scan_some():
        pass
    return {one.name: one for one in reader.read(expected, NOW)}, reader.total


def test_result_has_its_time_to_live_size_pattern_and_task(cache):
    cache.set("server_7", {"name": "web-7"}, 300)

    found, total = read()

    one = found["server_7"]
    assert total == 1
    assert one.expires_at is not None
    assert timedelta(seconds=295) < one.expires_at - NOW <= timedelta(seconds=300)
    assert (one.payload_bytes, one.pattern, one.task, one.key) == (one.payload_bytes, "server_{id}", "servers_retrieve_info", "shop:1:server_7")
    assert one.payload_bytes


def test_result_without_expiry_never_expires(cache):
    cache.set("report_7", 1, None)

    found, _ = read()

    assert (found["report_7"].expires_at, found["report_7"].pattern, found["report_7"].task) == (None, "report_*", None)


def test_our_own_trash_is_no_result_whatever_the_patterns_say(cache, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "RESULT_PATTERNS": ["*"]}
    cache.set("lockhouse:trash:7", 1, 300)
    cache.set("server_7", 1, 300)

    assert list(read()[0]) == ["server_7"]


def test_locks_and_other_names_are_no_results(cache):
    cache.set("report_1_lock", 1, 60)
    cache.set("session_1", 1, 60)
    Redis.from_url(connections.watched_one("shop").url).set("server_without_prefix", 1)

    assert read() == ({}, 0)


def test_key_of_another_type_has_a_kind_and_no_size(cache):
    Redis.from_url(connections.watched_one("shop").url).hset("shop:1:server_9", "a", "b")

    found, _ = read()

    assert (found["server_9"].kind, found["server_9"].payload_bytes) == ("hash", None)


def test_result_that_goes_between_scan_and_read_is_gone_and_found_again_when_it_is_back(cache):
    cache.set("server_7", 1, 300)
    reader = reader_of()
    while not reader.scan_some():
        pass
    cache.delete("server_7")

    (one,) = reader.read((), NOW)
    assert one.gone_at == NOW
    assert reader.read((), NOW) == []  # it never was there when we looked, and nobody waits for it


def test_name_that_was_there_is_read_again_without_a_scan(cache):
    cache.set("server_7", 1, 300)
    reader = reader_of()
    while not reader.scan_some():
        pass
    reader.read((), NOW)
    cache.delete("server_7")
    assert reader.read((), NOW)[0].gone_at == NOW

    cache.set("server_7", 2, 300)

    assert reader.read((), NOW)[0].gone_at is None


def test_expected_name_is_looked_at_although_it_was_never_there(cache):
    reader = reader_of()

    (one,) = reader.read(["server_8", "other_8"], NOW)

    assert (one.name, one.gone_at, one.first_seen_at, one.task) == ("server_8", NOW, None, "servers_retrieve_info")
    assert reader.read(["server_8"], NOW) == [one]


def test_more_results_than_the_list_holds_are_counted(cache, monkeypatch):
    monkeypatch.setattr(source, "MAX_RESULTS", 20)
    for number in range(300):
        cache.set(f"server_{number}", number, 300)

    found, total = read()

    assert (len(found), total) == (20, 300)


def test_stored_results_of_a_result_backend_have_their_state(watching, settings):
    app = Celery("guest", backend=f"{watching}/0", set_as_current=False)
    app.backend.store_result("d9c26803-1111-4222-8333-444455556666", {"rows": ["x" * 10_000]}, "SUCCESS")
    app.backend.store_result("d9c26803-1111-4222-8333-444455557777", ValueError("no"), "FAILURE")

    found, total = read("result backend")

    assert total == 2
    assert {name: one.state for name, one in found.items()} == {
        "celery-task-meta-d9c26803-1111-4222-8333-444455556666": "SUCCESS",
        "celery-task-meta-d9c26803-1111-4222-8333-444455557777": "FAILURE",
    }
    assert all(one.is_stored and one.expires_at for one in found.values())


def test_result_backend_of_its_own_is_read_instead_of_the_broker(watching, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "RESULT_BACKEND": f"{watching}/5"}
    Celery("guest", backend=f"{watching}/5", set_as_current=False).backend.store_result("some-id", 1, "SUCCESS")

    found, _ = read("result backend")

    assert [one.state for one in found.values()] == ["SUCCESS"]


def test_value_is_read_bounded_and_said_to_be_longer(cache):
    cache.client.get_client().set("shop:1:report_big", b"a" * 300_000)

    value = read_value(connections.watched_one("shop"), b"shop:1:report_big")

    assert value is not None
    assert (len(value.raw), value.total_bytes, value.ttl) == (65536, 300_000, None)
    assert literal(value.preview(unredacted=False).root).startswith("'aaa")
    assert not value.preview(unredacted=False).is_whole


def test_value_of_another_type_and_one_that_is_gone(cache):
    cache.client.get_client().hset("shop:1:server_9", "a", "b")

    other = read_value(connections.watched_one("shop"), b"shop:1:server_9")

    assert other is not None
    assert (other.kind, other.raw) == ("hash", b"")
    assert read_value(connections.watched_one("shop"), b"shop:1:nothing") is None


def test_cache_that_does_not_answer_is_unavailable_and_not_empty(settings):
    settings.LOCKHOUSE = {"CACHES": {"shop": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:9/1"}}}
    connections.forget_connections()
    reader = reader_of()

    with pytest.raises(SourceUnavailable):
        reader.scan_some()
    with pytest.raises(SourceUnavailable):
        reader.read(["server_1"], NOW) or read_value(connections.watched_one("shop"), b"x")
