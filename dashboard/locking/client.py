"""A Redis client whose locks say who holds them; django-redis uses it through one setting:

CACHES = {"default": {..., "OPTIONS": {"REDIS_CLIENT_CLASS": "dashboard.locking.HolderRedis"}}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis

from .lock import HolderLock

if TYPE_CHECKING:
    from redis.lock import Lock


class HolderRedis(redis.Redis):
    """A `redis.Redis` that makes `HolderLock` its lock class."""

    def lock(
        self,
        name: str,
        timeout: float | None = None,
        sleep: float = 0.1,
        blocking: bool = True,
        blocking_timeout: float | None = None,
        lock_class: type[Lock] | None = None,
        thread_local: bool = True,
        *newer: Any,  # raise_on_release_error, which redis-py 4.6 does not know
        **newer_by_name: Any,
    ) -> Lock:
        """Return a lock under this full key, a `HolderLock` unless `lock_class` says otherwise; no round trip."""
        kind = HolderLock if lock_class is None else lock_class
        made: Lock = super().lock(name, timeout, sleep, blocking, blocking_timeout, kind, thread_local, *newer, **newer_by_name)
        return made
