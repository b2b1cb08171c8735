"""Reads the broker's queues: how many messages are ready, and which are fetched but not acknowledged. Moves nothing, gives nothing back."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from redis import Redis

from dashboard.connections import BROKER
from dashboard.records import QueueReading, UnackedMessage
from dashboard.sources.locks import SCAN_COUNT, available

PRIORITY_STEPS = (0, 3, 6, 9)  # kombu's
SEPARATOR = "\x06\x16"
MAX_UNACKED = 5000  # messages looked at; beyond that the number is still exact, their contents are not known
MAX_MESSAGE_BYTES = 64 * 1024
BATCHES_A_LOOK = 4  # of the scan for bindings, so that a broker full of results costs no more
INTERNAL = (".pidbox", "celeryev.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the watched system's transport options name its keys; kombu's own names where they say nothing."""

    prefix: str = ""
    separator: str = SEPARATOR
    steps: Sequence[int] = PRIORITY_STEPS
    unacked: str = "unacked"
    unacked_index: str = "unacked_index"

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Layout":
        return cls(
            prefix=options.get("global_keyprefix", ""),
            separator=options.get("sep", SEPARATOR),
            steps=tuple(options.get("priority_steps", PRIORITY_STEPS)),
            unacked=options.get("unacked_key", "unacked"),
            unacked_index=options.get("unacked_index_key", "unacked_index"),
        )

    def lists_of(self, queue: str) -> list[str]:
        """The queue's keys, one list for each priority step; an empty one has no key."""
        return [f"{self.prefix}{queue}{self.separator}{step}" if step else f"{self.prefix}{queue}" for step in self.steps]


@dataclass
class QueueReader:
    """Remembers the queues' names and the messages already decoded, so that a look reads only what is new."""

    redis: Redis
    layout: Layout
    names: set[str] = field(default_factory=set)
    messages: dict[str, UnackedMessage] = field(default_factory=dict)
    _bindings: Iterator[list[bytes]] | None = None

    def read(self, known: Sequence[str]) -> tuple[list[QueueReading], list[UnackedMessage]]:
        """All queues in the order of their names, and the unacknowledged messages.

        Cost: one pipeline for all lengths, one round trip for the index, one for what is new in it, four for names.
        Raises: SourceUnavailable.
        """
        with available(BROKER):
            self._find_names()
            names = sorted(self.names.union(known))
            lengths, unacked_total = self._lengths(names)
            self._read_unacked()
        complete = unacked_total <= MAX_UNACKED
        return [self._reading(name, lengths[name], complete=complete) for name in names], list(self.messages.values())

    def _lengths(self, names: Sequence[str]) -> tuple[dict[str, dict[str, int]], int]:
        with self.redis.pipeline(transaction=False) as pipe:
            for name in names:
                for key in self.layout.lists_of(name):
                    pipe.llen(key)
            pipe.hlen(self.layout.prefix + self.layout.unacked)
            *lengths, unacked = pipe.execute(raise_on_error=False)
        steps = len(self.layout.steps)
        found = {}
        for index, name in enumerate(names):
            counts = lengths[index * steps : (index + 1) * steps]
            found[name] = {str(step): n for step, n in zip(self.layout.steps, counts, strict=True) if isinstance(n, int)}
        return found, unacked if isinstance(unacked, int) else 0

    def _reading(self, name: str, lengths: Mapping[str, int], *, complete: bool) -> QueueReading:
        unacked = sum(message.queue == name for message in self.messages.values()) if complete else None
        by_priority = {step: count for step, count in lengths.items() if count}
        return QueueReading(name=name, ready=sum(lengths.values()), ready_by_priority=by_priority, unacked=unacked)

    def _find_names(self) -> None:
        """A few steps of the scan for `_kombu.binding.<exchange>`, whose members end with the name of a queue."""
        start = f"{self.layout.prefix}_kombu.binding."
        for _ in range(BATCHES_A_LOOK):
            self._bindings = self._bindings or self._scan_bindings(start)
            keys = next(self._bindings, None)
            if keys is None:
                self._bindings = None
                return
            for key in keys:
                for member in self.redis.sscan_iter(key, count=SCAN_COUNT):
                    self._learn(member)

    def _scan_bindings(self, start: str) -> Iterator[list[bytes]]:
        cursor = 0
        while True:
            answer: Any = self.redis.scan(cursor, match=f"{start}*", count=SCAN_COUNT, _type="SET")
            cursor, keys = answer
            yield keys
            if not cursor:
                return

    def _learn(self, member: bytes) -> None:
        queue = member.decode("utf-8", "backslashreplace").rpartition(self.layout.separator)[2]
        if queue and not any(mark in queue for mark in INTERNAL):
            self.names.add(queue)

    def _read_unacked(self) -> None:
        prefix = self.layout.prefix
        entries: Any = self.redis.zrange(prefix + self.layout.unacked_index, 0, MAX_UNACKED - 1, withscores=True)
        tags = {tag.decode("utf-8", "backslashreplace"): (tag, score) for tag, score in entries}
        for tag in self.messages.keys() - tags.keys():
            del self.messages[tag]
        fresh = [tag for tag in tags if tag not in self.messages]
        for tag, value in zip(fresh, self._values([tags[tag][0] for tag in fresh]), strict=True):
            self.messages[tag] = decode_unacked(tag, value, tags[tag][1])

    def _values(self, tags: Sequence[bytes]) -> list[object]:
        """The messages of these tags; None for one that is gone or too long to read.  Cost: two round trips."""
        key = self.layout.prefix + self.layout.unacked
        with self.redis.pipeline(transaction=False) as pipe:
            for tag in tags:
                pipe.hstrlen(key, tag)
            short = [isinstance(size, int) and size <= MAX_MESSAGE_BYTES for size in pipe.execute(raise_on_error=False)]
        with self.redis.pipeline(transaction=False) as pipe:
            for tag in (tag for tag, fits in zip(tags, short, strict=True) if fits):
                pipe.hget(key, tag)
            values = iter(pipe.execute(raise_on_error=False))
        return [next(values) if fits else None for fits in short]


def decode_unacked(tag: str, value: object, fetched: float) -> UnackedMessage:
    """What an entry of `unacked` says; what cannot be read is a message all the same, of which only the tag is known."""
    headers, queue = {}, None
    try:
        message, _exchange, queue = json.loads(value) if isinstance(value, bytes) else ({}, None, None)
        headers = message.get("headers", {})
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
    said = headers if isinstance(headers, dict) else {}
    return UnackedMessage(
        tag=tag,
        task_id=_text(said.get("id")),
        task_name=_text(said.get("task")),
        queue=_text(queue),
        fetched_at=datetime.fromtimestamp(fetched, UTC) if 0 < fetched < 1e11 else None,
    )


def _text(value: object) -> str | None:
    return value[:512] if isinstance(value, str) else None
