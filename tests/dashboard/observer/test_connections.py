"""A worker is proved dead by its closed connection: what may make an open one look closed, by values alone."""

from datetime import timedelta

import pytest

from dashboard.observer.observations import ConnectionSeen, EventsSeen, Tick
from dashboard.sources.heartbeats import may_be_open
from tests.dashboard.observer.test_state import event, state
from tests.factories import NOW

NAME, PID = "worker-b@web-2", 790
FROZEN_AT = NOW + timedelta(seconds=0.9)


def later(seconds):
    return NOW + timedelta(seconds=seconds)


def seen(at, *, is_open, compared_with):
    return ConnectionSeen(worker=NAME, pid=PID, is_open=is_open, last_event_at=compared_with, at=at)


def worker(made, at):
    return made.snapshot(at).workers[0]


@pytest.mark.parametrize("looked_after", [20 + tenth / 10 for tenth in range(10)])
def test_worker_that_froze_amid_its_runs_keeps_the_connection_that_it_told_of_the_last_one_by(looked_after):
    made = state(event("task-received", NOW, uuid="a"), event("task-started", FROZEN_AT, uuid="a"), Tick(at=later(1)))
    looked_at = later(looked_after)
    idle = int((looked_at - FROZEN_AT).total_seconds())

    assert may_be_open([idle], worker(made, looked_at).last_event_at, looked_at, looked_at)


def test_events_that_come_together_are_one_word_of_their_worker_and_the_last_one_counts():
    made = state(event("task-received", NOW, uuid="a"), event("task-started", FROZEN_AT, uuid="a"))
    assert worker(made, later(1)).last_event_at == NOW

    made.apply(Tick(at=later(1)))

    assert (worker(made, later(1)).last_event_at, worker(made, later(1)).last_heard_at) == (FROZEN_AT, FROZEN_AT)


def test_connections_that_were_compared_with_an_older_event_prove_nothing():
    made = state(event("worker-heartbeat", NOW), seen(NOW, is_open=True, compared_with=NOW), event("worker-heartbeat", later(20)))

    made.apply(seen(later(20.1), is_open=False, compared_with=NOW))

    assert worker(made, later(21)).connection_gone_at is None
    made.apply(seen(later(40), is_open=False, compared_with=later(20)))
    assert worker(made, later(40)).connection_gone_at == later(40)


@pytest.mark.parametrize("kind", ["worker-heartbeat", "task-received"])
def test_connection_of_which_an_event_came_late_is_to_be_found_anew(kind):
    """A network that stood still hands on late what was sent long before: an open connection looks closed by then."""
    made = state(*(event("worker-heartbeat", later(2 * beat)) for beat in range(10)), seen(later(18.5), is_open=True, compared_with=later(18)))
    assert worker(made, later(19)).connection_known

    made.apply(EventsSeen(events=event(kind, later(20), uuid="a").events, at=later(27.5)))
    made.apply(seen(later(35), is_open=False, compared_with=later(27.5)))

    assert (worker(made, later(35)).connection_known, worker(made, later(35)).connection_gone_at) == (False, None)


def test_closed_connection_is_not_believed_while_an_event_waits_that_came_since():
    made = state(event("task-received", NOW, uuid="a"), seen(NOW, is_open=True, compared_with=NOW), event("task-started", FROZEN_AT, uuid="a"))

    made.apply(seen(later(7), is_open=False, compared_with=NOW))

    assert worker(made, later(7)).connection_gone_at is None
