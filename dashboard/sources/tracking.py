"""Client-side caching's push, used to follow locks: the server names every tracked key that changed, 1 to 2 ms later.

Two connections that speak RESP2: one subscribed to `__redis__:invalidate`, one that holds the tracking redirected to it. With RESP3 the
same recipe answers OK and pushes nothing (tried on redis-py 8.1); it also goes deaf silently, so `check` asks.
"""

from collections.abc import Sequence
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from dashboard.connections import connection_of
from dashboard.exceptions import SourceUnavailable

CHANNEL = b"__redis__:invalidate"
FLUSHED = None  # pushed instead of keys when a database was flushed


class TrackingRefused(Exception):
    """The server is too old for tracking, or this user may not use CLIENT: follow by polling instead."""


class Tracker:
    """The two connections of one watched place, while they live."""

    def __init__(self, redis: Redis, source: str) -> None:
        self._source = source
        self._redis = redis
        self._pushes: Any = None  # redis-py's types for connections differ between its versions
        self._control: Any = None

    def open(self, prefixes: Sequence[bytes]) -> None:
        """Track all keys with these prefixes, which must not overlap.  Raises: TrackingRefused, SourceUnavailable."""
        try:
            self._pushes, self._control = connection_of(self._redis), connection_of(self._redis)
            self._pushes.connect()
            self._control.connect()
            client_id = _ask(self._pushes, "CLIENT", "ID")  # before subscribing: afterwards RESP2 answers nothing else
            _ask(self._pushes, "SUBSCRIBE", CHANNEL)
            arguments = [part for prefix in prefixes for part in ("PREFIX", prefix)]
            _ask(self._control, "CLIENT", "TRACKING", "ON", "REDIRECT", client_id, "BCAST", *arguments)
        except ResponseError as error:
            self.close()
            raise TrackingRefused(str(error)) from error
        except RedisError as error:
            self.close()
            raise SourceUnavailable(self._source, f"does not answer: {error}") from error

    def wait(self, timeout_s: float) -> list[bytes | None]:
        """The keys that changed, FLUSHED among them for a flush; empty when nothing did in that time.  Raises: SourceUnavailable."""
        assert self._pushes is not None, "opened first"
        changed: list[bytes | None] = []
        try:
            while self._pushes.can_read(timeout=0 if changed else timeout_s):
                message: Any = self._pushes.read_response()
                if isinstance(message, list) and message[:2] == [b"message", CHANNEL]:
                    changed += message[2] if message[2] is not None else [FLUSHED]
        except (RedisError, OSError) as error:
            raise SourceUnavailable(self._source, f"closed the tracking connection: {error}") from error
        return changed

    def check(self) -> None:
        """Make sure that the server still tracks for us.  Cost: one round trip.  Raises: SourceUnavailable where it does not."""
        assert self._control is not None, "opened first"
        try:
            answer = _ask(self._control, "CLIENT", "TRACKINGINFO")
            flags = answer[answer.index(b"flags") + 1]
            if b"broken_redirect" in flags or b"on" not in flags:
                raise RedisConnectionError("tracking went deaf")
        except (RedisError, OSError) as error:
            raise SourceUnavailable(self._source, f"lost the tracking: {error}") from error

    def close(self) -> None:
        for connection in (self._pushes, self._control):
            if connection is not None:
                connection.disconnect()
        self._pushes = self._control = None


def _ask(connection: Any, *command: Any) -> Any:
    connection.send_command(*command)
    return connection.read_response()
