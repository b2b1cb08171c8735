"""How fast events come in and how late they are. No I/O, no clock.

How lateness is known though clocks differ: a worker's heartbeat is sent at once and every few seconds, so from its time to ours it takes what
the clocks differ by and a moment more. The least that was ever seen of a worker is taken for that difference; what a heartbeat takes beyond it
is delay. Of all workers the median counts, for one may have stalled or had its clock set, while our own delay meets them all.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from dashboard.observer.queue_flow import Counter
from dashboard.observer.run_events import time_of
from dashboard.sources.event import Event
from dashboard.sources.heartbeats import LATE_S

WINDOW = timedelta(seconds=10)
SHORTEST = timedelta(seconds=3)  # a rate over less would jump
KNOWN_AFTER = timedelta(seconds=10)  # the first heartbeats of a worker tell of its clock, not of a delay
REMEMBERED = timedelta(minutes=30)  # a clock that was set is believed again after that, twice that at most
TOO_LATE = timedelta(seconds=LATE_S - 1)  # beyond it an open connection would look closed
MAX_SENDERS = 1000


@dataclass
class _Sender:
    """One worker's heartbeats: how long each took by two clocks."""

    since: datetime
    least: timedelta
    least_before: timedelta  # in the time of REMEMBERED before
    turned_at: datetime
    heard_at: datetime
    recent: deque[tuple[datetime, timedelta]] = field(default_factory=deque)

    def heard(self, at: datetime, took: timedelta) -> None:
        if at - self.turned_at > REMEMBERED:
            self.least_before, self.least, self.turned_at = self.least, took, at
        self.least, self.heard_at = min(self.least, took), at
        self.recent.append((at, took))
        self._forget(at)

    def _forget(self, now: datetime) -> None:
        while self.recent and now - self.recent[0][0] > WINDOW:
            self.recent.popleft()

    def quickest(self, now: datetime) -> timedelta:
        """What its quickest heartbeat of late took."""
        self._forget(now)
        return min((took for _at, took in self.recent), default=self.least)

    def delay(self, now: datetime) -> timedelta | None:
        """What its quickest heartbeat of late took beyond its least; None: it was not heard of late, or not for long enough."""
        self._forget(now)
        if not self.recent or now - self.since < KNOWN_AFTER:
            return None
        return min(took for _at, took in self.recent) - min(self.least, self.least_before)


class EventPace:
    """Counts events by the second, and times heartbeats."""

    def __init__(self) -> None:
        self._received = Counter(WINDOW)
        self._senders: dict[tuple[str | None, int | None], _Sender] = {}
        self._late = timedelta(0)

    def count(self, events: int, at: datetime) -> None:
        """So many events were received at that time by our clock."""
        self._received.add(at, events)

    def beat(self, event: Event, at: datetime) -> None:
        """A heartbeat, received at that time."""
        sent_at, key = time_of(event.timestamp), (event.hostname, event.pid)
        if sent_at is None or event.hostname is None:
            return
        took = at - sent_at
        if key not in self._senders and len(self._senders) < MAX_SENDERS:
            self._senders[key] = _Sender(since=at, least=took, least_before=took, turned_at=at, heard_at=at)
        if key in self._senders:
            self._senders[key].heard(at, took)

    def skew(self, event: Event, at: datetime) -> timedelta | None:
        """How far the clock of an event's sender is ahead of ours, all that is late being late alike; None where the event has no time.

        Of one whose heartbeats are not known this event alone tells, and it may have waited a moment in its sender.
        """
        sender, sent_at = self._senders.get((event.hostname, event.pid)), time_of(event.timestamp)
        took = sender.quickest(at) if sender is not None else at - sent_at if sent_at is not None else None
        return None if took is None else self._late - took

    def is_late(self, event: Event, at: datetime) -> bool:
        """Whether it took so much longer than the quickest heartbeat of its sender that its connection cannot be known by when it came."""
        sender, sent_at = self._senders.get((event.hostname, event.pid)), time_of(event.timestamp)
        return sender is not None and sent_at is not None and at - sent_at - min(sender.least, sender.least_before) > TOO_LATE

    def per_s(self, now: datetime, since: datetime | None) -> float | None:
        """Events a second over the last whole seconds; None where they were not received for long enough, `since` being since when they are."""
        if since is None or now - since < SHORTEST:
            return None
        to = now.replace(microsecond=0)
        begin = max(to - WINDOW, since.replace(microsecond=0) + timedelta(seconds=1))
        return round((self._received.since(begin) - self._received.since(to)) / (to - begin).total_seconds(), 2)

    def delay(self, now: datetime) -> timedelta | None:
        """How much later than at best events are received; None where no worker's heartbeats tell."""
        self._senders = {name: sender for name, sender in self._senders.items() if now - sender.heard_at < REMEMBERED}
        delays = [delay for sender in self._senders.values() if (delay := sender.delay(now)) is not None]
        late = timedelta(seconds=median(delay.total_seconds() for delay in delays)) if delays else None
        self._late = late or timedelta(0)
        return late
