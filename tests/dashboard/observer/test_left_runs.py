"""A run that its lock left goes on without it until its own end: so say the live lane, the history, and the picture of that time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.history.lanes import lanes_between
from dashboard.history.lock_rows import COLUMNS, WHATS
from dashboard.observer.observations import ConnectionSeen, Tick, WorkersAnswered
from dashboard.web.timeline import draw
from tests.dashboard.history.made import at, by, lane, run, spanned, write
from tests.dashboard.history.made import event as written
from tests.dashboard.observer.observations import IN_A_SECOND, answered, event, read
from tests.dashboard.observer.test_hands import HAND, LOCK, TASK, WORKER, living
from tests.factories import NOW

__all__ = ["write"]
BY_HAND = (read(gone=[LOCK.id], at=IN_A_SECOND), HAND, Tick(at=NOW + timedelta(seconds=2)))
END, LATER = NOW + timedelta(seconds=20), NOW + timedelta(seconds=26)
LOST = event("lock-lost", END, key=":1:lock_report_12", uuid=TASK, digest=LOCK.token_digest)
FAILED = event("task-failed", END, uuid=TASK, exception="LockNotOwnedError('Cannot release a lock that is no longer owned')")


def ended(*seen, before=BY_HAND):
    """It left its run, which came to its end; what is known some seconds later."""
    return living(*before, *seen, answered("active", {WORKER: []}, at=END + timedelta(seconds=2)), *(Tick(at=END + timedelta(seconds=n)) for n in range(1, 7)))


def noted(made):
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in made.lock_past.take()[0]]
    return [WHATS[row["what"]] for row in rows]


def kinds(made, now=LATER):
    return [bar.kind for bar in draw(made.snapshot(now).lanes[0], [], now).bars]


@pytest.mark.parametrize("told", [[event("task-succeeded", END, uuid=TASK)], [FAILED], [LOST, FAILED]], ids=["well", "failed", "found it lost"])
def test_run_that_ended_by_itself_after_its_lock_was_released_by_hand_did_not_die(told):
    made = ended(*told)

    (span,) = made.snapshot(LATER).lanes[0].spans
    assert noted(made) == ["acquired", "by-hand", *(["lost"] if LOST in told else [])]
    assert (span.end, span.by, span.lapsed_at, span.to_at, span.died_at) == ("by-hand", "alice", IN_A_SECOND, END, None)
    assert kinds(made) == ["held", "overrun"]


def test_run_whose_end_its_worker_tells_by_a_clock_that_is_behind_did_not_die():
    behind = event("task-succeeded", END - timedelta(hours=1), uuid=TASK)
    made = ended(replace(behind, at=END))
    assert "died" not in noted(made)


@pytest.mark.parametrize("seconds", [0.5, 20])
def test_run_that_an_expired_lock_left_went_on_until_its_own_end_was_told(seconds):
    """However soon, and however late that was judged."""
    expires_at = LOCK.expires_at
    told_at, judged_at = expires_at + timedelta(seconds=seconds), expires_at + timedelta(seconds=seconds + 3)
    expired, end = read(gone=[LOCK.id], at=expires_at), event("task-succeeded", told_at, uuid=TASK)
    made = living(expired, Tick(at=expires_at), end, answered("active", {WORKER: []}, at=judged_at), Tick(at=judged_at))

    (span,) = made.snapshot(told_at).lanes[0].spans
    assert (span.end, span.lapsed_at, span.to_at) == ("expired", expires_at, told_at)


def killed(*before):
    """Its worker was heard last when it ended, and is proved dead some seconds later."""
    seen = [
        event("worker-heartbeat", END),
        ConnectionSeen(worker=WORKER, pid=790, is_open=True, last_event_at=END, at=END),
        ConnectionSeen(worker=WORKER, pid=790, is_open=False, last_event_at=END, at=END + timedelta(seconds=1)),
        WorkersAnswered(command="ping", asked=(WORKER,), replies={}, asked_at=END + timedelta(seconds=8), at=END + timedelta(seconds=9)),
    ]
    return living(*before, *seen, *(Tick(at=END + timedelta(seconds=n)) for n in range(10, 20)))


def test_run_that_died_after_its_lock_was_released_by_hand_went_on_without_it_until_then():
    made = killed(*BY_HAND)

    (span,) = made.snapshot(LATER).lanes[0].spans
    assert noted(made) == ["acquired", "by-hand", "died"]
    assert (span.lapsed_at, span.to_at, span.died_at) == (IN_A_SECOND, END, None)
    assert kinds(made, END + timedelta(seconds=20)) == ["held", "overrun"]


@pytest.mark.django_db
def test_picture_of_the_past_has_the_same_overrun_of_a_run_that_died_without_its_lock(write):
    write([], *killed(*BY_HAND).lock_past.take()[0])

    (found,) = lanes_between(NOW - timedelta(seconds=5), NOW + timedelta(seconds=60), []).lanes
    assert [(span.lapsed_at, span.to_at, span.died_at) for span in found.spans] == [(IN_A_SECOND, END, None)]


@pytest.mark.django_db
def test_death_that_was_told_of_a_run_after_its_lock_had_left_it_hides_no_overrun(write):
    released = by(spanned(written(20, "by-hand", "run-a"), 10))
    write([run("run-a", ended=50)], written(10, "acquired", "run-a"), released, written(49.9, "died", "run-a"))

    (span,) = lane(0, 60).spans
    assert (span.lapsed_at, span.to_at, span.died_at) == (at(20), at(49.9), None)
