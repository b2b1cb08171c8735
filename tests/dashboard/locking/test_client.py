"""HolderRedis makes our lock by default, another on request, and django-redis finds it through one setting."""

import json

import pytest
from redis.lock import Lock

from dashboard.locking import HolderLock
from tests.sentinel import SERVICE, running_sentinel
from tests.system import running_server

IN_DJANGO = """
import django, json, os
from django.conf import settings
from django.core.cache import caches
settings.configure(CACHES=CACHES)
django.setup()
lock = caches["default"].lock("lock_a", version=3, timeout=20, sleep=0.02, blocking_timeout=0.1, thread_local=False)
with lock:
    refused = caches["default"].lock("lock_a", version=3).acquire(blocking=False)
    print(json.dumps({
        "kind": type(lock).__module__ + "." + type(lock).__qualname__,
        "key": lock.name, "token": lock.local.token.decode(), "in_redis": lock.redis.get(lock.name).decode(),
        "pttl": lock.redis.pttl(lock.name), "sleep": lock.sleep, "blocking_timeout": lock.blocking_timeout,
        "thread_local": lock.thread_local, "port": lock.redis.connection_pool.connection_kwargs.get("port"), "refused": not refused, "extended": lock.extend(1),
    }))
"""


def test_lock_is_ours_by_default(redis):
    assert type(redis.lock("lock_report_7")) is HolderLock
    assert type(redis.lock("lock_report_7", lock_class=None)) is HolderLock


def test_explicit_lock_class_is_respected(redis):
    assert type(redis.lock("lock_report_7", lock_class=Lock)) is Lock
    assert type(redis.lock("lock_report_7", None, 0.1, True, None, Lock)) is Lock


def test_every_option_reaches_the_lock(redis):
    lock = redis.lock("lock_report_7", 1.5, 0.2, False, 3, None, False, False)

    assert (lock.timeout, lock.sleep, lock.blocking, lock.blocking_timeout) == (1.5, 0.2, False, 3)
    assert (lock.thread_local, lock.raise_on_release_error) == (False, False)


@pytest.fixture
def second_server():
    with running_server() as server:
        yield server


@pytest.mark.parametrize("client", ["DefaultClient", "HerdClient"])
def test_django_redis_gives_our_lock_under_the_full_key(redis, programs, broker_url, client):
    in_django(programs, broker_url, client, programs.cache_url)


def test_shard_client_of_two_servers_holds_our_lock_on_one_of_them(redis, second_server, programs, broker_url):
    shards = [programs.cache_url, f"{second_server.connection_url}/1"]

    lock = in_django(programs, broker_url, "ShardClient", shards)

    assert f":{lock['port']}/" in shards[0] or f":{lock['port']}/" in shards[1]


def test_sentinel_client_holds_our_lock_on_the_primary(redis, server, programs, broker_url, tmp_path):
    with running_sentinel(server.connection_url, tmp_path) as port:
        through = {
            "SENTINELS": [("127.0.0.1", port)],
            "CONNECTION_POOL_CLASS": "redis.sentinel.SentinelConnectionPool",
            "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
        }
        in_django(programs, broker_url, "SentinelClient", f"redis://{SERVICE}/1", **through)


def in_django(programs, broker_url, client, location, **more):
    """What a project with this cache says of a lock, which is ours in every way."""
    options = {"CLIENT_CLASS": f"django_redis.client.{client}", "REDIS_CLIENT_CLASS": "dashboard.locking.HolderRedis", **more}
    caches = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": location, "KEY_PREFIX": "shop", "OPTIONS": options}}
    lock = json.loads(programs.run(f"CACHES = {caches!r}\n{IN_DJANGO}", broker_url))
    assert (lock["kind"], lock["key"]) == ("dashboard.locking.lock.HolderLock", "shop:3:lock_a")
    assert lock["token"] == lock["in_redis"]
    assert lock["token"].startswith("lh1:")
    assert 10_000 < lock["pttl"] <= 20_000
    assert (lock["sleep"], lock["blocking_timeout"], lock["thread_local"]) == (0.02, 0.1, False)
    assert lock["refused"] and lock["extended"]
    return lock


def test_room_imports_neither_django_nor_celery_nor_the_rest_of_ours(programs, broker_url):
    printed = programs.run("import sys, dashboard.locking; print(sorted(sys.modules))", broker_url)

    loaded = json.loads(printed.replace("'", '"'))
    assert {name.partition(".")[0] for name in loaded}.isdisjoint({"django", "celery", "kombu"})
    assert {name for name in loaded if name.startswith("dashboard")} == {
        "dashboard",
        "dashboard.locking",
        *(f"dashboard.locking.{name}" for name in ("client", "holder", "lock", "report", "token")),
    }
