"""Runs by their events, in any order and told twice, and how long they are kept; by values alone."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given

from dashboard.observer.observations import EventsSeen, LocksRead, Tick
from dashboard.observer.run_book import RunBook
from dashboard.records import Claim, digest_of_id
from tests.dashboard.observer.lives import RUN, SENDER, answer, ids, life, mixed, plain_lock, run_after, state_after, told
from tests.factories import NOW, make_claim, make_lock

REFUSED = told("lock-refused", 2.5, key=":1:lock_report_12", task="reports", waited=0.1)


@pytest.mark.parametrize("end", ["task-succeeded", "task-failed", "task-revoked", "task-retried", "task-rejected"])
@pytest.mark.parametrize("retries", [0, 2])
def test_events_of_one_life_give_the_same_run_in_any_order_and_however_often_they_are_told(end, retries):
    events = life(retries, end)
    expected = run_after(events)
    assert (expected.outcome is not None, expected.queue, expected.origin, expected.retries) == (True, "reports", SENDER, retries)

    @given(mixed(events))
    def holds(order):
        assert run_after(order) == expected

    holds()


@given(mixed([*life(), REFUSED]))
def test_refused_run_is_never_a_success_whichever_comes_first(order):
    state = state_after(order)
    state.tasks.refresh(NOW, NOW)

    assert state.snapshot(NOW).runs[0].is_refused
    (task,) = state.tasks.readings
    assert (task.worked, task.last_hour.succeeded, task.last_hour.refused) == (None, 0, 1)


@given(mixed(life()))
def test_what_is_counted_is_counted_once(order):
    state = state_after(order)
    state.snapshot(NOW)  # now what waited is counted
    state.counts.take(NOW)

    assert sum(sum(row.events.values()) for row in state.snapshot(NOW).counts.tasks) == 4


def test_event_that_was_told_before_changes_nothing():
    state = state_after(life())
    for event in life():
        assert not state.apply(EventsSeen(events=(event,), at=NOW)) & {"runs", "flow"}


def test_late_word_of_an_earlier_try_does_not_end_the_next():
    events = [*life(end="task-retried"), told("task-received", 9, name="reports", retries=1), told("task-retried", 3, runtime=0.9)]
    assert state_after(events).snapshot(NOW).runs[0].outcome is None


def test_runs_are_bounded_and_those_that_ended_first_go():
    book = RunBook(max_runs=10)
    for number in range(50):
        book.event(told("task-received", number, uuid=f"run-{number}", name="reports"), NOW)
        book.event(told("task-succeeded", number, uuid=f"run-{number}"), NOW)
    assert list(book.ended) == [f"run-{number}" for number in range(40, 50)]
    for number in range(50):
        book.event(told("task-received", number, uuid=f"going-{number}", name="reports"), NOW)
    assert (len(book.going), len(book.ended)) == (10, 10)


def test_run_that_finds_no_room_is_counted_all_the_same_and_the_judge_is_told():
    book = RunBook(max_runs=0)
    run = book.event(told("task-received", 0, name="reports"), NOW)
    assert (run.name, book.going, book.missed_at) == ("reports", {}, NOW)


def test_judge_is_told_while_not_every_run_that_may_hold_a_lock_is_shown():
    for count, told_at in ((1900, None), (2100, NOW)):
        started = [told(kind, 1, uuid=f"run-{number}", name="reports") for number in range(count) for kind in ("task-received", "task-started")]
        state = state_after([])
        state.apply(EventsSeen(events=tuple(started), at=NOW))
        assert state.snapshot(NOW).candidates_missed_at == told_at


@pytest.mark.parametrize(
    "claim",
    [make_claim(task_id=RUN), Claim(task_digest=digest_of_id(RUN)), make_claim(task_id=None, attempted_at=NOW + timedelta(seconds=2.5))],
    ids=["named", "named by its digest", "in its time"],
)
def test_run_of_a_lock_is_kept_however_many_end_after_it(claim):
    state = state_after(life())
    state.apply(LocksRead(cache="default", locks=[replace(make_lock(), claim=claim)], gone=[], live=True, at=NOW))
    state.apply(Tick(at=NOW + timedelta(minutes=6)))
    assert [run.task_id for run in state.snapshot(NOW).runs] == [RUN]
    state.apply(LocksRead(cache="default", locks=[], gone=[make_lock().id], live=True, at=NOW + timedelta(minutes=6)))
    state.apply(Tick(at=NOW + timedelta(minutes=7)))
    assert state.snapshot(NOW).runs == ()


def test_run_that_may_hold_a_lock_is_shown_however_many_end_after_it():
    state = state_after(life())
    state.apply(LocksRead(cache="default", locks=[plain_lock(2.5)], gone=[], live=True, at=NOW))
    others = [told(kind, 4, uuid=f"run-{number}", name="reports") for number in range(2500) for kind in ("task-received", "task-succeeded")]
    waiting = [told("task-received", 4, uuid=f"waits-{number}", name="reports") for number in range(2500)]
    state.apply(EventsSeen(events=tuple(others + waiting), at=NOW))
    state.apply(Tick(at=NOW + timedelta(seconds=5)))
    assert RUN in ids(state)


@pytest.mark.parametrize("odd", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
@pytest.mark.parametrize("kind", ["task-sent", "task-received"])
def test_time_that_no_clock_shows_keeps_no_run_from_being_written(kind, odd):
    run = run_after([told(kind, 0, name="reports", eta=odd, expires=odd)])
    assert (run.eta_at, run.expires_at) == (None, None)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(run))


def test_time_in_another_zone_is_the_same_moment():
    run = run_after([told("task-sent", 0, name="reports", eta="2026-11-25T14:00:00+02:00")])
    assert run.eta_at.isoformat() == "2026-11-25T12:00:00+00:00"


def test_process_that_came_under_the_same_name_and_pid_does_not_end_the_runs_of_the_one_before():
    """That one may be leaving: its runs go on, and nobody names them."""
    state = state_after(life()[:3])
    state.apply(EventsSeen(events=(told("worker-offline", 8),), at=NOW + timedelta(seconds=8)))
    state.apply(EventsSeen(events=(told("worker-online", 11),), at=NOW + timedelta(seconds=11)))
    for seconds in (14, 20):
        state.apply(answer("active", [], seconds))
    assert ids(state) == [RUN]


def test_run_that_its_worker_names_no_more_is_kept_while_it_may_hold_a_plain_lock():
    """That it is not named is all that is known of its end; whether that proves anything is judged elsewhere."""
    state = state_after(life()[:3])
    state.apply(LocksRead(cache="default", locks=[plain_lock(2.5)], gone=[], live=True, at=NOW + timedelta(seconds=3)))
    state.apply(Tick(at=NOW + timedelta(seconds=4)))
    for seconds in (8, 14):
        state.apply(answer("active", [], seconds))
    state.apply(Tick(at=NOW + timedelta(minutes=20)))
    assert ids(state) == [RUN]

    state.apply(EventsSeen(events=(told("task-succeeded", 1250, runtime=1248.0),), at=NOW + timedelta(seconds=1250)))
    (run,) = state.snapshot(NOW).runs
    assert (run.outcome, run.ended_at) == ("SUCCESS", NOW + timedelta(seconds=1250))
