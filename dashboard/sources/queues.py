"""Reads the broker's queues: how many messages are ready, which are next, and which are fetched but not acknowledged. Moves nothing, gives nothing back."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from redis import Redis

from dashboard.connections import BROKER
from dashboard.records import QueueHead, QueueReading, UnackedMessage
from dashboard.sources.locks import MAX_KEY_CARRIED, available
from dashboard.sources.queue_heads import HeadReader
from dashboard.sources.queue_names import Layout, QueueNames, queue_id
from dashboard.sources.unacked import MAX_UNACKED, UnackedReader

__all__ = ["Layout", "QueueReader"]
Lengths = Mapping[str, int | None]  # by priority; None for a key that is no list


@dataclass
class QueueReader:
    """Remembers names, heads and messages, so that a look reads only what is new."""

    redis: Redis
    layout: Layout
    named: Sequence[str] = ()  # queues that the settings name

    def __post_init__(self) -> None:
        self.names = QueueNames(self.redis, self.layout)
        self._heads = HeadReader(self.redis)
        self._unacked = UnackedReader(self.redis, self.layout, self.names.queue_of)
        self._version = 0

    def read(self, known: Sequence[str]) -> tuple[list[QueueReading], list[UnackedMessage]]:
        """All queues in the order of their names, and the unacknowledged messages; `known` are names that somebody told, the most certain first.

        Cost: one pipeline for all lengths, two for the messages at the heads, four round trips for names, one to three for what is unacknowledged.
        Raises: SourceUnavailable.
        """
        with available(BROKER):
            self.names.look((*self.named, *known))
            names = sorted(self.names.raw)
            lengths, unacked_total = self._lengths(names)
            heads = self._heads.read({name: self._with_messages(name, lengths[name]) for name in names})
            types = self._types([name for name in names if None in lengths[name].values()])
            unacked = self._read_unacked()
        waiting = _by_queue(unacked) if unacked_total <= MAX_UNACKED else None
        return [self._reading(name, lengths[name], heads[name], types.get(name), waiting) for name in names], unacked

    def _lengths(self, names: Sequence[str]) -> tuple[dict[str, Lengths], int]:
        with self.redis.pipeline(transaction=False) as pipe:
            for name in names:
                for key in self.layout.lists_of(self.names.raw[name]):
                    pipe.llen(key)
            pipe.hlen(self.layout.prefix + self.layout.unacked)
            *lengths, unacked = pipe.execute(raise_on_error=False)
        steps = len(self.layout.steps)
        found: dict[str, Lengths] = {}
        for index, name in enumerate(names):
            counts = lengths[index * steps : (index + 1) * steps]
            found[name] = {str(step): n if isinstance(n, int) else None for step, n in zip(self.layout.steps, counts, strict=True)}
        return found, unacked if isinstance(unacked, int) else 0

    def _with_messages(self, name: str, lengths: Lengths) -> list[tuple[str, bytes, int]]:
        keys = self.layout.lists_of(self.names.raw[name])
        return [(step, key, length) for (step, length), key in zip(lengths.items(), keys, strict=True) if length]

    def _types(self, odd: Sequence[str]) -> dict[str, str]:
        """What the keys are that are no lists.  Cost: no round trip where there are none."""
        if not odd:
            return {}
        keys = [(name, key) for name in odd for key in self.layout.lists_of(self.names.raw[name])]
        with self.redis.pipeline(transaction=False) as pipe:
            for _, key in keys:
                pipe.type(key)
            answers = pipe.execute(raise_on_error=False)
        return {name: kind.decode() for (name, _), kind in zip(keys, answers, strict=True) if isinstance(kind, bytes) and kind not in {b"list", b"none"}}

    def _read_unacked(self) -> list[UnackedMessage]:
        if self._version != self.names.version:  # other bindings: which queue a message is of has to be told anew
            self._version = self.names.version
            self._unacked.messages.clear()
        return self._unacked.read()

    def _reading(
        self, name: str, lengths: Lengths, heads: tuple[QueueHead, ...], kind: str | None, unacked: Mapping[str, tuple[int, int]] | None
    ) -> QueueReading:
        raw, by_priority = self.names.raw[name], {step: count for step, count in lengths.items() if count}
        fetched, later = (None, None) if unacked is None else unacked.get(name, (0, 0))
        return QueueReading(
            name=name,
            id=queue_id(raw),
            raw_name=raw if len(raw) <= MAX_KEY_CARRIED else b"",
            ready=sum(by_priority.values()),
            ready_by_priority=by_priority,
            unacked=fetched,
            eta=later,
            wrong_type=kind,
            is_named=name in self.named,
            bound_with=tuple(sorted(self.names.bound_with.get(name, ()))),
            heads=heads,
        )


def _by_queue(unacked: Sequence[UnackedMessage]) -> dict[str, tuple[int, int]]:
    """How many messages of each queue are unacknowledged, and how many of these are to be run later."""
    now, counts = datetime.now(UTC), defaultdict[str, tuple[int, int]](lambda: (0, 0))
    for message in unacked:
        fetched, later = counts[message.queue or ""]
        counts[message.queue or ""] = (fetched + 1, later + (message.eta_at is not None and message.eta_at > now))
    return counts
