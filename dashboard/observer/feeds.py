"""The threads that feed the observer: each runs one source, says when it goes away and when it is back, and never ends before it is told to."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

from dashboard import connections
from dashboard.conf import conf
from dashboard.connections import BROKER, Watched, shown_url
from dashboard.exceptions import SourceUnavailable
from dashboard.observer.observations import ConnectionSeen, LocksRead, Observation, QueuesRead, Scanned, ServerRead, SourceSaid
from dashboard.observer.roster import Roster
from dashboard.records import HeldLock, Search, SourceState, Worker
from dashboard.sources.expired import remember
from dashboard.sources.follow import Follower
from dashboard.sources.heartbeats import closes_idle_connections, may_be_open, publishing_idles, uptime_s
from dashboard.sources.locks import digest, lock_id
from dashboard.sources.queues import Layout, QueueReader
from dashboard.sources.server import read_server

log = logging.getLogger(__name__)
RETRY_S = 1.0
SAY_GOOD_EVERY_S = 1.0
LOCKS_WAIT_S = 0.05
QUEUES_EVERY_S = 1.0
ASK_EVERY_S = 2.0
SERVER_EVERY_S = 5.0  # its memory policy may be set at any time
SUSPECT_AFTER = timedelta(seconds=5)


@dataclass
class Feed:
    """One source in a thread of its own."""

    name: str
    emit: Callable[[Observation], None]
    stop: threading.Event
    url: str | None = None
    _said_good_at: float = field(default=0.0, init=False)
    _said_why: str = field(default="", init=False)  # what the log has of why it does not answer: once, and not each second

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        while not self.stop.is_set():
            try:
                self.work()
            except SourceUnavailable as error:
                log.log(logging.DEBUG if error.reason == self._said_why else logging.WARNING, "%s %s", self.name, error.reason)
                self._said_why = error.reason
                self._failed(error.reason)
            except Exception as error:  # whatever a stranger sent: a feed that ended unheard would go on being shown as well
                log.exception("%s broke; it is started again", self.name)
                self._failed(f"broke: {type(error).__name__}")

    def _failed(self, reason: str) -> None:
        self.emit(SourceSaid(source=SourceState(name=self.name, ok=False, since=datetime.now(UTC), reason=reason, url=self.url)))
        self._said_good_at = 0.0
        self.stop.wait(RETRY_S)

    def work(self) -> None:
        """Do the source's work until told to stop.  Raises: SourceUnavailable; it is then tried again."""
        raise NotImplementedError

    def good(
        self, *, mode: str | None = None, notes: Sequence[str] = (), search: Search | None = None, since: datetime | None = None, at: datetime | None = None
    ) -> None:
        """Say that the source answers, once a second at most; where that is known better, from when on (`since`) and when it did last (`at`)."""
        if monotonic() - self._said_good_at < SAY_GOOD_EVERY_S:
            return
        self._said_good_at, self._said_why = monotonic(), ""
        now = datetime.now(UTC)
        state = SourceState(name=self.name, ok=True, since=since or now, last_good_at=at or now, mode=mode, search=search, notes=tuple(notes), url=self.url)
        self.emit(SourceSaid(source=state))


class LocksFeed(Feed):
    """The locks of one place."""

    def __init__(self, place: Watched, places: Sequence[Watched], emit: Callable[[Observation], None], stop: threading.Event) -> None:
        super().__init__(name=f"cache {place.alias}", emit=emit, stop=stop, url=shown_url(place.url))
        self._place = place
        self._redis, self._server_due, self._is_searching = connections.look(place), 0.0, False
        self._follower = Follower(
            self._redis,
            place,
            conf().LOCK_PATTERNS,
            tell=self._tell,
            places=places,
            scan=conf().SCAN,
            expired=self._expired,
            all_may_be_gone=self._look_at_server,
            searched=self._searched,
        )

    def work(self) -> None:
        try:
            self._follower.open()
            while not self.stop.is_set():
                self._say_how_far()
                self._follower.step(LOCKS_WAIT_S)
                if monotonic() >= self._server_due:
                    self._look_at_server()
                if not self._follower.tracker and not self._follower.search:
                    self.stop.wait(LOCKS_WAIT_S)
        finally:
            self._follower.close()

    def _say_how_far(self) -> None:
        """That it answers, and whether all names are searched; at once where that has begun or ended."""
        search = self._follower.search
        if self._is_searching != (search is not None):
            self._is_searching, self._said_good_at = search is not None, 0.0
        self.good(mode=self._follower.mode, notes=self._follower.notes(), search=search.progress() if search else None, at=self._follower.answered_at)

    def _searched(self) -> None:
        self.emit(Scanned(cache=self._place.alias, ids=self._follower.held_ids(), at=datetime.now(UTC)))

    def _look_at_server(self) -> None:
        self._server_due = monotonic() + SERVER_EVERY_S
        if server := read_server(self._redis, self._place, datetime.now(UTC)):
            self.emit(ServerRead(server=server))

    def _expired(self, key: bytes, token: bytes) -> None:
        """So that a run that outlives its lock can be protected: nobody else still has the token that it will compare."""
        remember(connections.own(), lock_id(self._place.alias, key), digest(token), token)

    def _tell(self, locks: Sequence[HeldLock], gone: Sequence[str], live: bool, at: datetime) -> None:
        said = {"is_flush": self._follower.is_flush, "is_first": self._follower.is_first}
        self.emit(LocksRead(cache=self._place.alias, locks=locks, gone=gone, live=live, at=at, **said))


class QueuesFeed(Feed):
    """All queues and the unacknowledged messages, once a second."""

    def __init__(self, roster: Callable[[], Roster], emit: Callable[[Observation], None], stop: threading.Event) -> None:
        super().__init__(name=BROKER, emit=emit, stop=stop, url=shown_url(conf().BROKER_URL))
        self._roster = roster
        self._reader = QueueReader(redis=connections.look_broker(), layout=Layout.of(conf().BROKER_TRANSPORT_OPTIONS), named=conf().QUEUES)

    def work(self) -> None:
        while not self.stop.is_set():
            queues, unacked = self._reader.read(self._roster().queues)
            self.emit(QueuesRead(queues=queues, unacked=unacked, at=datetime.now(UTC)))
            self.good()
            self.stop.wait(QUEUES_EVERY_S)


class ConnectionsFeed(Feed):
    """Looks at the broker's connections while a worker is silent, or was never found among them."""

    def __init__(self, roster: Callable[[], Roster], emit: Callable[[Observation], None], stop: threading.Event) -> None:
        super().__init__(name="connections", emit=emit, stop=stop)
        self._roster = roster

    def work(self) -> None:
        while not self.stop.is_set():
            now = datetime.now(UTC)
            wanted = [worker for worker in self._roster().workers if worker.last_event_at and _is_worth_a_look(worker, now)]
            if wanted or not self._said_good_at:
                self._look(wanted)
            self.good()
            self.stop.wait(ASK_EVERY_S)

    def _look(self, workers: Sequence[Worker]) -> None:
        redis, asked_at = connections.look_broker(), datetime.now(UTC)
        idles, now = publishing_idles(redis), datetime.now(UTC)
        uptime = uptime_s(redis)
        if idles is None or closes_idle_connections(redis):
            return
        for worker in workers:
            assert worker.last_event_at is not None, "only those with an event are wanted"
            if uptime is not None and uptime > (now - worker.last_event_at).total_seconds():
                is_open = may_be_open(idles, worker.last_event_at, asked_at, now)
                self.emit(ConnectionSeen(worker=worker.name, pid=worker.pid, is_open=is_open, last_event_at=worker.last_event_at, at=now))


def _is_worth_a_look(worker: Worker, now: datetime) -> bool:
    if worker.said_offline_at is not None or worker.last_event_at is None:
        return False
    silent = now - worker.last_heard_at
    return silent < timedelta(hours=1) if silent >= SUSPECT_AFTER else not worker.connection_known
