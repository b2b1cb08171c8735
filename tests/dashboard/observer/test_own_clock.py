"""Our own clock is set, or this machine stands still: that is noticed, and no worker looks like two, or like one that is heard, because of it."""

from datetime import timedelta

import pytest

from dashboard.observer.observations import ClockSet, ConnectionSeen, EventsSeen, Tick, WorkersAnswered
from dashboard.observer.own_clock import OwnClock
from tests.dashboard.observer.observations import RUN, event, read, state
from tests.dashboard.observer.test_unsure_readings import NAME, PID, answer, answered_alone, flags, later, stats, up
from tests.factories import NOW, make_claim, make_lock


@pytest.mark.parametrize(("by", "went_on"), [(30, 30), (-20, -20), (600, 0)], ids=["30 s on", "20 s back", "it stood still"])
def test_worker_that_was_there_when_our_clock_was_set_has_no_twin_for_it_and_its_death_is_proved(by, went_on):
    """Its uptime is compared with our clock: what it says that it began at moves as that one does, except where this machine stood still meanwhile."""
    made = state(*up(later(-60)), event("worker-heartbeat", later(-30)), *(stats([811], later(at), uptime=7200 + at, call=True) for at in (-29, -20, -10)))
    made.apply(event("task-received", later(-0.1), uuid=RUN))
    made.apply(event("task-started", NOW, uuid=RUN))
    lock = make_lock(claim=make_claim(attempted_at=NOW, parent_pid=PID), first_seen_at=NOW, seen_at=NOW, expires_at=None)
    made.apply(read(lock, at=NOW))
    made.apply(ClockSet(at=later(10 + by), by=timedelta(seconds=by)))
    lives = set()
    for second in range(12, 80, 2):
        ours, is_there = later(second + by), second < 40
        if is_there:
            made.apply(EventsSeen(events=event("worker-heartbeat", later(second)).events, at=ours))
            made.apply(stats([811], ours, uptime=7200 + second + by - went_on, call=second % 10 == 0))
            made.apply(answer("active", [{"id": RUN, "worker_pid": 811}], ours))
        else:
            made.apply(WorkersAnswered(command="ping", asked=(NAME,), replies={}, asked_at=ours - timedelta(seconds=1), at=ours))
        made.apply(ConnectionSeen(worker=NAME, pid=PID, is_open=is_there, last_event_at=later(min(second, 38) + by), at=ours))
        (lives if is_there else set()).update(flags(made, ours))

    assert lives == {"never-expires", "held"}
    assert "orphaned" in flags(made, ours)


@pytest.mark.parametrize("by", [20, -20])
def test_worker_that_another_observer_heard_by_its_own_clock_has_no_twin_for_it(by):
    before = state(*up(later(-60)), *(stats([811], later(at), uptime=7200 + at, call=True) for at in (-29, -20, -10))).snapshot(NOW)
    made = state()
    made.restore(before)

    for second in (5, 15):
        made.apply(stats([811], later(second + by), uptime=7200 + second, call=True))

    (worker,) = made.snapshot(later(15 + by)).workers
    assert worker.shared_at is None


@pytest.mark.parametrize(("takes_over", "stays"), [(False, True), (True, False)], ids=["by itself", "another's was ahead"])
def test_worker_stays_the_only_one_of_its_name_when_our_clock_is_set_but_not_by_the_clock_of_an_observer_before(takes_over, stays):
    """By how much another's was ahead nobody tells: one that began since, with the name and the pid, looks as if it had been there before."""
    before = state(*up(later(-120)), *answered_alone([811]))
    made = state() if takes_over else before
    if takes_over:
        made.restore(before.snapshot(NOW))
    made.apply(ClockSet(at=later(-20)) if takes_over else ClockSet(at=later(-20), by=timedelta(seconds=-20)))

    (worker,) = made.snapshot(NOW).workers
    assert (worker.alone_since is not None, worker.alone_calls > 0) == (stays, stays)


@pytest.mark.parametrize(
    ("second", "is_set"),
    [
        ((1.0, later(1), 1.0), False),
        ((1.0, later(20), 1.0), True),
        ((1.0, later(-3600), 1.0), True),
        ((1.0, later(1), 9.0), False),  # kept waiting after the time was read
        ((9.0, later(9), 9.0), False),
        ((1.0, later(9), 9.0), False),  # before it was read
        ((1.0, later(-1.5), 9.0), True),
    ],
)
def test_clock_that_is_set_is_noticed_and_a_thread_that_was_kept_waiting_is_not_taken_for_one(second, is_set):
    readings = iter([(0.0, NOW, 0.0), second])
    assert OwnClock(lambda: next(readings)).was_set() is is_set


def test_worker_that_told_something_in_the_second_in_which_our_clock_was_set_back_is_not_heard_for_an_hour():
    made = state(*up(later(-60)), event("worker-heartbeat", later(-1)), event("task-started", later(-0.5), uuid="a"), event("task-started", NOW, uuid="b"))
    ours = later(1 - 3600)

    for seen in (ClockSet(at=ours, by=timedelta(seconds=-3600)), Tick(at=ours)):
        made.apply(seen)

    (worker,) = made.snapshot(ours).workers
    assert worker.last_heard_at == ours


@pytest.mark.parametrize("by", [20, -3600])
def test_by_how_much_the_clock_was_set_is_known(by):
    readings = iter([(0.0, NOW, 0.0), (1.0, later(1 + by), 1.0)])
    clock = OwnClock(lambda: next(readings))
    clock.was_set()
    assert clock.by == timedelta(seconds=by)


def test_clock_of_this_machine_goes_on():
    assert not OwnClock().was_set()
