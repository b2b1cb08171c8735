"""Finds what is sent at a steady interval among all that is sent: the same task with the same arguments to the same queue, by one sender."""

from collections import OrderedDict, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median

from dashboard.observer.sends import Send, Signature

MAX_ONCE = 4000  # signatures seen once: most are never seen again
MAX_AGAIN = 1000
MAX_A_SECOND = 50  # sends of one task; more are no schedule's, which sends it once, and sometimes with as many arguments as there are entries
PASSED_FOR = timedelta(seconds=30)  # after the last of them
MAX_SENDERS = 4  # of one signature
KEPT_GAPS = 12
MIN_GAPS = 3  # four sends
SHORTEST = timedelta(seconds=1)  # what is faster is somebody at work, no schedule
SPREAD = 0.05  # the median absolute deviation, in intervals, that is still steady
AWAY = 0.1  # a gap further than this from a whole number of intervals does not fit
JITTER = timedelta(milliseconds=250)  # a busy machine's, whatever the interval
FITTING = 0.8  # of the gaps
MOST_LOST = 3  # sends lost in a row that are still the same rhythm
LATEST = datetime.max.replace(tzinfo=UTC)
UNITS = tuple(timedelta(seconds=seconds) for seconds in (86_400, 3600, 60, 1, 0.1))
ROUND = 0.01
DRIFT = timedelta(milliseconds=50)  # of a beat on a busy machine: it counts from each send anew
Key = tuple[Signature, str | None]  # with the queue


class Busy:
    """Tells which tasks are sent too often to be looked at for a rhythm: what is sent all the time costs, and is somebody at work."""

    def __init__(self) -> None:
        self._counts: dict[str | None, int] = {}
        self._passed: dict[str | None, datetime] = {}  # those that were too many, and until when they are passed over if no more come
        self._second: datetime | None = None
        self._at: datetime | None = None
        self._until = LATEST

    def __contains__(self, name: str | None) -> bool:
        return name in self._passed

    def has_time_for(self, name: str | None, more: int, at: datetime) -> bool:
        """Whether so many more of that name are looked at."""
        if at is not self._at:  # the events of one batch share their time
            self._begin(at)
        count = self._counts[name] = self._counts.get(name, 0) + more
        if count > MAX_A_SECOND or name in self._passed:
            if name in self._passed or len(self._passed) < MAX_AGAIN:
                self._passed[name] = self._until
            return False
        return True

    def _begin(self, at: datetime) -> None:
        self._at, self._until, second = at, at + PASSED_FOR, at.replace(microsecond=0)
        if second != self._second:
            self._second, self._counts = second, {}
            self._passed = {name: until for name, until in self._passed.items() if at < until}


@dataclass
class Candidate:
    """When one signature was sent, by sender."""

    times: dict[str | None, deque[datetime]] = field(default_factory=dict)

    def take(self, send: Send) -> timedelta | None:
        """The interval at which this sender sends it, where that is steady."""
        if send.origin not in self.times and len(self.times) >= MAX_SENDERS:
            del self.times[min(self.times, key=lambda origin: self.times[origin][-1])]
        times = self.times.setdefault(send.origin, deque(maxlen=KEPT_GAPS + 1))
        times.append(send.at)
        return steady_interval(times)

    def pause(self, send: Send, longest: timedelta) -> None:
        """Begin anew where this sender was silent for longer than that: what follows may be as steady as before."""
        times = self.times.get(send.origin)
        if times and send.at - times[-1] > longest:
            times.clear()

    def is_known(self, origin: str | None) -> bool:
        """Whether enough of its sends were seen to say that they are steady or not."""
        return len(self.times.get(origin, ())) > MIN_GAPS


class Rhythms:
    """The candidates; bounded, so that among very many sends a slow rhythm may be overlooked, and none is invented."""

    def __init__(self) -> None:
        self._once: OrderedDict[Key, Send] = OrderedDict()
        self._again: OrderedDict[Key, Candidate] = OrderedDict()

    def take(self, send: Send) -> tuple[Candidate, timedelta] | None:
        """The candidate and its interval once it is steady; it is then no candidate any more."""
        key = (send.signature, send.queue)
        candidate = self._again.get(key)
        if candidate is None:
            before = self._once.pop(key, None)
            if before is None:
                self._once[key] = send
                _shorten(self._once, MAX_ONCE)
                return None
            candidate = self._again[key] = Candidate()
            candidate.take(before)
            _shorten(self._again, MAX_AGAIN)
        self._again.move_to_end(key)
        interval = candidate.take(send)
        if interval is None:
            return None
        del self._again[key]
        return candidate, interval

    def forget(self, signatures: Collection[Signature]) -> None:
        """They are written down in a schedule."""
        self._once = OrderedDict((key, send) for key, send in self._once.items() if key[0] not in signatures)
        self._again = OrderedDict((key, candidate) for key, candidate in self._again.items() if key[0] not in signatures)


def steady_interval(times: Sequence[datetime] | deque[datetime]) -> timedelta | None:
    """The interval, as a person would write it; None where the gaps are too few, too short or too uneven."""
    ordered = sorted(times)
    gaps = [(after - before).total_seconds() for before, after in pairwise(ordered)]
    if len(gaps) < MIN_GAPS:
        return None
    middle = median(gaps)
    if middle < SHORTEST.total_seconds() * (1 - AWAY):
        return None
    deviation = median(abs(gap - middle) for gap in gaps)
    fitting = sum(1 for gap in gaps if fits(gap, middle))
    if deviation > SPREAD * middle or fitting < FITTING * len(gaps):
        return None
    return rounded(timedelta(seconds=middle))


def fits(gap_s: float, interval_s: float) -> bool:
    """Whether so many seconds are one interval, or a few because of sends that were not told."""
    count = max(1, round(gap_s / interval_s))
    return count <= MOST_LOST + 1 and abs(gap_s - count * interval_s) <= max(AWAY * interval_s, min(JITTER.total_seconds(), interval_s / 4))


def rounded(span: timedelta) -> timedelta:
    """`10 s` for 9.98 s: whole days, hours, minutes, seconds, tenths, the coarsest that is near enough."""
    for unit in UNITS:
        whole = round(span / unit) * unit
        if whole and abs(span - whole) <= max(ROUND * span, min(DRIFT, unit / 4)):
            return whole
    return timedelta(milliseconds=round(span / timedelta(milliseconds=1)))


def _shorten(known: OrderedDict[Key, Send] | OrderedDict[Key, Candidate], limit: int) -> None:
    while len(known) > limit:
        known.popitem(last=False)
