"""What the demo adds to Django's settings; the state directory and the endpoint come from the demo command's environment."""

import os
import tempfile
from pathlib import Path
from typing import Any

from tasks_demo.schedule import BEAT_SCHEDULE

WATCHED_AND_USED = ("shop", "plain")  # the caches that the demo's tasks take locks in

SERIALIZER = "django_redis.serializers.json.JSONSerializer"  # by the default, pickle, whoever writes to Redis runs code in whoever reads


def demo_settings(lockhouse: dict[str, Any], caches: dict[str, Any]) -> dict[str, Any]:
    """The settings to add; without the demo command's environment the caches are missing and the rest has harmless defaults."""
    return {
        "CACHES": {**caches, **_used_caches(lockhouse["CACHES"])},
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "EMAIL_FILE_PATH": str(state_dir() / "emails"),
        "PASSWORD_HASHERS": ["tasks_demo.hashers.QuickHasher"],
        **_celery_settings(),
    }


def state_dir() -> Path:
    """Where this run of the demo keeps its files."""
    return Path(os.environ.get("LOCKHOUSE_DEMO_DIR") or tempfile.gettempdir())


def endpoint_url() -> str:
    """The slow endpoint's URL; without the demo, one where nobody answers."""
    return os.environ.get("LOCKHOUSE_DEMO_ENDPOINT", "http://127.0.0.1:9/")


def _used_caches(watched: dict[str, Any]) -> dict[str, Any]:
    """The watched caches as the demo uses them: values are JSON; holders sign their locks in `shop`; `plain` knows nothing of Lockhouse."""
    used = {alias: dict(watched[alias]) for alias in WATCHED_AND_USED if alias in watched}
    for cache in used.values():
        cache["OPTIONS"] = {**cache.get("OPTIONS", {}), "SERIALIZER": SERIALIZER}
    if "shop" in used:
        used["shop"]["OPTIONS"]["REDIS_CLIENT_CLASS"] = "dashboard.locking.HolderRedis"
    return used


def _celery_settings() -> dict[str, Any]:
    return {
        "CELERY_BEAT_SCHEDULE": BEAT_SCHEDULE,
        "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
        "CELERY_BROKER_TRANSPORT_OPTIONS": {"socket_timeout": 5.0, "socket_connect_timeout": 2.0},  # kombu's default is to wait for ever
        "CELERY_TASK_DEFAULT_QUEUE": "default",
        "CELERY_TASK_SEND_SENT_EVENT": True,
        "CELERY_WORKER_PREFETCH_MULTIPLIER": 1,  # a run that waits is ready in its queue, where it is seen, not in a worker
        "CELERY_WORKER_SEND_TASK_EVENTS": True,
    }
