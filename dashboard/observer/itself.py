"""What the observer says of itself: who leads, what it costs, how fast and how late it hears of events."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from resource import RUSAGE_SELF, getpagesize, getrusage

from dashboard import snapshot
from dashboard.conf import conf, own_redis_url
from dashboard.connections import shown_url
from dashboard.observer.leader import own_name
from dashboard.observer.state import State
from dashboard.records import Absence, Observer, Snapshot, SourceState

SEAMLESS = timedelta(seconds=2)  # between the last look of one observer and the first of the next: they look once a second
SAID_FOR = timedelta(minutes=3)  # longer than the timeline that they are drawn on
MAX_ABSENCES = 20
NOTE = "Lockhouse keeps its own state on the broker's server, so pages go stale with it: set LOCKHOUSE_REDIS_URL to another."


def absences_until(since: datetime, last: Snapshot) -> tuple[Absence, ...]:
    """The times without an observer up to now, when this one begins to look; `last` is what the one before wrote."""
    if last.at is None:
        return (Absence(from_at=datetime.fromtimestamp(0, UTC), to_at=since, is_first=True),)
    known = last.observer.absences if last.observer else ()
    mine = (Absence(from_at=last.at, to_at=since),) if since - last.at > SEAMLESS else ()
    return (*(one for one in known if since - one.to_at < SAID_FOR), *mine)[-MAX_ABSENCES:]


def observer_record(
    state: State, now: datetime, *, since: datetime, undecoded: int, waited: timedelta, standbys: tuple[str, ...], absences: tuple[Absence, ...] = ()
) -> Observer:
    """The leading observer; `undecoded` events were none, and `waited` is how long the last one stood in its inbox."""
    receives_since = state.source_book.events_since()
    delay = state.pace.delay(now) if receives_since is not None else None
    return Observer(
        leader=own_name(),
        since=since,
        rss_bytes=rss_bytes(),
        events_received=state.received,
        events_dropped=state.gaps.dropped.total() + state.passed_over + undecoded,
        dropped_by_type=dict(state.gaps.dropped),
        dropped_at=state.gaps.dropped_at,
        event_gaps=state.gaps.gaps,
        absences=tuple(one for one in (*absences, *state.source_book.absences) if now - one.to_at < SAID_FOR),
        events_per_s=state.pace.per_s(now, receives_since),
        events_lag=None if delay is None else delay + waited,
        standbys=standbys,
    )


def own_source(now: datetime) -> SourceState:
    """Our own Redis, which has just answered."""
    notes = () if conf().REDIS_URL else (NOTE,)
    return SourceState(name=snapshot.OWN_SOURCE, ok=True, since=now, last_good_at=now, url=shown_url(own_redis_url()), notes=notes)


def rss_bytes() -> int:
    """What this process holds in memory now; where the system does not tell, the most it ever held."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * getpagesize() if statm.exists() else getrusage(RUSAGE_SELF).ru_maxrss
