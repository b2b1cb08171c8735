"""A worker of a project that has the wheel lockhouse-lock and nothing else of Lockhouse; Python 3.9 must be able to read this file.

`python shop.py caches` takes locks through every client and prints what came of it; `celery -A shop worker` is a real worker.
"""

import json
import os
import sys

import lockhouse_lock

CACHE_URL = os.environ["CACHE_URL"]
SENTINELS = [tuple(one) for one in json.loads(os.environ["SENTINELS"])]
THROUGH_SENTINELS = {"CONNECTION_POOL_CLASS": "redis.sentinel.SentinelConnectionPool", "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory"}
AT_FIRST = sorted(sys.modules)


def caches_of_django():
    """All clients of django-redis that have locks."""
    import django
    from django.conf import settings
    from django.core.cache import caches

    found = {name: _cache(name, [CACHE_URL, CACHE_URL] if name == "ShardClient" else CACHE_URL) for name in ("DefaultClient", "HerdClient", "ShardClient")}
    found["SentinelClient"] = _cache("SentinelClient", "redis://shop-cache/1", SENTINELS=SENTINELS, **THROUGH_SENTINELS)
    settings.configure(CACHES={"default": found["DefaultClient"], **found}, USE_TZ=True)
    django.setup()
    return {name: caches[name] for name in found}


def _cache(client, location, **options):
    options = {"CLIENT_CLASS": "django_redis.client." + client, "REDIS_CLIENT_CLASS": "lockhouse_lock.HolderRedis", **options}
    return {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": location, "KEY_PREFIX": "shop", "OPTIONS": options}


def tried(lock, second):
    """What a lock and a second one of the same name do."""
    with lock:
        return {
            "kind": type(lock).__name__,
            "key": lock.name,
            "token": lock.local.token.decode(),
            "in_redis": lock.redis.get(lock.name).decode(),
            "refused": not second.acquire(blocking=False) and not second.acquire(blocking_timeout=0.05, sleep=0.02),
            "extended": lock.extend(5) and lock.reacquire(),
        }


def lost(lock):
    """Whether leaving a lock that is gone raises what redis-py raises."""
    from redis.exceptions import LockNotOwnedError

    lock.acquire()
    lock.redis.delete(lock.name)
    try:
        lock.release()
    except LockNotOwnedError:
        return True
    return False


def say_what_comes_of_it():
    """Print it as one JSON object."""
    client = lockhouse_lock.HolderRedis.from_url(CACHE_URL)
    plain = tried(client.lock("lock_plain", timeout=20), client.lock("lock_plain"))
    said = {"at_first": AT_FIRST, "without_django": "django" not in sys.modules, "plain": plain, "lost": lost(client.lock("lock_lost", timeout=20))}
    clients = {name: tried(cache.lock("lock_a", version=3, timeout=20), cache.lock("lock_a", version=3)) for name, cache in caches_of_django().items()}
    print(json.dumps({**said, "clients": clients}))


if __name__ == "__main__":
    say_what_comes_of_it()
else:
    from celery import Celery

    app = Celery("shop", broker=os.environ["BROKER_URL"])
    app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)
    cache = lockhouse_lock.HolderRedis.from_url(CACHE_URL)

    @app.task(name="shop_hold")
    def hold(key, told, seconds):
        """Hold a lock and meanwhile try it a second time, in vain."""
        with cache.lock(key, timeout=60):
            refused = not cache.lock(key, timeout=60).acquire(blocking_timeout=seconds, sleep=0.02)
            cache.rpush(told, json.dumps({"token": cache.get(key).decode(), "refused": refused}))
