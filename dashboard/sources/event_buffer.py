"""Where events wait between the thread that receives them and the one that takes them in: bounded in bytes, and honest about what found no room."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.sources.event import MAX_KIND, Event, kinds_in

MAX_BYTES = 16_000_000
EXCHANGE = b"celeryev"
SPARE_BYTES = 1_000_000  # for what workers say of themselves: it is little, and without it they would be taken for dead
EVENT_BYTES = 1000  # what a decoded one counts
TOGETHER_BYTES = 128_000  # of messages that are taken out together
TOGETHER_WITHIN = timedelta(milliseconds=10)
MESSAGE_BYTES = 100  # what an empty one takes
Message = tuple[bytes, bytes]  # channel and payload


def size_of(channel: bytes, payload: bytes) -> int:
    """How many bytes a message holds while it waits; a stranger's may be all channel."""
    return MESSAGE_BYTES + len(channel) + len(payload)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What was received at one moment, in its order; decoded already where it is `events`."""

    at: datetime  # received, by our clock
    size: int  # bytes
    messages: Sequence[Message] = ()
    events: Sequence[Event] = ()


class EventBuffer:
    """One thread puts, another takes; neither waits for the other. `wake` is called when there is something after there was nothing."""

    def __init__(self, wake: Callable[[], None], max_bytes: int = MAX_BYTES) -> None:
        self._wake, self._max_bytes = wake, max_bytes
        self._waiting: deque[Waiting] = deque()
        self._put_bytes = self._taken_bytes = 0  # each written by one thread only
        self._is_awake = False
        self._dropped: Counter[str] = Counter()
        self._counting = threading.Lock()  # without it what is counted while somebody asks would be counted nowhere

    @property
    def held_bytes(self) -> int:
        """How much waits."""
        return self._put_bytes - self._taken_bytes

    def put(self, one: Waiting) -> None:
        """Have it wait; what finds no room is counted by its type and gone."""
        if self.held_bytes + one.size > self._max_bytes:
            one = self._without_tasks(one)
        if not one.messages and not one.events:
            return
        self._put_bytes += one.size
        self._waiting.append(one)
        if not self._is_awake:
            self._is_awake = True
            self._wake()

    def take(self) -> Waiting | None:
        """What waits longest; None where nothing does, and then `wake` is called for the next."""
        try:
            one = self._waiting.popleft()
        except IndexError:
            self._is_awake = False
            if not self._waiting:  # put between these two lines: its `wake` was spared
                return None
            self._is_awake = True
            one = self._waiting.popleft()
        self._taken_bytes += one.size
        return self._with_next(one) if self._waiting and one.messages else one

    def _with_next(self, one: Waiting) -> Waiting:
        """Together with what was received a moment later, as long as that is little."""
        messages, size = list(one.messages), one.size
        while self._waiting and size < TOGETHER_BYTES and self._waiting[0].at - one.at < TOGETHER_WITHIN and self._waiting[0].messages:
            following = self._waiting.popleft()
            messages += following.messages
            size += following.size
            self._taken_bytes += following.size
        return Waiting(one.at, size, messages)

    def sleep(self) -> None:
        """Nobody could be woken: try again with the next."""
        self._is_awake = False

    def take_dropped(self) -> dict[str, int]:
        """How many were dropped since this was asked last, by type."""
        with self._counting:
            dropped, self._dropped = self._dropped, Counter()
        return dict(dropped)

    def _without_tasks(self, one: Waiting) -> Waiting:
        has_room = self.held_bytes + one.size <= self._max_bytes + SPARE_BYTES
        kept = [message for message in one.messages if has_room and b"/worker." in message[0]]
        dropped = Counter(event.type for event in one.events)
        for channel, payload in one.messages:
            if not (has_room and b"/worker." in channel):
                dropped.update(_kinds(channel, payload))
        with self._counting:
            self._dropped.update(dropped)
        return Waiting(one.at, sum(size_of(*message) for message in kept), kept)


def _kinds(channel: bytes, payload: bytes) -> Sequence[str]:
    """The channel says the type, but of groups."""
    before, _, kind = channel.rpartition(b"/")
    if not before.endswith(EXCHANGE) or kind.endswith(b".multi") or b"." not in kind:
        return list(kinds_in(payload))
    return [kind.decode("utf-8", "replace").replace(".", "-", 1)[:MAX_KIND]]
