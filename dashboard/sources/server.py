"""What a watched place's server says of itself: whether it is still the same one, and whether it may delete keys by itself. Reads only."""

from datetime import datetime
from typing import Any

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from dashboard.connections import Watched
from dashboard.exceptions import SourceUnavailable
from dashboard.records import Server


def read_server(redis: Redis, place: Watched, now: datetime) -> Server | None:
    """The server as it is now; None where it may not be asked (managed servers and ACLs may refuse INFO).

    Cost: one round trip, about 6 kB.  Raises: SourceUnavailable.
    """
    try:
        told: Any = redis.info()
    except ResponseError:
        return None
    except RedisError as error:
        raise SourceUnavailable(f"cache {place.alias}", f"does not answer: {error}") from error
    return Server(
        place=place.alias,
        db=int(redis.connection_pool.connection_kwargs.get("db") or 0),
        at=now,
        run_id=_text(told.get("run_id")),
        replid=_text(told.get("master_replid")),
        replid_before=_text(told.get("master_replid2")),
        policy=_text(told.get("maxmemory_policy")),
        max_bytes=_number(told.get("maxmemory")),
        evicted=_number(told.get("evicted_keys")),
    )


def _text(value: object) -> str | None:
    return str(value)[:64] if value is not None else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
