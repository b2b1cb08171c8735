"""Reads the messages at the front of one queue on demand, bounded in count, bytes and time; takes none, changes none."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis import Redis
from redis.exceptions import TimeoutError as RedisTimeoutError

from dashboard import connections
from dashboard.conf import conf
from dashboard.connections import BROKER
from dashboard.records import Message, QueuePeek
from dashboard.sources.bounded import BoundedReader, TooLarge
from dashboard.sources.locks import available
from dashboard.sources.messages import Said, decode
from dashboard.sources.queue_heads import MAX_WEIGHED, MAX_WEIGHT
from dashboard.sources.queue_names import Layout

MAX_SHOWN = 500
MAX_LOOKED_AT = 5000  # of which only the task names are counted
MAX_BYTES = 8 * 1024 * 1024  # in all
MAX_ONE = 256 * 1024  # a larger message is told by its size
MAX_HUGE = 3  # each costs the server a copy of it: then we stop
SECONDS = 1.0
MAX_ONE_BY_ONE = 1000  # each is a round trip
CHUNK = 50  # messages at once, from a list that is known to be light; else one by one, so that the server copies one at a time


class _Stopped(Exception):
    """Enough was read; the reason is its argument."""


@dataclass(frozen=True, slots=True)
class _Seen:
    priority: str
    size: int
    said: Said


def peek(raw_name: bytes) -> QueuePeek:
    """The front of the broker's queue with this name.  Cost: a few round trips, 500 at most.  Raises: SourceUnavailable."""
    return read_front(connections.look_broker(), Layout.of(conf().BROKER_TRANSPORT_OPTIONS), raw_name)


def read_front(redis: Redis, layout: Layout, raw_name: bytes, *, seconds: float = SECONDS) -> QueuePeek:
    """The messages in the order in which they are delivered: kombu asks for the lists by priority, and takes from the right.

    Raises: SourceUnavailable.
    """
    keys, now, seen, stopped_by = layout.lists_of(raw_name), datetime.now(UTC), list[_Seen](), ""
    reader = BoundedReader(redis, seconds)
    with available(BROKER):
        lengths = _lengths(redis, keys)
        try:
            for step, key, length in zip(layout.steps, keys, lengths, strict=True):
                for one in _Front(reader, redis, key, length, str(step), seen).messages():
                    seen.append(one)
        except _Stopped as stop:
            stopped_by = str(stop)
        except RedisTimeoutError:
            if not seen:
                raise
            stopped_by = "time"
        finally:
            reader.close()
    return QueuePeek(
        read_at=now,
        total=sum(lengths),
        messages=tuple(_message(position, one) for position, one in enumerate(seen[:MAX_SHOWN], 1)),
        looked_at=len(seen),
        groups=_groups(seen),
        stopped_by=stopped_by,
        keys=tuple(keys),
    )


def _lengths(redis: Redis, keys: Sequence[bytes]) -> list[int]:
    with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.llen(key)
        return [length if isinstance(length, int) else 0 for length in pipe.execute(raise_on_error=False)]  # a key of another type has no messages


@dataclass
class _Front:
    """One list, from its right end."""

    reader: BoundedReader
    redis: Redis
    key: bytes
    length: int
    priority: str
    before: Sequence[_Seen]  # all that were read so far; it grows while this reads
    huge: int = 0

    def messages(self) -> Iterator[_Seen]:
        """The oldest first.  Raises: _Stopped."""
        size, most = (CHUNK, MAX_LOOKED_AT) if self.length and self._is_light() else (1, MAX_ONE_BY_ONE)
        for start in range(0, self.length, size):
            for element in self._chunk(start, min(size, self.length - start)):
                self._check(most)
                if isinstance(element, TooLarge):
                    self.huge += 1
                    yield _Seen(self.priority, element.size, Said(mark="", problem="huge"))
                else:
                    yield _Seen(self.priority, len(element), decode(element))

    def _is_light(self) -> bool:
        if self.length > MAX_WEIGHED:
            return False
        weight: Any = self.redis.memory_usage(self.key, samples=0)
        return isinstance(weight, int) and weight <= MAX_WEIGHT

    def _chunk(self, start: int, count: int) -> list[bytes | TooLarge]:
        """From the oldest on; where one was too large to go on reading, they are asked for one by one."""
        if self.reader.seconds_left <= 0:
            raise _Stopped("time")
        found = self.reader.elements(self.key, -start - count, -start - 1, MAX_ONE)
        if count == 1 or not any(isinstance(element, TooLarge) for element in found):
            return found[::-1]
        return [element for index in range(start, start + count) for element in self._chunk(index, 1)]

    def _check(self, most: int) -> None:
        if len(self.before) >= most:
            raise _Stopped("count")
        if self.huge >= MAX_HUGE:
            raise _Stopped("huge")
        if self.reader.taken > MAX_BYTES:
            raise _Stopped("bytes")


def _groups(seen: Sequence[_Seen]) -> tuple[tuple[str | None, str, int], ...]:
    counts = Counter((one.said.task_name, one.said.problem) for one in seen)
    return tuple((name, problem, count) for (name, problem), count in counts.most_common())


def _message(position: int, one: _Seen) -> Message:
    said = one.said
    return Message(
        position=position,
        priority=one.priority,
        size_bytes=one.size,
        problem=said.problem,
        detail=said.detail,
        task_id=said.task_id,
        task_name=said.task_name,
        args=said.args,
        kwargs=said.kwargs,
        retries=said.retries,
        eta_at=said.eta_at,
        expires_at=said.expires_at,
        origin=said.origin,
    )
