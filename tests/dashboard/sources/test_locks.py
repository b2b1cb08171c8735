"""Reading locks on a real server, taken by redis-py's and the cache's own API."""

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from dashboard import connections
from dashboard.exceptions import SourceUnavailable
from dashboard.sources.locks import digest, find_raw_key, look_alikes, read_lock, read_locks, shown_key


def now():
    return datetime.now(UTC)


def test_lock_of_the_cache_is_read_with_name_token_and_time_to_live(place, cache):
    with cache.lock("lock_report_7", timeout=1200) as held:
        lock = read_lock(connections.look(place), place, b"shop:1:lock_report_7", now())

        assert (lock.cache, lock.key, lock.name, lock.dialect) == ("shop", "shop:1:lock_report_7", "lock_report_7", "redis-py")
        assert lock.token_digest == digest(held.local.token)
        assert timedelta(seconds=1195) < lock.expires_at - now() <= timedelta(seconds=1200)
        assert abs(lock.acquired_at - now()) < timedelta(seconds=5)
        assert abs(lock.timeout - timedelta(seconds=1200)) < timedelta(seconds=5)


def test_deadline_lies_within_the_time_that_its_answer_took(place, cache):
    with cache.lock("lock_report_7", timeout=1200):
        asked_at = now() - timedelta(milliseconds=700)
        lock = read_lock(connections.look(place), place, b"shop:1:lock_report_7", asked_at)
        deadline = datetime.fromtimestamp(connections.look(place).pexpiretime(b"shop:1:lock_report_7") / 1000, UTC)

        assert lock.read_in >= timedelta(milliseconds=700)
        assert lock.expires_at <= deadline + timedelta(milliseconds=1)
        assert deadline <= lock.expires_at + lock.read_in


def test_lock_without_expiry_is_shown_as_held_until_released(place, cache):
    cache.lock("lock_forever").acquire()
    lock = read_lock(connections.look(place), place, b"shop:1:lock_forever", now())
    assert lock.never_expires
    assert lock.timeout is None


def test_key_that_is_gone_is_none(place):
    assert read_lock(connections.look(place), place, b"shop:1:lock_gone", now()) is None


def test_many_locks_are_read_in_one_round_trip_in_the_order_given(place, cache):
    for number in range(3):
        cache.lock(f"lock_{number}", timeout=60).acquire()
    redis = connections.look(place)
    before = redis.info("stats")["total_reads_processed"]

    read = read_locks(redis, place, [b"shop:1:lock_2", b"shop:1:none", b"shop:1:lock_0"], now())

    assert [lock and lock.name for lock in read] == ["lock_2", None, "lock_0"]
    assert redis.info("stats")["total_reads_processed"] - before <= 2  # the pipeline, and this INFO


def test_server_that_is_away_is_said_and_is_no_empty_list(place):
    gone = Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2)
    with pytest.raises(SourceUnavailable, match="cache shop"):
        read_locks(gone, place, [b"shop:1:lock_a"], now())


def test_token_under_any_name_is_found_and_other_values_are_not(place, cache):
    cache.lock("cart-import:5", timeout=60).acquire()
    cache.set("answer", 42, 60)
    cache.set("text", "x" * 32, 60)
    redis = connections.look(place)
    redis.hset("shop:1:hash", "a", "b")
    redis.set("shop:1:hex", "f" * 32)
    assert look_alikes(redis, place, redis.keys("shop:1:*")) == [b"shop:1:cart-import:5"]


def test_key_too_long_to_be_carried_is_found_again_by_its_id(place, cache):
    key = b"shop:1:lock_" + b"k" * 20_000
    redis = connections.look(place)
    redis.set(key, "5f3c1a2e8d7b11ef9c3a0242ac110002", px=60_000)
    lock = read_lock(redis, place, key, now())
    assert lock.raw_key == b""
    assert find_raw_key(redis, place, lock.id) == key


SIGNED = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghijklmnop"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"lock_session_" + SIGNED, "lock_session_••••••"),
        (b"lock_password=hunter2", "lock_password=••••••"),
        (b"lock_redis://u:pw@host/0", "lock_redis://u:••••••@host/0"),
        (b"lock_pay_4111111111111111", "lock_pay_••••••"),
        (b"lock_pay_4111-1111-1111-1111_2", "lock_pay_••••••_2"),
        (b"lock_order_4111111111111112", "lock_order_4111111111111112"),
        (b"lock_at_1763900000000", "lock_at_1763900000000"),
        (b"lock_ghp_abcdefghijklmnopqrstuvwxyz0123456789", "lock_••••••"),
        (b"lock_sk_live_51HabcdefghijklmnopqrstuvWX", "lock_••••••"),
        (b"lock:glpat-abcdefghij0123456789:7", "lock:••••••:7"),
        (b"lock_-----BEGIN RSA PRIVATE KEY-----abc", "lock_••••••"),
        (b"lock_bulk_task-manager-of-the-warehouse_7", "lock_bulk_task-manager-of-the-warehouse_7"),
        (b"lh_reports_of_every_customer_lock", "lh_reports_of_every_customer_lock"),
        (b"npm_packages_of_the_front_end_lock", "npm_packages_of_the_front_end_lock"),
        (b"import_" + b"d9c26803-1111-4222-8333-444455556666", "import_d9c26803-1111-4222-8333-444455556666"),
        (b"feed.tasks.import_feed-lock-" + b"4a7d1ed414474e4033ac29ccb8653d9b", "feed.tasks.import_feed-lock-4a7d1ed414474e4033ac29ccb8653d9b"),
        (b"auth:lock", "auth:lock"),
        (b"token:refresh:12", "token:refresh:12"),
        (b"lock_data_id=12", "lock_data_id=12"),
    ],
)
def test_secret_in_a_name_is_hidden_and_what_only_sounds_like_one_is_not(raw, shown):
    assert shown_key(raw) == shown


@pytest.mark.parametrize(("raw", "shown"), [(b"a\xffb", "a\\xffb"), ("ö".encode(), "ö"), (b"k" * 600, "k" * 511 + "…")])
def test_key_is_shown_escaped_and_cut(raw, shown):
    assert shown_key(raw) == shown
