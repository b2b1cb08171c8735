"""Reads Celery's events from Redis itself: a pub/sub connection whose socket is read as fast as it gives, and nothing else is done with it.

The driver connects (TLS, password, unix socket, client name), then its socket is ours. Nothing is written but the subscription and a ping now
and then, no message is fetched or given back. Source: `kombu.transport.redis`, `_get_publish_topic`; docs/pubsub of Redis.
"""

import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from socket import SO_RCVTIMEO, SOL_SOCKET
from time import monotonic
from typing import Any

import hiredis
from redis import Redis
from redis.exceptions import RedisError

from dashboard.connections import connection_of
from dashboard.exceptions import SourceUnavailable
from dashboard.sources.event import bare
from dashboard.sources.event_buffer import EXCHANGE, MESSAGE_BYTES, Message, Waiting

SOURCE = "events"
RECEIVE_BYTES = 512 * 1024  # at once at most: while others compute, a thread comes to its turn some hundred times a second
SLICE_BYTES = 16 * 1024  # of it that the parser is given at once: it moves what is left of them after each message
BATCH_BYTES = 128 * 1024  # that are put together, so that what presses need not wait for more
MAX_MESSAGE_BYTES = 16_000_000
SILENCE_S = 5.0  # then it is asked whether it is there, and given as long again
WAIT_S = 0.5  # for something to read, before it is looked whether to stop
NOTHING_CAME = (TimeoutError, BlockingIOError)
CUT_COUNTER = "client_output_buffer_limit_disconnections"  # of INFO stats, Redis 7 and Valkey


def event_channels(options: Mapping[str, Any], database: int) -> tuple[str, bytes]:
    """The command and the pattern or channel to subscribe to, by the watched system's own transport options."""
    fanout = options.get("fanout_prefix", True)
    prefix = (fanout if isinstance(fanout, str) else "/{db}." if fanout else "").format(db=database)
    channel = f"{options.get('global_keyprefix', '')}{prefix}{EXCHANGE.decode()}"
    if not options.get("fanout_patterns", True):
        return "SUBSCRIBE", channel.encode()
    return "PSUBSCRIBE", f"{_literally(channel)}/*".encode()


def _literally(text: str) -> str:
    return "".join(f"\\{one}" if one in "*?[]\\" else one for one in text)


def cuts_of(redis: Redis) -> int | None:
    """How often this server has closed a connection that read too slowly; None where it does not tell."""
    try:
        said = redis.info("stats")
    except RedisError:
        return None
    count = said.get(CUT_COUNTER) if isinstance(said, dict) else None
    return count if isinstance(count, int) else None


class Stream:
    """One subscription, from its opening to its end."""

    def __init__(
        self, redis: Redis, options: Mapping[str, Any], put: Callable[[Waiting], None], began: Callable[[datetime], None], stop: threading.Event
    ) -> None:
        self._connection: Any = connection_of(redis)
        database = redis.connection_pool.connection_kwargs.get("db") or 0
        self._subscription = event_channels(options, int(database))
        self._kind = b"pmessage" if self._subscription[0] == "PSUBSCRIBE" else b"message"
        self._put, self._began, self._stop = put, began, stop
        self._parser = hiredis.Reader()
        self._pending_bytes = 0  # received, of a message that is not whole yet
        self.is_subscribed = False
        self.heard_at: datetime | None = None  # the last time that something came

    def run(self) -> None:
        """Put what comes until told to stop.  Raises: SourceUnavailable when the connection ends."""
        try:
            self._connection.connect()
            self._connection.send_command(*self._subscription)
            self._receive(self._connection._sock)  # the driver's own reading is ten times slower
        except (RedisError, hiredis.HiredisError, OSError) as error:
            raise SourceUnavailable(SOURCE, f"cannot be received: {error}") from error
        finally:
            with suppress(RedisError, OSError):
                self._connection.disconnect()

    def _receive(self, socket: Any) -> None:
        _wait_in_the_system(socket)
        room = bytearray(RECEIVE_BYTES)
        heard, asked = monotonic(), False
        while not self._stop.is_set():
            try:
                received = socket.recv_into(room)
            except NOTHING_CAME:
                if monotonic() - heard > 2 * SILENCE_S:
                    raise SourceUnavailable(SOURCE, "cannot be received: the server does not answer") from None
                if monotonic() - heard > SILENCE_S and not asked:
                    asked = True
                    socket.sendall(b"PING\r\n")
                continue
            if not received:
                raise SourceUnavailable(SOURCE, "cannot be received: the server closed the connection")
            heard, asked = monotonic(), False
            self._take(memoryview(room)[:received], datetime.now(UTC))

    def _take(self, received: memoryview, at: datetime) -> None:
        self.heard_at = at
        messages: list[Message] = []
        size = 0
        for begin in range(0, len(received), SLICE_BYTES):
            size += self._parsed(bytes(received[begin : begin + SLICE_BYTES]), messages, at)
            if size >= BATCH_BYTES:
                self._put(Waiting(at, size, messages))
                messages, size = [], 0
        if messages:
            self._put(Waiting(at, size, messages))

    def _parsed(self, received: bytes, messages: list[Message], at: datetime) -> int:
        """Add the messages that are whole by now; how many bytes they hold while they wait."""
        self._parser.feed(received)
        replies = list(iter(self._parser.gets, False))
        found = [(reply[-2], bare(reply[-1])) for reply in replies if isinstance(reply, list) and reply[0] == self._kind]
        if len(found) < len(replies):
            self._take_others(replies, at)
        messages += found
        self._pending_bytes = 0 if found else self._pending_bytes + len(received)
        if self._pending_bytes > MAX_MESSAGE_BYTES:
            raise SourceUnavailable(SOURCE, "cannot be received: a message on its channel is too large")
        return len(found) * MESSAGE_BYTES + sum(map(len, chain.from_iterable(found)))

    def _take_others(self, replies: Iterable[object], at: datetime) -> None:
        """What is no message: that we have subscribed, or that we may not."""
        for reply in replies:
            if isinstance(reply, Exception):
                raise SourceUnavailable(SOURCE, f"cannot be received: {reply}")
            if isinstance(reply, list) and reply[0] in {b"psubscribe", b"subscribe"}:
                self.is_subscribed = True
                self._began(at)


def _wait_in_the_system(socket: Any) -> None:
    """Have the system wait for something to read, WAIT_S at most.

    With a timeout of its own Python asks first and reads then, and after each of the two the thread waits for its turn. TLS has to be asked.
    """
    socket.settimeout(WAIT_S)
    if not isinstance(socket, ssl.SSLSocket):
        socket.settimeout(None)
        socket.setsockopt(SOL_SOCKET, SO_RCVTIMEO, struct.pack("@ll", int(WAIT_S), int(WAIT_S % 1 * 1e6)))
