"""The observer: sources feed one inbox, the state takes it in, and what changed is written and announced."""

import logging
import queue
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic

from redis.exceptions import RedisError

from dashboard import connections
from dashboard.conf import conf, own_redis_url, policy
from dashboard.connections import shown_url
from dashboard.observer.acts_feed import ActsFeed
from dashboard.observer.app_feed import AppFeed
from dashboard.observer.asking import RollCallFeed, WorkersFeed
from dashboard.observer.events_feed import EventsFeed
from dashboard.observer.feeds import ConnectionsFeed, Feed, LocksFeed, QueuesFeed
from dashboard.observer.history_writer import HistoryWriter
from dashboard.observer.itself import absences_until, observer_record, own_source
from dashboard.observer.leader import RENEW_S, Leadership
from dashboard.observer.observations import ClockSet, EventsLost, EventsSeen, Observation, SourceSaid, Tick
from dashboard.observer.own_clock import OwnClock
from dashboard.observer.results_feed import ResultsFeed
from dashboard.observer.roster import Roster, call_the_roll
from dashboard.observer.schedules_feed import schedule_feeds
from dashboard.observer.state import State
from dashboard.observer.traces_feed import TracesFeed
from dashboard.observer.writer import Writer
from dashboard.records import Absence, Observer
from dashboard.sources.results import places as result_places

log = logging.getLogger(__name__)
MAX_INBOX = 10_000
BATCH_S = 0.005  # how long observations are taken in before what is urgent is written
RESTORE_WITHIN = timedelta(hours=1)


class EventsWait:
    """Said to the observer by the feed of events: there are some to take."""


EVENTS_WAIT = EventsWait()


class ObserverProcess:
    """Leads until told to stop or until another leads; stands by otherwise."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._own = connections.own()
        self._leadership = Leadership(self._own)

    def run(self) -> None:
        """Stand by until we lead, lead until we no longer do, and so on until told to stop."""
        said = ""
        while not self.stop.is_set():
            try:
                if self._leadership.take():
                    said = ""
                    Watch(self._leadership, self.stop).run()
                    self._leadership.resign()  # where it is ours still: what we wrote was refused, and the next to lead puts that right
                    continue
                leader = self._leadership.stand_by()
                sentence = f"another observer leads ({leader}); this one stands by and takes over when it is gone"
            except RedisError as error:
                sentence = f"our own Redis {shown_url(own_redis_url())} does not answer: {error}"
            if sentence != said:
                log.info("%s", sentence)
                said = sentence
            self.stop.wait(RENEW_S)
        self._resign()

    def _resign(self) -> None:
        try:
            self._leadership.resign()
        except RedisError as error:
            log.warning("could not resign: %s", error)


class Watch:
    """One time of leading: its feeds, its state, what it wrote last."""

    def __init__(self, leadership: Leadership, stop: threading.Event) -> None:
        self._leadership, self._told_to_stop = leadership, stop
        self._own = connections.own()
        self._inbox: queue.Queue[Observation | EventsWait] = queue.Queue(maxsize=MAX_INBOX)
        self._ended = threading.Event()
        places = connections.watched()
        self.state = State([(place.alias, place.prefix.decode("utf-8", "backslashreplace")) for place in places], policy(), conf().MAX_RUNS)
        self._roster = Roster()
        self._writer = Writer(self._own, self.state, leadership.epoch)
        self._since, self._absences = datetime.now(UTC), tuple[Absence, ...]()
        self._waited = timedelta(0)  # the last event, in the inbox
        self._next_tick = 0.0
        self._full_at: datetime | None = None  # when something that a feed said found no room
        self._clock = OwnClock()
        self._events = EventsFeed(self._emit, self._ended, self._wake)
        self._feeds: list[Feed] = [self._events, *(LocksFeed(place, places, self._emit, self._ended) for place in places)]
        self._feeds.append(QueuesFeed(lambda: self._roster, self._emit, self._ended))
        self._feeds += [ResultsFeed(place, lambda: self._roster.results, self._emit, self._ended) for place in result_places()]
        self._feeds += [TracesFeed(self._emit, self._ended), AppFeed(self._emit, self._ended), ActsFeed("acts", self._emit, self._ended)]
        self._feeds.append(ConnectionsFeed(lambda: self._roster, self._emit, self._ended))
        self._feeds += schedule_feeds(self._emit, self._ended)
        self._history = HistoryWriter(self._emit, self._ended, lambda: self._roster.workers)
        self._feeds.append(self._history)
        if conf().INSPECT:
            self._feeds += [feed(lambda: self._roster, self._emit, self._ended) for feed in (WorkersFeed, RollCallFeed)]

    def run(self) -> None:
        """Watch until told to stop, or until another observer leads."""
        log.info("leads since %s, epoch %d", self._since.isoformat(timespec="seconds"), self._leadership.epoch)
        self._restore()
        self.state.runs.changes.epoch = self.state.lock_past.epoch = self._leadership.epoch
        self.state.runs.changes.know(self._history.begin())
        for feed in self._feeds:
            feed.start()
        try:
            while not self._told_to_stop.is_set() and self._step():
                pass
        finally:
            self._history.take(self.state.runs.changes, whole=True)
            self._history.take_locks(self.state.lock_past)
            self._history.missing(self.state.gaps.for_history.take(datetime.now(UTC), whole=True))
            self._ended.set()
            self._events.check()
            self._history.close()
            self._writer.close()

    def _emit(self, seen: Observation) -> None:
        try:
            self._inbox.put_nowait(seen)
        except queue.Full:
            self.state.passed_over += 1
            self._full_at = datetime.now(UTC)

    def _wake(self) -> None:
        """Have the events be taken that wait in their buffer."""
        try:
            self._inbox.put_nowait(EVENTS_WAIT)
        except queue.Full:
            self._events.buffer.sleep()

    def _restore(self) -> None:
        last = self._leadership.inherited(self._told_to_stop)
        self._absences = absences_until(self._since, last)
        if last.at is not None and datetime.now(UTC) - last.at < RESTORE_WITHIN:
            self.state.restore(last)
            if last.at > self._since:  # by another machine's clock, or ours was set back: what it heard cannot be compared with what we hear
                self.state.apply(ClockSet(at=self._since))

    def _step(self) -> bool:
        """Take in what came, tick once a second, write what changed; False when another observer leads."""
        self._take_in()
        now = monotonic()
        if now >= self._next_tick:
            self._next_tick = now + RENEW_S
            if not self._tick():
                return False
        if now >= self._history.due_at:
            self._history.take(self.state.runs.changes)
            self._history.take_locks(self.state.lock_past)
        return self._writer.write_due()

    def _take_in(self) -> None:
        """Wait a little for the first observation, then take all that are there, for a few milliseconds at most."""
        due_at = self._writer.due_at()
        until = min(self._next_tick, self._history.due_at, self._next_tick if due_at is None else due_at)
        try:
            seen = self._inbox.get(timeout=max(0.001, until - monotonic()))
        except queue.Empty:
            self._waited = timedelta(0)
            return
        until = monotonic() + BATCH_S
        while True:
            changed = self._events_applied(until) if isinstance(seen, EventsWait) else self._applied(seen)
            self._writer.changed(changed)
            if monotonic() >= until or self._inbox.empty():
                return
            seen = self._inbox.get_nowait()

    def _events_applied(self, until: float) -> set[str]:
        """What the events changed that there was time for; for others they wait behind what came meanwhile."""
        changed = set[str]()
        while (seen := self._events.take()) is not None:
            changed |= self._applied(seen)
            self._waited = datetime.now(UTC) - seen.at
            if monotonic() >= until:
                self._wake()
                break
        return changed

    def _applied(self, seen: Observation) -> set[str]:
        """What the observation changed; one that the state cannot take in is counted and passed over, for it would come again."""
        try:
            return self.state.apply(seen)
        except Exception:  # as above: the one thing that must not happen is that nobody watches any more
            if isinstance(seen, EventsSeen) and len(seen.events) > 1:  # the others of its batch are good, and told twice they are told once
                return set().union(*(self._applied(EventsSeen(events=(event,), at=seen.at)) for event in seen.events))
            self.state.passed_over += 1
            log.exception("an observation was passed over: %s", type(seen).__name__)
            return set()

    def _tick(self) -> bool:
        now = datetime.now(UTC)
        self._events.check()
        for doubt in self._doubts(now):
            self._writer.changed(self.state.apply(doubt))
        if (since := self.state.source_book.events_since()) is not None:
            self._history.watching_since(since, self.state.source_book.events_heard_before())
        self._history.saw(self.state.source_book.seen_at())
        self._writer.changed(self.state.apply(Tick(at=now)), by_time=True)
        self._history.missing(self.state.gaps.for_history.take(now))
        self._roster = call_the_roll(self.state, now)
        try:
            leads = self._leadership.renew()
            standbys = self._leadership.standbys()
        except RedisError as error:
            log.warning("our own Redis does not answer: %s", error)
            return True  # go on watching: the state is kept, and the lease is taken again when it answers
        self.state.observer = self._observer(now, standbys)
        self._writer.changed(self.state.apply(SourceSaid(source=own_source(now))), by_time=True)
        if not leads and not self._leadership.take():
            log.warning("another observer leads now")
            return False
        return True

    def _doubts(self, now: datetime) -> Iterator[Observation]:
        """What makes what was seen before unsure: that our clock was set, and that something found no room, which may have been events."""
        if self._clock.was_set():
            log.warning("the clock of this machine was set, or it stood still: what was seen before is seen anew")
            yield ClockSet(at=now, by=self._clock.by)
        full_at, self._full_at = self._full_at, None
        if full_at is not None:
            yield EventsLost(from_at=full_at, to_at=now, was_cut=False)

    def _observer(self, now: datetime, standbys: tuple[str, ...]) -> Observer:
        undecoded = self._events.unread
        return observer_record(self.state, now, since=self._since, undecoded=undecoded, waited=self._waited, standbys=standbys, absences=self._absences)
