"""Reads elements of a list that may be of any size: an element that is too large is told by its length, and never taken in.

Redis sends an element's length before the element. redis-py reads whole answers only, so these connections are read by hand; one on which
something was left unread is closed. What it costs the server is one copy of what was asked for, so who asks keeps the pieces small.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from redis import Redis
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from dashboard.connections import connection_of

CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class TooLarge:
    """An element that was left where it is."""

    size: int


Element = bytes | TooLarge


class BoundedReader:
    """One connection at a time, for reads that may have to be broken off; everything within one deadline."""

    def __init__(self, redis: Redis, seconds: float) -> None:
        self._redis = redis
        self._connection: Any = None
        self._buffer = b""
        self._until = monotonic() + seconds
        self.taken = 0  # bytes

    @property
    def seconds_left(self) -> float:
        """Until the deadline; not more than zero when it is over."""
        return self._until - monotonic()

    def elements(self, key: bytes, start: int, stop: int, max_bytes: int) -> list[Element]:
        """`LRANGE key start stop`, in its order, as far as the first that is larger than `max_bytes`: that one is the last.

        Raises: RedisError, also where the deadline is over.
        """
        with self._whole():
            self._send("LRANGE", key, start, stop)
            found: list[Element] = []
            for _ in range(self._number(b"*")):
                size = self._number(b"$")
                if size > max_bytes:
                    self.close()  # the rest is on its way, and is not taken
                    return [*found, TooLarge(size)]
                found.append(self._take(size))
            return found

    def close(self) -> None:
        """Give the connection up."""
        if self._connection is not None:
            self._connection.disconnect()
        self._connection, self._buffer = None, b""

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Nothing half read stays on the connection."""
        try:
            yield
        except (OSError, ValueError) as error:
            self.close()
            raise RedisTimeoutError(str(error)) from error
        except RedisError:
            self.close()
            raise

    def _send(self, *command: Any) -> None:
        if self._connection is None:
            self._connection = connection_of(self._redis)
            self._connection.connect()
        self._connection.send_command(*command)

    def _number(self, kind: bytes) -> int:
        while b"\r\n" not in self._buffer:
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        if line[:1] == b"-":
            raise ResponseError(line[1:200].decode("utf-8", "replace"))
        if line[:1] != kind:
            raise ValueError("an answer that is no list")
        return int(line[1:])

    def _take(self, size: int) -> bytes:
        pieces, have = [self._buffer], len(self._buffer)
        while have < size + 2:
            pieces.append(self._received())
            have += len(pieces[-1])
        whole = b"".join(pieces)
        self._buffer = whole[size + 2 :]
        return whole[:size]

    def _more(self) -> None:
        self._buffer += self._received()

    def _received(self) -> bytes:
        left = self.seconds_left
        if left <= 0:
            raise TimeoutError("not within its time")
        connected: socket.socket = self._connection._sock  # the only way to read a part of an answer
        connected.settimeout(left)
        received = connected.recv(CHUNK)
        if not received:
            raise OSError("the connection was closed")
        self.taken += len(received)
        return received
