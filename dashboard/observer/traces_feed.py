"""Looks once a second where the messages wait that were sent from here: in our own Redis for what is followed, in the broker only while it waits."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from redis import Redis
from redis.exceptions import RedisError

from dashboard import connections
from dashboard.conf import conf
from dashboard.observer.feeds import Feed
from dashboard.observer.observations import Observation, TracesRead
from dashboard.observer.trace_book import message_ids
from dashboard.records import Traced
from dashboard.sources.places import find
from dashboard.sources.queue_names import Layout
from dashboard.sources.traced import followed

EVERY_S = 1.0
SURELY_THERE = timedelta(seconds=10)  # after being sent a message is looked for so long, though it was not found: it may arrive late


class TracesFeed(Feed):
    """The newest things that were sent; each queue is looked at once, whatever was sent to it."""

    def __init__(self, emit: Callable[[Observation], None], stop: threading.Event) -> None:
        super().__init__(name="traces", emit=emit, stop=stop)
        self._layout = Layout.of(conf().BROKER_TRANSPORT_OPTIONS)
        self._known: dict[str, Traced] = {}  # by act, as last looked
        self._broker: Redis = connections.look_broker()

    def work(self) -> None:
        while not self.stop.is_set():
            self._look(datetime.now(UTC))
            self.stop.wait(EVERY_S)

    def _look(self, now: datetime) -> None:
        """Where a Redis is away, what was known stays, with the time at which it was looked; that it is away is told by other feeds."""
        try:
            listed = followed(connections.own(), now)
            found = {traced.act_id: self._looked(traced, now) for traced in listed if self._may_wait(traced, now)}
        except RedisError:
            return
        self._known = {traced.act_id: found.get(traced.act_id) or self._known.get(traced.act_id, traced) for traced in listed}
        self.emit(TracesRead(traces=list(self._known.values())))

    def _may_wait(self, traced: Traced, now: datetime) -> bool:
        """Whether messages of it may still be in their queue: once none was found there any more, they are elsewhere."""
        before = self._known.get(traced.act_id)
        if before is None or before.looked_at is None:
            return True
        return bool(before.places) or before.beyond is not None or before.looked_at - traced.sent_at < SURELY_THERE

    def _looked(self, traced: Traced, now: datetime) -> Traced:
        ids, last = message_ids(traced.act_id, traced.count), self._known.get(traced.act_id)
        places = find(self._broker, self._layout, traced.queue.encode("utf-8", "surrogatepass"), ids)
        before: Mapping[str, int] = places.before
        since = last.since if last is not None and last.since is not None else now
        return replace(traced, places=before, beyond=places.beyond if len(before) < len(ids) else None, looked_at=now, since=since)
