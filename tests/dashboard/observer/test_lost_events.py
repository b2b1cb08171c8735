"""Events that come faster than they can be taken in, by a real server and a real observer: nothing is lost without a word."""

import signal
from datetime import UTC, datetime

from redis import Redis

from dashboard.web.look import look
from dashboard.web.panels.coverage import coverage
from tests.dashboard.sources.test_event import STARTED, published
from tests.system import wait_for

CHANNEL = "/0.celeryev/task.started"


def burst(system, events: int, bytes_each: int = 800, batch: int = 10_000) -> None:
    """So many events as fast as the server takes them."""
    broker = Redis.from_url(f"{system.url}/0")
    payload = published(STARTED | {"args": "x" * (bytes_each - 500)})
    for _ in range(events // batch):
        with broker.pipeline(transaction=False) as pipe:
            for _ in range(batch):
                pipe.publish(CHANNEL, payload)
            pipe.execute()


def accounted(snapshot) -> int:
    return snapshot().observer.events_received + sum(snapshot().observer.dropped_by_type.values())


def test_burst_that_finds_no_room_is_counted_by_type_to_the_last_event(system, snapshot, query):
    system.observer(LOCKHOUSE_EVENT_BUFFER_BYTES="200000")
    wait_for(lambda: any(source.name == "events" and source.ok for source in snapshot().sources))

    burst(system, 60_000)

    wait_for(lambda: accounted(snapshot) + lost_at_least(snapshot) >= 60_000 or snapshot().observer.event_gaps)
    (written, *_) = wait_for(lambda: query("SELECT how_many FROM lockhouse_historygap WHERE why = 'events'"))
    wait_for(lambda: snapshot().observer.dropped_by_type)
    said = snapshot().observer
    assert said.dropped_by_type.keys() == {"task-started"}
    assert said.event_gaps or accounted(snapshot) == 60_000
    assert 0 < written[0] <= said.events_dropped


def lost_at_least(snapshot) -> int:
    return sum(gap.runs_at_least or 0 for gap in snapshot().observer.event_gaps)


def test_connection_that_the_server_cuts_is_a_gap_with_its_times_in_the_history_as_well(system, snapshot, query):
    observer = system.observer()
    wait_for(lambda: any(source.name == "events" and source.ok for source in snapshot().sources))

    system.signal(observer, signal.SIGSTOP)
    burst(system, 10_000, bytes_each=9000, batch=1000)  # twice the server's own limit of 32 MB; it does not count what is longer than 16 kB towards it
    system.signal(observer, signal.SIGCONT)

    (gap, *_) = wait_for(lambda: snapshot().observer.event_gaps)
    assert gap.was_cut
    assert gap.from_at <= gap.to_at
    assert wait_for(lambda: query("SELECT to_us >= from_us FROM lockhouse_historygap WHERE why = 'cut'"))[0] == (1,)
    assert "Redis had closed the connection" in " ".join(coverage(look(snapshot(), datetime.now(UTC)))["notes"])
