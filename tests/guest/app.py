"""The guest's own Django settings and Celery app: plain `cache.lock`, a prefix and a version, queues of its own.

Only where GUEST_REDIS_CLIENT_CLASS is set does it use another client for its cache, as one line of a user's settings would; GUEST_CACHE_SERVER,
GUEST_CACHE_VERSION and GUEST_CACHE_PREFIX give it another server, version or prefix of its cache.
"""

import json
import os
import time

import django
from django.conf import settings

SERVER = os.environ["GUEST_SERVER"]
CACHE_SERVER = os.environ.get("GUEST_CACHE_SERVER", SERVER)
CLIENT_CLASS = os.environ.get("GUEST_REDIS_CLIENT_CLASS")

if not settings.configured:
    cache_settings = {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": f"{CACHE_SERVER}/1",
        "KEY_PREFIX": os.environ.get("GUEST_CACHE_PREFIX", "shop"),
        "VERSION": int(os.environ.get("GUEST_CACHE_VERSION", "3")),
        "OPTIONS": {"REDIS_CLIENT_CLASS": CLIENT_CLASS} if CLIENT_CLASS else {},
    }
    settings.configure(CACHES={"default": cache_settings})
    django.setup()

from celery import Celery  # noqa: E402  # after Django's settings
from django.core.cache import cache  # noqa: E402
from redis import Redis  # noqa: E402
from redis.exceptions import LockError  # noqa: E402

app = Celery("guest", broker=os.environ.get("GUEST_BROKER", f"{SERVER}/0"))
app.conf.update(
    broker_transport_options={"visibility_timeout": 6 * 3600, **json.loads(os.environ.get("GUEST_BROKER_OPTIONS", "{}"))},
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
    task_ignore_result=True,
)
plain = Redis.from_url(f"{SERVER}/3")


def hold(name: str, seconds: float, timeout: float, wait: float = 0.2, *, renews: bool = False) -> None:
    """Take the lock, say so on the list `<name>:taken`, keep it until `<name>:go` has an element or the time is over; `renews`: put it off each second."""
    try:
        with cache.lock(name, timeout=timeout, blocking_timeout=wait) as lock:  # type: ignore[attr-defined]  # django-redis adds it
            plain.rpush(f"{name}:taken", os.getpid())
            until = time.monotonic() + seconds
            while time.monotonic() < until and not plain.blpop([f"{name}:go"], timeout=1):
                if renews:  # one long BLPOP would end with redis-py's own socket timeout
                    lock.reacquire()
    except LockError:
        plain.rpush(f"{name}:refused", os.getpid())


@app.task(name="guest_import")
def guest_import(name: str, seconds: float, timeout: float = 600, wait: float = 0.2) -> None:
    hold(name, seconds, timeout, wait)


@app.task(name="guest_import_renewed")
def guest_import_renewed(name: str, seconds: float, timeout: float = 600) -> None:
    hold(name, seconds, timeout, renews=True)


@app.task(name="guest_import_late", acks_late=True)
def guest_import_late(name: str, seconds: float, timeout: float = 600) -> None:
    hold(name, seconds, timeout)


@app.task(name="guest_fetch")
def guest_fetch(number: int, seconds: float, ttl: float) -> None:
    """Put `result_<number>` into the cache for that long, once `fetch-<number>:go` has an element or the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not plain.blpop([f"fetch-{number}:go"], timeout=1):
        pass
    cache.set(f"result_{number}", {"number": number, "name": f"parcel {number}"}, timeout=ttl)
