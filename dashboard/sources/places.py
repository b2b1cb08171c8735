"""Where messages wait that were sent from here: how many are delivered before each. Bounded in count, bytes and time; takes none, changes none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from dashboard.sources.bounded import BoundedReader, TooLarge
from dashboard.sources.queue_heads import MAX_WEIGHED, MAX_WEIGHT
from dashboard.sources.queue_names import Layout

MAX_LOOKED_AT = 500  # messages from the front of a queue, once a second while something that is followed waits in it
MAX_ONE = 256 * 1024
SECONDS = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """How many messages are delivered before each that was found; the others, if they wait, have at least `beyond` before them (None: none can be there)."""

    before: Mapping[str, int]
    beyond: int | None


def find(redis: Redis, layout: Layout, raw_name: bytes, ids: Sequence[str]) -> Places:
    """The places of these task ids in one queue.  Cost: two round trips, and one for each list with messages.  Raises: RedisError.

    A list that is too long or too heavy to be surely cheap is not read: it is only counted.
    """
    keys = layout.lists_of(raw_name)
    with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.llen(key)
        lengths = [length if isinstance(length, int) else 0 for length in pipe.execute(raise_on_error=False)]
    wanted, found, passed, seen = {f'"id": "{one}"'.encode(): one for one in ids}, dict[str, int](), 0, 0
    reader = BoundedReader(redis, SECONDS)
    beyond: int | None = None
    try:
        for key, length in zip(keys, lengths, strict=True):
            if not length:
                continue
            front = _front(redis, reader, key, min(length, MAX_LOOKED_AT - seen))
            for index, raw in enumerate(front):
                for mark in [mark for mark in wanted if mark in raw]:
                    found[wanted.pop(mark)] = passed + index
            seen += len(front)
            if len(front) < length and beyond is None:
                beyond = passed + len(front)
            passed += length
    finally:
        reader.close()
    return Places(before=found, beyond=beyond)


def _front(redis: Redis, reader: BoundedReader, key: bytes, count: int) -> list[bytes]:
    """The messages that are delivered first, in that order, up to one that is too large to go on."""
    if count <= 0 or not _is_light(redis, key):
        return []
    found = reader.elements(key, -count, -1, MAX_ONE)[::-1]
    return [element for element in found if not isinstance(element, TooLarge)] if not any(isinstance(one, TooLarge) for one in found) else []


def _is_light(redis: Redis, key: bytes) -> bool:
    with redis.pipeline(transaction=False) as pipe:
        pipe.llen(key)
        pipe.memory_usage(key, samples=0)
        length, weight = pipe.execute(raise_on_error=False)
    answers: Any = (length, weight)
    return isinstance(answers[0], int) and answers[0] <= MAX_WEIGHED and isinstance(answers[1], int) and answers[1] <= MAX_WEIGHT
