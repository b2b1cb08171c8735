"""A worker is proved dead by its closed connection: what may make an open one look closed, by values alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.observer.observations import ChangedByHand, ConnectionSeen, EventsSeen, Tick
from dashboard.sources.heartbeats import may_be_open
from tests.dashboard.observer.observations import LOCK, event, read, state
from tests.factories import NOW, make_claim

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


EXPIRES = {"claim": make_claim(parent_pid=PID), "expires_at": NOW + timedelta(seconds=600)}


def reading(at, *, put_off_to=600, token="old"):
    return replace(LOCK, **EXPIRES | {"expires_at": later(put_off_to)}, token_digest=token, first_seen_at=at, seen_at=at)


@pytest.fixture
def cut_off():
    """Its connection was closed seven seconds after it was last heard; its lock was read before and after, and did not move."""
    closed = seen(later(7), is_open=False, compared_with=NOW)
    return state(event("worker-heartbeat", NOW), seen(NOW, is_open=True, compared_with=NOW), read(reading(NOW)), closed, read(reading(later(8)), at=later(8)))


def by_hand(at):
    return ChangedByHand(what="extended", lock_id=LOCK.id, token_digest="old", by="alice", at=at)


def test_lock_that_is_only_read_again_tells_nothing_of_its_worker(cut_off):
    assert worker(cut_off, later(9)).lock_moved_at is None


@pytest.mark.parametrize("moved", [{"put_off_to": 609}, {"token": "new"}], ids=["put off", "taken anew"])
def test_lock_that_its_run_moves_shows_that_a_worker_without_a_connection_lives(cut_off, moved):
    cut_off.apply(read(reading(later(9), **moved), at=later(9)))
    cut_off.apply(read(reading(later(12), **moved | {"put_off_to": 612}), at=later(12)))

    assert worker(cut_off, later(13)).lock_moved_at == later(9), "the first one is enough"


def test_lock_of_a_worker_that_is_connected_says_no_more_than_its_heartbeats():
    made = state(event("worker-heartbeat", NOW), read(reading(NOW)), read(reading(later(1), put_off_to=700), at=later(1)))
    assert worker(made, later(2)).lock_moved_at is None


def test_what_an_operator_did_to_the_lock_is_no_sign_of_its_run(cut_off):
    cut_off.apply(read(reading(later(9), put_off_to=700), at=later(9)))
    assert worker(cut_off, later(10)).lock_moved_at == later(9)

    cut_off.apply(by_hand(later(9.2)))

    assert worker(cut_off, later(10)).lock_moved_at is None
    assert cut_off.snapshot(later(10)).locks[0].renewed_at is None
    cut_off.apply(read(reading(later(20), put_off_to=800), at=later(20)))
    cut_off.apply(by_hand(later(9.2)))  # it is told again for a while
    assert worker(cut_off, later(21)).lock_moved_at == later(20)
    assert cut_off.snapshot(later(21)).locks[0].renewed_at == later(20)


def test_what_an_operator_did_to_the_lock_of_another_worker_leaves_the_sign_of_this_one(cut_off):
    """Two locks were put off within two seconds: one by its run, the other by hand."""
    other = replace(LOCK, id="b" * 16, name="lock_other", token_digest="theirs", claim=make_claim(worker="w@other", pid=6, parent_pid=5))
    cut_off.apply(read(other, at=later(8)))
    cut_off.apply(read(reading(later(9), put_off_to=700), at=later(9)))

    cut_off.apply(ChangedByHand(what="extended", lock_id=other.id, token_digest="theirs", by="alice", at=later(10)))

    assert worker(cut_off, later(11)).lock_moved_at == later(9)
