"""How fast events come in and how late they are. No I/O, no clock.

How lateness is known though clocks differ: a worker's heartbeat is sent at once and every few seconds, so from its time to ours it takes what
the clocks differ by and a moment more. The least that was ever seen of a worker is taken for that difference; what a heartbeat takes beyond it
is delay. Of all workers the median counts, for one may have stalled or had its clock set, while our own delay meets them all.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

WINDOW = timedelta(seconds=10)
SHORTEST = timedelta(seconds=3)  # a rate over less would jump
KNOWN_AFTER = timedelta(seconds=10)  # the first heartbeats of a worker tell of its clock, not of a delay
REMEMBERED = timedelta(minutes=30)  # a clock that was set is believed again after that, twice that at most
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

    def delay(self, now: datetime) -> timedelta | None:
        """What its quickest heartbeat of late took beyond its least; None: it was not heard of late, or not for long enough."""
        self._forget(now)
        if not self.recent or now - self.since < KNOWN_AFTER:
            return None
        return min(took for _at, took in self.recent) - min(self.least, self.least_before)


class EventPace:
    """Counts events by the second, and times heartbeats."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[datetime, int]] = deque()
        self._senders: dict[str, _Sender] = {}

    def event(self, event: Mapping[str, Any], at: datetime) -> None:
        """One event, received at that time by our clock."""
        second = at.replace(microsecond=0)
        if self._seconds and self._seconds[-1][0] >= second:
            self._seconds[-1] = (self._seconds[-1][0], self._seconds[-1][1] + 1)
        else:
            self._seconds.append((second, 1))
            while second - self._seconds[0][0] > WINDOW:
                self._seconds.popleft()
        if event["type"] == "worker-heartbeat":
            self._beat(event.get("hostname"), event.get("timestamp"), at)

    def _beat(self, name: object, timestamp: object, at: datetime) -> None:
        if not isinstance(name, str) or not isinstance(timestamp, (int, float)) or not 0 < timestamp < 1e11:
            return
        took = at - datetime.fromtimestamp(timestamp, UTC)
        if name not in self._senders and len(self._senders) < MAX_SENDERS:
            self._senders[name] = _Sender(since=at, least=took, least_before=took, turned_at=at, heard_at=at)
        if name in self._senders:
            self._senders[name].heard(at, took)

    def per_s(self, now: datetime, since: datetime | None) -> float | None:
        """Events a second over the last whole seconds; None where they were not received for long enough, `since` being since when they are."""
        if since is None or now - since < SHORTEST:
            return None
        to = now.replace(microsecond=0)
        begin = max(to - WINDOW, since.replace(microsecond=0) + timedelta(seconds=1))
        seconds = (to - begin).total_seconds()
        return round(sum(count for second, count in self._seconds if begin <= second < to) / seconds, 2)

    def delay(self, now: datetime) -> timedelta | None:
        """How much later than at best events are received; None where no worker's heartbeats tell."""
        self._senders = {name: sender for name, sender in self._senders.items() if now - sender.heard_at < REMEMBERED}
        delays = [delay for sender in self._senders.values() if (delay := sender.delay(now)) is not None]
        return timedelta(seconds=median(delay.total_seconds() for delay in delays)) if delays else None
