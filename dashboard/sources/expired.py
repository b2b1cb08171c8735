"""The tokens of locks that expired, for an hour in our own Redis: one whose run goes on can be put back. Never in a page, a log or the database."""

from datetime import timedelta

from redis import Redis
from redis.exceptions import RedisError

from dashboard.conf import own_key

KEPT_FOR = timedelta(hours=1)  # an overrun that nobody noticed for so long is no longer protected


def _key(lock_id: str, token_digest: str) -> str:
    return own_key("expired", lock_id, token_digest)


def remember(own: Redis, lock_id: str, token_digest: str, token: bytes) -> None:
    """Keep it; where our own Redis does not answer it is forgotten, and the lock cannot be put back.  Cost: one round trip.  Never raises."""
    try:
        own.set(_key(lock_id, token_digest), token, ex=KEPT_FOR)
    except RedisError:
        return


def recall(own: Redis, lock_id: str, token_digest: str) -> bytes | None:
    """The token; None: not known, or our own Redis does not answer."""
    try:
        found = own.get(_key(lock_id, token_digest))
    except RedisError:
        return None
    return found if isinstance(found, bytes) else None
