"""What was sent from here lately, as our own Redis keeps it for an hour: acts write it down, the observer looks for it in its queue."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from redis import Redis

from dashboard.conf import own_key
from dashboard.records import Traced

FOLLOWED_FOR = timedelta(hours=1)
MAX_FOLLOWED = 50  # the newest; each costs a look at its queue while its messages wait
MAX_ENTRY_BYTES = 8192
MAX_COUNT = 100  # messages of one act


def _key() -> str:
    return own_key("traced")


def remember(redis: Redis, traced: Traced) -> None:
    """Follow it for an hour.  Cost: one round trip.  Raises: redis' errors."""
    until = (traced.sent_at + FOLLOWED_FOR).timestamp()
    with redis.pipeline() as pipe:
        pipe.zadd(_key(), {msgspec.msgpack.encode(traced): until})
        pipe.zremrangebyrank(_key(), 0, -MAX_FOLLOWED - 1)
        pipe.expire(_key(), FOLLOWED_FOR)
        pipe.execute()


def followed(redis: Redis, now: datetime | None = None) -> list[Traced]:
    """What is followed, the newest first.  Cost: one round trip.  Raises: redis' errors."""
    found: Any = redis.zrange(_key(), "+inf", (now or datetime.now(UTC)).timestamp(), desc=True, byscore=True, offset=0, num=MAX_FOLLOWED)
    return [traced for entry in found if (traced := _decoded(entry)) is not None]


def _decoded(entry: bytes) -> Traced | None:
    """None for what is not ours: on the broker's own server anybody may have written it, and each message costs a look."""
    try:
        traced = msgspec.msgpack.decode(entry, type=Traced) if len(entry) <= MAX_ENTRY_BYTES else None
        return traced if traced is not None and str(UUID(traced.act_id)) and 1 <= traced.count <= MAX_COUNT else None
    except (msgspec.MsgspecError, ValueError):
        return None
