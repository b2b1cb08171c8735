"""HolderRedis makes our lock by default, another on request, and django-redis finds it through one setting."""

import json

import pytest
from redis.lock import Lock

from dashboard.locking import HolderLock

IN_DJANGO = """
import django, json, os
from django.conf import settings
from django.core.cache import caches
url = os.environ["CACHE_URL"]
def cache(client):
    location = [url, url] if client == "ShardClient" else url
    options = {"CLIENT_CLASS": "django_redis.client." + client, "REDIS_CLIENT_CLASS": "dashboard.locking.HolderRedis"}
    return {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": location, "KEY_PREFIX": "shop", "OPTIONS": options}
settings.configure(CACHES={"default": cache("CLIENT")})
django.setup()
lock = caches["default"].lock("lock_a", version=3, timeout=20, sleep=0.02, blocking_timeout=0.1, thread_local=False)
with lock:
    refused = caches["default"].lock("lock_a", version=3).acquire(blocking=False)
    print(json.dumps({
        "kind": type(lock).__module__ + "." + type(lock).__qualname__,
        "key": lock.name, "token": lock.local.token.decode(), "in_redis": lock.redis.get(lock.name).decode(),
        "pttl": lock.redis.pttl(lock.name), "sleep": lock.sleep, "blocking_timeout": lock.blocking_timeout,
        "thread_local": lock.thread_local, "refused": not refused, "extended": lock.extend(1),
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


@pytest.mark.parametrize("client", ["DefaultClient", "HerdClient", "ShardClient"])
def test_django_redis_gives_our_lock_under_the_full_key(redis, programs, broker_url, client):
    lock = json.loads(programs.run(IN_DJANGO.replace('CLIENT")', f'{client}")'), broker_url))

    assert (lock["kind"], lock["key"]) == ("dashboard.locking.lock.HolderLock", "shop:3:lock_a")
    assert lock["token"] == lock["in_redis"]
    assert lock["token"].startswith("lh1:")
    assert 10_000 < lock["pttl"] <= 20_000
    assert (lock["sleep"], lock["blocking_timeout"], lock["thread_local"]) == (0.02, 0.1, False)
    assert lock["refused"] and lock["extended"]


def test_room_imports_neither_django_nor_celery_nor_the_rest_of_ours(programs, broker_url):
    printed = programs.run("import sys, dashboard.locking; print(sorted(sys.modules))", broker_url)

    loaded = json.loads(printed.replace("'", '"'))
    assert {name.partition(".")[0] for name in loaded}.isdisjoint({"django", "celery", "kombu"})
    assert {name for name in loaded if name.startswith("dashboard")} == {
        "dashboard",
        "dashboard.locking",
        *(f"dashboard.locking.{name}" for name in ("client", "holder", "lock", "report", "token")),
    }
