"""The feed of events: one thread receives into a bounded buffer, and the observer takes from it what it has time for."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from dashboard import connections
from dashboard.conf import conf
from dashboard.exceptions import SourceUnavailable
from dashboard.observer.feeds import Feed
from dashboard.observer.observations import EventsDropped, EventsLost, EventsSeen, Observation
from dashboard.sources.event import Event, event_of, read_events
from dashboard.sources.event_buffer import EVENT_BYTES, EventBuffer, Waiting
from dashboard.sources.events import Receiver, receive_events
from dashboard.sources.stream import SOURCE, Stream, cuts_of


class EventsFeed(Feed):
    """Events of a Redis broker by its own pub/sub, of any other by Celery's receiver."""

    def __init__(self, emit: Callable[[Observation], None], stop: threading.Event, wake: Callable[[], None]) -> None:
        super().__init__(name=SOURCE, emit=emit, stop=stop)
        self.buffer = EventBuffer(wake, conf().EVENT_BUFFER_BYTES)
        self.unread = 0  # messages that held no event
        self._receiver: Receiver | None = None
        self._receiving_since: datetime | None = None  # None: nothing is received
        self._heard_at: datetime | None = None  # the last time that something came, whatever the connection
        self._stream: Stream | None = None
        self._cuts: int | None = None
        self._was_cut = False

    def work(self) -> None:
        try:
            if connections.has_stream():
                self._follow()
            else:
                receive_events(connections.ask(), self._tell, self._ready)
        finally:
            self._receiver, self._receiving_since = None, None

    def _follow(self) -> None:
        """Follow the stream; a connection that ended after it had worked is opened again at once, for each moment costs events."""
        while not self.stop.is_set():
            redis = connections.events()
            before, self._cuts = self._cuts, cuts_of(redis)
            self._was_cut = before is not None and self._cuts is not None and self._cuts > before
            stream = self._stream = Stream(redis, conf().BROKER_TRANSPORT_OPTIONS, self.buffer.put, self._began, self.stop)
            try:
                stream.run()
            except SourceUnavailable:
                if not stream.is_subscribed:
                    raise
            finally:
                self._heard_at, self._receiving_since = stream.heard_at or self._heard_at, None

    def _began(self, at: datetime) -> None:
        """From now on events are received; those since the last connection ended are lost."""
        if self._heard_at is not None:
            self.emit(EventsLost(from_at=self._heard_at, to_at=at, was_cut=self._was_cut))
        self._receiving_since = at  # now that this is told, it may be said that events are received

    def _ready(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def _tell(self, fields: object) -> None:
        self._heard_at = datetime.now(UTC)
        event = event_of(fields)
        if event is None:
            self.unread += 1
        else:
            self.buffer.put(Waiting(self._heard_at, EVENT_BYTES, events=(event,)))

    def check(self) -> None:
        """Called once a second by the observer: say that events are received and what was dropped, or stop receiving."""
        now = datetime.now(UTC)
        if self._receiver is not None:
            self._receiver.should_stop = self.stop.is_set()
            if self._receiver.is_receiving and self._receiving_since is None:
                self._began(now)
        if (since := self._receiving_since) is not None:  # the other thread may end it meanwhile
            self.good(mode="receiving", since=since, at=self._stream.heard_at if self._stream else self._heard_at)
        if dropped := self.buffer.take_dropped():
            self.emit(EventsDropped(by_type=dropped, at=now))

    def take(self) -> EventsSeen | None:
        """What was received at one moment and waits longest; None where nothing waits."""
        one = self.buffer.take()
        return EventsSeen(events=one.events or self._read(one), at=one.at) if one is not None else None

    def _read(self, one: Waiting) -> list[Event]:
        events, unread = read_events([payload for _, payload in one.messages])
        self.unread += unread
        return events
