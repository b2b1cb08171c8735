"""The observer: sources feed one inbox, the state takes it in, and what changed is written and announced."""

import logging
import queue
import threading
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic

from redis.exceptions import RedisError

from dashboard import connections, snapshot
from dashboard.conf import conf, own_redis_url, policy
from dashboard.connections import BROKER, Watched, shown_url
from dashboard.judge.results import expected_names
from dashboard.observer.announce import Announcer
from dashboard.observer.app_feed import AppFeed
from dashboard.observer.asking import RollCallFeed, WorkersFeed
from dashboard.observer.feeds import ConnectionsFeed, EventsFeed, Feed, LocksFeed, QueuesFeed, Roster
from dashboard.observer.itself import observer_record, own_source
from dashboard.observer.leader import RENEW_S, Leadership
from dashboard.observer.observations import EventsSeen, Observation, SourceSaid, Tick
from dashboard.observer.results_feed import ResultsFeed
from dashboard.observer.schedules_feed import schedule_feeds
from dashboard.observer.state import URGENT, State
from dashboard.observer.traces_feed import TracesFeed
from dashboard.records import Observer
from dashboard.sources.results import places as result_places

log = logging.getLogger(__name__)
MAX_INBOX = 100_000
BATCH_S = 0.005  # how long observations are taken in before what is urgent is written
URGENT_EVERY_S = 0.02  # locks that change faster than this are written together
WRITE_EVERY_S = 0.2  # what is not urgent
RESTORE_WITHIN = timedelta(hours=1)


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
        self._inbox: queue.Queue[Observation] = queue.Queue(maxsize=MAX_INBOX)
        self._ended = threading.Event()
        places = connections.watched()
        self.state = State([(place.alias, place.prefix.decode("utf-8", "backslashreplace")) for place in places], policy())
        self._roster = Roster()
        self._versions: dict[str, int] = {}
        self._dirty: set[str] = set(snapshot.SECTIONS)
        self._pressing: set[str] = set()  # those of it that somebody waits for: locks changed, not only time passed
        self._version = 0
        self._since = datetime.now(UTC)
        self._waited = timedelta(0)  # the last event, in the inbox
        self._next_tick = self._next_urgent = self._next_write = 0.0
        self._urgent, self._rest = Announcer(), Announcer()
        self._events = EventsFeed(self._emit, self._ended)
        self._feeds: list[Feed] = [self._events, *(LocksFeed(place, foreign_prefixes(place, places), self._emit, self._ended) for place in places)]
        self._feeds.append(QueuesFeed(lambda: self._roster, self._emit, self._ended))
        self._feeds += [ResultsFeed(place, lambda: self._roster.results, self._emit, self._ended) for place in result_places()]
        self._feeds += [TracesFeed(self._emit, self._ended), AppFeed(self._emit, self._ended)]
        self._feeds.append(ConnectionsFeed(lambda: self._roster, self._emit, self._ended))
        self._feeds += schedule_feeds(self._emit, self._ended)
        if conf().INSPECT:
            self._feeds += [feed(lambda: self._roster, self._emit, self._ended) for feed in (WorkersFeed, RollCallFeed)]

    def run(self) -> None:
        """Watch until told to stop, or until another observer leads."""
        log.info("leads since %s, epoch %d", self._since.isoformat(timespec="seconds"), self._leadership.epoch)
        self._restore()
        for feed in self._feeds:
            feed.start()
        try:
            while not self._told_to_stop.is_set() and self._step():
                pass
        finally:
            self._ended.set()
            self._events.check()
            self._urgent.close()
            self._rest.close()

    def _emit(self, seen: Observation) -> None:
        try:
            self._inbox.put_nowait(seen)
        except queue.Full:
            self.state.dropped += 1

    def _restore(self) -> None:
        last = snapshot.Reader().newest(self._own)
        if last.at is not None and datetime.now(UTC) - last.at < RESTORE_WITHIN:
            self.state.restore(last)
            self._version = last.version

    def _step(self) -> bool:
        """Take in what came, tick once a second, write what changed; False when another observer leads."""
        self._take_in()
        now = monotonic()
        if now >= self._next_tick:
            self._next_tick = now + RENEW_S
            if not self._tick():
                return False
        if (self._pressing and now >= self._next_urgent) or (self._dirty and now >= self._next_write):
            self._next_urgent, self._next_write = now + URGENT_EVERY_S, now + WRITE_EVERY_S
            return self._write()
        return True

    def _take_in(self) -> None:
        """Wait a little for the first observation, then take all that are there, for a few milliseconds at most."""
        until = self._next_tick
        if self._dirty:
            until = min(until, self._next_urgent if self._pressing else self._next_write)
        try:
            seen = self._inbox.get(timeout=max(0.001, until - monotonic()))
        except queue.Empty:
            self._waited = timedelta(0)
            return
        if isinstance(seen, EventsSeen):
            self._waited = datetime.now(UTC) - seen.at
        until = monotonic() + BATCH_S
        while True:
            changed = self._applied(seen)
            self._dirty |= changed
            self._pressing |= changed & URGENT
            if monotonic() >= until or self._inbox.empty():
                return
            seen = self._inbox.get_nowait()

    def _applied(self, seen: Observation) -> set[str]:
        """What the observation changed; one that the state cannot take in is counted and passed over, for it would come again."""
        try:
            return set(self.state.apply(seen))
        except Exception:  # as above: the one thing that must not happen is that nobody watches any more
            self.state.dropped += 1
            log.exception("an observation was passed over: %s", type(seen).__name__)
            return set()

    def _tick(self) -> bool:
        now = datetime.now(UTC)
        self._events.check()
        self._dirty |= set(self.state.apply(Tick(at=now)))
        self._roster = self._call_the_roll(now)
        try:
            leads = self._leadership.renew()
            standbys = self._leadership.standbys()
        except RedisError as error:
            log.warning("our own Redis does not answer: %s", error)
            return True  # go on watching: the state is kept, and the lease is taken again when it answers
        self.state.observer = self._observer(now, standbys)
        self._dirty |= set(self.state.apply(SourceSaid(source=own_source(now))))
        if not leads and not self._leadership.take():
            log.warning("another observer leads now")
            return False
        return True

    def _observer(self, now: datetime, standbys: tuple[str, ...]) -> Observer:
        undecoded = self._events.receiver.dropped if self._events.receiver else 0
        return observer_record(self.state, now, since=self._since, undecoded=undecoded, waited=self._waited, standbys=standbys)

    def _call_the_roll(self, now: datetime) -> Roster:
        grace = policy().grace
        workers = tuple(self.state.workers.workers.values())
        heard = self.state.workers.living(now, grace)
        living = {worker.name for worker in heard}
        silent = {
            worker.name
            for worker in workers
            if worker.said_offline_at is None and worker.name not in living and now - worker.last_heard_at < timedelta(hours=1)
        }
        queues = {name for worker in workers for name in worker.queues or ()} | self.state.queue_book.names
        return Roster(
            living=tuple(sorted(living)),
            late=tuple(sorted(living - {worker.name for worker in heard if worker.answers is not False})),
            silent=tuple(sorted(silent)),
            queues=tuple(sorted(queues)),
            results=expected_names(self.state.runs.running(), policy().results),
            workers=workers,
        )

    def _write(self) -> bool:
        """Write the sections that changed and announce them; False where a newer leader has written."""
        sections, self._dirty = self._dirty, set()
        pressing, self._pressing = self._pressing, set()
        self._version += 1
        for section in sections:
            self._versions[section] = self._version
        written = replace(self.state.snapshot(datetime.now(UTC)), version=self._version)
        try:
            if not snapshot.put(self._own, written, self._versions, sections, epoch=self._leadership.epoch):
                return False
        except RedisError as error:
            log.warning("could not write the snapshot: %s", error)
            self._dirty |= sections
            self._pressing |= pressing
            self._next_write = monotonic() + RENEW_S
            self._told_to_stop.wait(WRITE_EVERY_S)
            return True
        self._announce(pressing, sections - pressing)
        return True

    def _announce(self, pressing: Collection[str], rest: Collection[str]) -> None:
        """Each on its own, so that what changes all the time does not hold up what somebody waits for."""
        self._urgent.announce(pressing)
        self._rest.announce(rest)


def foreign_prefixes(place: Watched, places: list[Watched]) -> list[bytes]:
    """For the broker's database: the prefixes of caches that live in it too, so that no lock is listed twice."""
    if place.alias != BROKER:
        return []
    return [other.prefix for other in places if other.alias != BROKER and other.prefix and shown_url(other.url) == shown_url(place.url)]
