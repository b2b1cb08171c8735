"""One look at everything, for the command line where no observer runs: no history, so it can tell less, and says so."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from redis.exceptions import RedisError, ResponseError

from dashboard import connections
from dashboard.conf import conf, policy
from dashboard.connections import BROKER, Watched, shown_url
from dashboard.exceptions import SourceUnavailable
from dashboard.judge.results import expected_names
from dashboard.observer.asking import told
from dashboard.observer.observations import AppRead, LocksRead, Observation, QueuesRead, ResultsRead, SchedulesRead, SourceSaid, WorkersAnswered
from dashboard.observer.schedules_feed import Read, schedule_places
from dashboard.observer.state import State
from dashboard.records import Snapshot, SourceState
from dashboard.sources.follow import Follower
from dashboard.sources.own_app import SOURCE as APP
from dashboard.sources.own_app import names_of, own_app
from dashboard.sources.queues import Layout, QueueReader
from dashboard.sources.results import BACKEND, ResultReader, wanted_in
from dashboard.sources.results import places as result_places
from dashboard.sources.workers import SOURCE as WORKERS
from dashboard.sources.workers import ask_workers

ASK_TIMEOUT_S = 1.0


def survey() -> Snapshot:
    """What can be known in one look: locks, queues, and what the workers answer within a second.  Never raises: a source that is away says so.

    A server that does not answer is waited for once, two seconds at most, whatever else would be asked of it.
    """
    places = connections.watched()
    state = State([(place.alias, place.prefix.decode("utf-8", "backslashreplace")) for place in places], policy())
    tries = _Tries(state)
    if conf().INSPECT:
        tries.look(WORKERS, connections.watched_one(BROKER), lambda: _workers(state))
    tries.look(APP, None, lambda: _app(state))
    tries.look(BROKER, connections.watched_one(BROKER), lambda: _queues(state))
    for place in places:
        tries.look(f"cache {place.alias}", place, lambda place=place: _locks(state, place, places))  # type: ignore[misc]  # bound per place
    for place in result_places():
        name = place.alias if place.alias == BACKEND else f"cache {place.alias}"
        tries.look(name, place, lambda place=place: _results(state, place))  # type: ignore[misc]  # as above
    for name, read in schedule_places():
        tries.look(name, None, lambda name=name, read=read: _schedules(state, name, read))  # type: ignore[misc]  # as above
    now = datetime.now(UTC)
    state.tasks.refresh(now, None)
    return state.snapshot(now)


class _Tries:
    """Looks at one source after the other, and at none of a server that did not answer before."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._away: dict[str, str] = {}  # server -> why it does not answer; empty: it does

    def look(self, name: str, place: Watched | None, look: Callable[[], Sequence[str] | None]) -> None:
        """Look at a source that is on the server of this place (None: on no server of Redis); `look` may give notes."""
        now = datetime.now(UTC)
        url = shown_url(place.url) if place else None
        try:
            if place is not None:
                self._answers(name, place)
            notes = tuple(look() or ())
            said = SourceState(name=name, ok=True, since=now, last_good_at=now, mode="one look", notes=notes, url=url)
        except SourceUnavailable as error:
            said = SourceState(name=name, ok=False, since=now, reason=error.reason, url=url)
        self._state.apply(SourceSaid(source=said))

    def _answers(self, name: str, place: Watched) -> None:
        """Raises: SourceUnavailable where this server does not answer at all."""
        server = f"{urlsplit(place.url).netloc} {sorted(place.options.items())}"
        if server not in self._away:
            self._away[server] = _reason_away(place)
        if self._away[server]:
            raise SourceUnavailable(name, self._away[server])


def _reason_away(place: Watched) -> str:
    """Why its server gives no answer at all; empty: it gives one, if only a refusal.  Cost: one round trip."""
    try:
        connections.look(place).ping()
    except ResponseError:
        return ""
    except RedisError as error:
        return f"does not answer: {error}"
    return ""


def _locks(state: State, place: Watched, places: list[Watched]) -> Sequence[str]:
    def tell(locks: Any, gone: Any, live: bool, at: datetime) -> None:
        state.apply(LocksRead(cache=place.alias, locks=locks, gone=gone, live=live, at=at))

    follower = Follower(connections.look(place), place, conf().LOCK_PATTERNS, tell=tell, places=places, scan=conf().SCAN)
    try:
        follower.open()
        follower.search_all()
        return () if follower.refused else follower.notes()  # one look sees no changes, so tracking is not missed
    finally:
        follower.close()


def _app(state: State) -> None:
    app = own_app()
    if app is not None:
        _apply(state, AppRead(names=names_of(app), at=datetime.now(UTC)))


def _queues(state: State) -> None:
    reader = QueueReader(redis=connections.look_broker(), layout=Layout.of(conf().BROKER_TRANSPORT_OPTIONS), named=conf().QUEUES)
    names = sorted({name for worker in state.workers.workers.values() for name in worker.queues or ()})
    for _ in range(20):  # enough steps of the scan for 20,000 keys; what is beyond is found by an observer
        queues, unacked = reader.read(names)
    _apply(state, QueuesRead(queues=queues, unacked=unacked, at=datetime.now(UTC)))


def _results(state: State, place: Watched) -> None:
    reader = ResultReader(connections.look(place), place, wanted_in(place))
    while conf().SCAN and not reader.scan_some():
        pass
    now = datetime.now(UTC)
    results = reader.read(expected_names(state.runs.running(), policy().results) if place.alias != BACKEND else (), now)
    _apply(state, ResultsRead(cache=place.alias, results=results, total=reader.total, scanned=conf().SCAN, at=now))


def _schedules(state: State, name: str, read: Read) -> None:
    _apply(state, SchedulesRead(source=name, entries=read(own_app()), at=datetime.now(UTC)))


def _workers(state: State) -> None:
    names: tuple[str, ...] | None = None
    for command in ("stats", "active", "active_queues", "registered", "reserved", "scheduled"):
        asked_at = datetime.now(UTC)
        replies = told(command, ask_workers(connections.ask(), command, names, ASK_TIMEOUT_S))
        _apply(state, WorkersAnswered(command=command, asked=names or (), replies=replies, asked_at=asked_at, at=datetime.now(UTC)))
        names = tuple(replies)
        if not names:
            return


def _apply(state: State, seen: Observation) -> None:
    state.apply(seen)
