"""Which queues there are, under which keys, and what is bound to what: from kombu's own bindings, never by guessing at keys."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from re import sub
from typing import Any

from redis import Redis

from dashboard.connections import BROKER
from dashboard.sources.locks import SCAN_COUNT, lock_id

PRIORITY_STEPS = (0, 3, 6, 9)  # kombu's
SEPARATOR = "\x06\x16"
MAX_QUEUES = 5000
MAX_BINDINGS = 20_000  # in all; what is beyond is not known to be bound
MAX_RAW_BYTES = 8_000_000  # of the names of what is bound
MAX_NAME = 200  # of a name's characters: what is longer is cut, and told apart by a digest
BATCHES_A_LOOK = 4  # of the scan for bindings, so that a broker full of results costs no more
INTERNAL = (b".pidbox", b"celeryev.")


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
            separator=options.get("sep") or SEPARATOR,
            steps=tuple(options.get("priority_steps", PRIORITY_STEPS)),
            unacked=options.get("unacked_key", "unacked"),
            unacked_index=options.get("unacked_index_key", "unacked_index"),
        )

    def lists_of(self, queue: bytes) -> list[bytes]:
        """The queue's keys, one list for each priority step; an empty one has no key."""
        key, separator = self.prefix.encode() + queue, self.separator.encode()
        return [key + separator + str(step).encode() if step else key for step in self.steps]


def queue_id(raw_name: bytes) -> str:
    """16 hex digits that stand for a queue in URLs, since its name may be of any bytes."""
    return lock_id(BROKER, raw_name)


def shown_name(raw_name: bytes) -> str:
    """The name as text, what is not UTF-8 escaped; a very long one is cut and ends with a digest."""
    text = raw_name[: MAX_NAME * 4].decode("utf-8", "backslashreplace")
    return text if len(text) <= MAX_NAME else f"{text[:MAX_NAME]}…{sha256(raw_name).hexdigest()[:8]}"


@dataclass
class QueueNames:
    """The queues found so far: those that somebody told at this look come first, and a queue that was once bound stays known."""

    redis: Redis
    layout: Layout
    raw: dict[str, bytes] = field(default_factory=dict)  # name as shown -> its bytes, as of the last look
    bound_with: dict[str, set[str]] = field(default_factory=dict)  # queues that one exchange and routing key reach together
    version: int = 0  # of the bindings: what was concluded from older ones may be wrong
    _bindings: dict[bytes, dict[bytes, set[str]]] = field(default_factory=dict)  # exchange -> routing key -> queues
    _bound: dict[str, bytes] = field(default_factory=dict)
    _bound_bytes: int = 0
    _scan: Iterator[list[bytes]] | None = None

    def look(self, told: Iterable[str] = ()) -> None:
        """Find more of what is bound, and put what was told before it, the most certain first. A name that was cut is found by its binding alone."""
        self._look_for_bindings()
        names = [name for name in dict.fromkeys(told) if name and len(name) <= MAX_NAME][:MAX_QUEUES]
        found = {name: self._bound.get(name) or name.encode("utf-8", "surrogatepass") for name in names}
        self.raw = dict(islice(({**found, **self._bound}).items(), MAX_QUEUES))

    def _look_for_bindings(self) -> None:
        """A few steps of the scan for `_kombu.binding.<exchange>`, whose members end with the name of a queue."""
        start = f"{self.layout.prefix}_kombu.binding."
        for _ in range(BATCHES_A_LOOK):
            self._scan = self._scan or self._scan_bindings(start)
            keys = next(self._scan, None)
            if keys is None:
                self._scan = None
                return
            for key in keys:
                self._learn(key.removeprefix(start.encode()), list(islice(self.redis.sscan_iter(key, count=SCAN_COUNT), MAX_BINDINGS)))

    def queue_of(self, exchange: object, routing_key: object) -> str | None:
        """The queue that a message was for; None where several are bound to its key."""
        if not isinstance(exchange, str) or not isinstance(routing_key, str):
            return None
        raw = routing_key.encode("utf-8", "surrogatepass")
        bound = self._bindings.get(exchange.encode("utf-8", "surrogatepass"), {}).get(raw, set())
        if len(bound) == 1:
            return next(iter(bound))
        return None if bound else shown_name(raw)

    def _scan_bindings(self, start: str) -> Iterator[list[bytes]]:
        cursor, beginning = 0, sub(r"([*?\[\]\\])", r"\\\1", start)  # a prefix from the settings is no glob
        while True:
            answer: Any = self.redis.scan(cursor, match=f"{beginning}*", count=SCAN_COUNT, _type="SET")
            cursor, keys = answer
            yield keys
            if not cursor:
                return

    def _learn(self, exchange: bytes, members: Sequence[bytes]) -> None:
        found: dict[bytes, set[str]] = defaultdict(set)
        for member in members:
            routing_key, _, raw = ([b"", b"", *member.rsplit(self.layout.separator.encode(), 2)])[-3:]
            if raw and not any(mark in raw for mark in INTERNAL) and (name := self._keep(raw)):
                found[routing_key].add(name)
        if self._bindings.get(exchange) != found and self._is_room(exchange, found):
            self._bindings[exchange] = dict(found)
            self.version += 1
            self._find_doubles()

    def _keep(self, raw: bytes) -> str | None:
        name = shown_name(raw)
        if name not in self._bound:
            if len(self._bound) >= MAX_QUEUES or self._bound_bytes + len(raw) > MAX_RAW_BYTES:
                return None
            self._bound_bytes += len(raw)
        self._bound[name] = raw
        return name

    def _is_room(self, exchange: bytes, found: Mapping[bytes, set[str]]) -> bool:
        known = sum(len(queues) for name, keys in self._bindings.items() if name != exchange for queues in keys.values())
        return known + sum(map(len, found.values())) <= MAX_BINDINGS and len(self._bindings) < MAX_QUEUES

    def _find_doubles(self) -> None:
        """Several queues under one exchange and key: a message sent there reaches all of them. A fanout has no key, and is meant so."""
        self.bound_with = defaultdict(set)
        for keys in self._bindings.values():
            for routing_key, queues in keys.items():
                for name in queues if routing_key and len(queues) > 1 else ():
                    self.bound_with[name] |= queues - {name}
