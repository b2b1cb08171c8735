"""Reads the messages that workers fetched and have not acknowledged: new ones only, each bounded. Gives none back."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from redis import Redis

from dashboard.records import UnackedMessage
from dashboard.sources.messages import said_by, text_of
from dashboard.sources.queue_names import Layout

MAX_UNACKED = 5000  # messages looked at; beyond that the number is still exact, their contents are not known
MAX_MESSAGE_BYTES = 64 * 1024
MAX_READ_BYTES = 1024 * 1024  # in one answer: Redis keeps it in memory until it is taken, and so do we
QueueOf = Callable[[object, object], str | None]  # exchange and routing key -> queue


@dataclass
class UnackedReader:
    """Remembers the messages already decoded."""

    redis: Redis
    layout: Layout
    queue_of: QueueOf
    messages: dict[str, UnackedMessage] = field(default_factory=dict)

    def read(self) -> list[UnackedMessage]:
        """The unacknowledged messages, MAX_UNACKED of them at most.  Cost: one round trip; for what is new one more, and one for each MiB."""
        entries: Any = self.redis.zrange(self.layout.prefix + self.layout.unacked_index, 0, MAX_UNACKED - 1, withscores=True)
        tags = {tag.decode("utf-8", "backslashreplace"): (tag, score) for tag, score in entries}
        for tag in self.messages.keys() - tags.keys():
            del self.messages[tag]
        fresh = {raw: (tag, score) for tag, (raw, score) in tags.items() if tag not in self.messages}
        for raw, value in self._values(list(fresh)):
            tag, score = fresh[raw]
            self.messages[tag] = decode_unacked(tag, value, score, self.queue_of)
        return list(self.messages.values())

    def _values(self, tags: Sequence[bytes]) -> Iterator[tuple[bytes, object]]:
        """Each tag with its message; None for one that is gone or too long to read.  Cost: a round trip, and one for each MiB."""
        key = self.layout.prefix + self.layout.unacked
        with self.redis.pipeline(transaction=False) as pipe:
            for tag in tags:
                pipe.hstrlen(key, tag)
            sizes: list[Any] = pipe.execute(raise_on_error=False)
        short = {tag: size for tag, size in zip(tags, sizes, strict=True) if isinstance(size, int) and size <= MAX_MESSAGE_BYTES}
        yield from ((tag, None) for tag in tags if tag not in short)
        for some in portions(short):
            with self.redis.pipeline(transaction=False) as pipe:
                for tag in some:
                    pipe.hget(key, tag)
                yield from zip(some, pipe.execute(raise_on_error=False), strict=True)


def portions(sizes: Mapping[bytes, int]) -> Iterator[list[bytes]]:
    """The tags in their order, as many at a time as have MAX_READ_BYTES together; `sizes`: the bytes of each one's message."""
    some, total = list[bytes](), 0
    for tag, size in sizes.items():
        if some and total + size > MAX_READ_BYTES:
            yield some
            some, total = [], 0
        some.append(tag)
        total += size
    if some:
        yield some


def decode_unacked(tag: str, value: object, fetched: float, queue_of: QueueOf = lambda _exchange, routing_key: text_of(routing_key)) -> UnackedMessage:
    """What an entry of `unacked` says; what cannot be read is a message all the same, of which only the tag is known."""
    said, queue = None, None
    try:
        message, exchange, routing_key = json.loads(value) if isinstance(value, bytes) else ({}, None, None)
        queue = queue_of(exchange, routing_key)
        said = said_by(message)
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
    return UnackedMessage(
        tag=tag,
        task_id=said.task_id if said else None,
        task_name=said.task_name if said else None,
        queue=queue,
        fetched_at=datetime.fromtimestamp(fetched, UTC) if 0 < fetched < 1e11 else None,
        eta_at=said.eta_at if said else None,
    )
