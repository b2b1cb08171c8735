"""Reads the message that each list of a queue delivers next, and only where that is surely cheap.

kombu pushes on the left and pops on the right, so the oldest message is at -1. Redis tells no element's length without sending it, and a
message may have 100 MB. So a list is weighed first: MEMORY USAGE with SAMPLES 0 counts every node, and no message is larger than its list
(1.4 ms for 300,000 messages of 700 bytes, 0.8 ms for 20,000 of 5,000; tried on Valkey 9.1). What is too long or too heavy is said to be not looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from redis import Redis

from dashboard.records import QueueHead
from dashboard.sources.messages import decode

MAX_LISTS = 400  # looked at per refresh; the others get their turn in the next ones
MAX_WEIGHED = 20_000  # messages of a list that is weighed: under 1 ms for the server
MAX_WEIGHT = 16 * 1024 * 1024  # of a whole list: no message in it is larger
HEAVY = 256 * 1024  # a message from here on is read once a minute, not once a second
HEAVY_EVERY_S = 60.0
NOT_LOOKED_AT = "not-looked-at"
Lists = Mapping[str, Sequence[tuple[str, bytes, int]]]  # queue -> priority, key and length of its lists that have messages


@dataclass
class _Known:
    head: QueueHead
    fingerprint: int = 0
    again_at: float = 0.0


@dataclass
class HeadReader:
    """Remembers the heads already decoded, so that one that stays is decoded once."""

    redis: Redis
    _known: dict[bytes, _Known] = field(default_factory=dict)
    _turn: int = 0

    def read(self, lists: Lists) -> dict[str, tuple[QueueHead, ...]]:
        """The heads of each queue.  Cost: one pipeline to weigh, one to read; MAX_LISTS lists at most."""
        every = [(step, key, length) for one in lists.values() for step, key, length in one]
        self._known = {key: self._known[key] for _, key, _ in every if key in self._known}
        due = self._due([(step, key) for step, key, length in every if length <= MAX_WEIGHED])
        light = [one for one, weight in zip(due, self._weigh(due), strict=True) if isinstance(weight, int) and weight <= MAX_WEIGHT]
        for _, key in set(due) - set(light):
            self._known.pop(key, None)
        for (step, key), value in zip(light, self._values(light), strict=True):
            self._learn(step, key, value)
        return {name: tuple(self._head(step, key, length) for step, key, length in one) for name, one in lists.items()}

    def _due(self, lists: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        now = monotonic()
        wanted = [(step, key) for step, key in lists if key not in self._known or self._known[key].again_at <= now]
        start = self._turn % len(wanted) if len(wanted) > MAX_LISTS else 0
        self._turn += MAX_LISTS
        return (wanted[start:] + wanted[:start])[:MAX_LISTS]

    def _weigh(self, lists: Sequence[tuple[str, bytes]]) -> list[Any]:
        if not lists:
            return []
        with self.redis.pipeline(transaction=False) as pipe:
            for _, key in lists:
                pipe.memory_usage(key, samples=0)
            return list(pipe.execute(raise_on_error=False))  # refused by an ACL: not looked at

    def _values(self, lists: Sequence[tuple[str, bytes]]) -> list[Any]:
        if not lists:
            return []
        with self.redis.pipeline(transaction=False) as pipe:
            for _, key in lists:
                pipe.lindex(key, -1)
            return list(pipe.execute(raise_on_error=False))

    def _learn(self, step: str, key: bytes, value: object) -> None:
        if not isinstance(value, bytes):  # taken meanwhile
            self._known.pop(key, None)
            return
        known, fingerprint = self._known.get(key), hash(value)
        again_at = monotonic() + HEAVY_EVERY_S if len(value) >= HEAVY else 0.0
        if known is None or known.fingerprint != fingerprint:
            said = decode(value)
            head = QueueHead(priority=step, mark=said.mark, task_id=said.task_id, task_name=said.task_name, origin=said.origin, problem=said.problem)
            self._known[key] = _Known(head, fingerprint, again_at)
        else:
            known.again_at = again_at

    def _head(self, step: str, key: bytes, length: int) -> QueueHead:
        known = self._known.get(key)
        return known.head if known is not None and length <= MAX_WEIGHED else QueueHead(priority=step, problem=NOT_LOOKED_AT)
