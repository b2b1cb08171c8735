"""A holder's death is remembered beyond its lock: in the lane, in the history, and in a picture of that time; by values, and out of the database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.history.lanes import lanes_between
from dashboard.history.lock_rows import COLUMNS, WHATS
from dashboard.observer.observations import Tick
from dashboard.observer.state import State
from dashboard.records import Policy
from dashboard.web.timeline import draw
from tests.dashboard.history.made import at, lane, run, spanned, write
from tests.dashboard.history.made import event as written
from tests.dashboard.observer.observations import answered, event, read
from tests.dashboard.observer.test_hands import HAND, LATE, LATER, LOCK, SOON, TASK, dead, living
from tests.dashboard.web.test_views import viewer
from tests.factories import NOW, make_lock

__all__ = ["viewer", "write"]
RELEASED = (read(gone=[LOCK.id], at=LATER), Tick(at=LATER))
ALIVE = event("task-started", LATE + timedelta(seconds=2), uuid=TASK)


def kinds(made, now=LATER):
    return [bar.kind for bar in draw(made.snapshot(now).lanes[0], [], now).bars]


def noted(made):
    return [WHATS[dict(zip(COLUMNS, row, strict=True))["what"]] for row in made.lock_past.take()[0]]


@pytest.mark.parametrize("order", [RELEASED, (replace(HAND, at=LATER), *RELEASED)], ids=["by another", "by hand"])
def test_lane_of_a_lock_whose_holder_died_stays_red_after_its_release(order):
    assert kinds(dead(*order)) == ["orphaned"]


def test_lane_of_a_lock_that_was_released_before_the_observer_had_judged_it_is_red_as_well():
    """Whoever looks judges for himself, and may be quicker than the observer, which does so once a second."""
    at_once = LATE + timedelta(seconds=0.5)
    made = dead(read(gone=[LOCK.id], at=at_once), replace(HAND, at=at_once), Tick(at=LATE + timedelta(seconds=1)), is_judged=False)

    assert kinds(made) == ["orphaned"]
    assert noted(made) == ["acquired", "by-hand", "died"]


def test_death_is_told_once_with_the_time_that_it_happened():
    made = dead(Tick(at=LATER))
    (died,) = [row for row in made.lock_past.take()[0] if WHATS[row[3]] == "died"]
    assert (died[4], died[9]) == (int(NOW.timestamp()) * 1_000_000, TASK)


def test_lane_of_a_dead_holder_is_red_for_the_next_observer_as_well_and_the_death_is_not_told_again():
    made = State([("default", ":1:")], Policy())
    made.restore(dead().snapshot(LATE))
    for seen in (Tick(at=LATER), *RELEASED):
        made.apply(seen)

    assert kinds(made) == ["orphaned"]
    assert noted(made) == ["released"]


def test_holder_that_shows_a_sign_of_life_was_not_dead():
    entry = {"id": TASK, "name": "reports", "worker_pid": 811, "time_start": NOW.timestamp() - 1}
    back = [event("worker-heartbeat", LATE + timedelta(seconds=1)), ALIVE, answered("active", {LOCK.claim.worker: [entry]}, at=LATE + timedelta(seconds=3))]
    made = dead(*back, Tick(at=LATE + timedelta(seconds=3)), *RELEASED)

    assert kinds(made) == ["held"]
    assert noted(made) == ["acquired", "died", "alive", "released"]


def test_lane_of_a_holder_that_lived_to_its_end_has_no_death():
    assert kinds(living(Tick(at=SOON), *RELEASED)) == ["held"]


DEATH, END = written(60, "died", "run-a"), spanned(written(1200, "by-hand", "run-a"), 1190)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("from_s", "to_s"), [(0, 120), (600, 720), (1100, 1300), (20, 59.5)], ids=["as it died", "long after", "as it was released", "before it was known"]
)
def test_picture_of_a_time_that_is_over_knows_of_a_death_that_was_told_before_or_after(write, from_s, to_s):
    write([], written(10, "acquired", "run-a"), (*DEATH[:4], DEATH[4] - 30_000_000, *DEATH[5:]), END)

    assert [(span.from_at, span.died_at, span.to_at, span.lapsed_at) for span in lane(from_s, to_s).spans] == [(at(10), at(30), at(1200), None)]


@pytest.mark.django_db
def test_run_that_is_told_to_be_lost_after_its_lock_was_released_did_not_go_on_without_it(write):
    write([run("run-a", ended=1250)], written(10, "acquired", "run-a"), DEATH, END)

    assert [(span.to_at, span.lapsed_at) for span in lane(0, 1300).spans] == [(at(1200), None)]


@pytest.mark.django_db
def test_holder_that_was_alive_after_all_is_drawn_as_one(write):
    write([], written(10, "acquired", "run-a"), DEATH, written(70, "alive", "run-a"), END)

    assert [span.died_at for span in lane(0, 1300).spans] == [None]


@pytest.mark.django_db
def test_death_is_of_its_own_lock_alone(write):
    held = make_lock(id="f" * 16, acquired_at=at(5), token_digest="one")
    write([], written(10, "acquired", "run-a"), DEATH, END)

    found = {one.lock_id: one.spans for one in lanes_between(at(0), at(90), [held]).lanes}
    assert [span.died_at for span in found[held.id]] == [None]


@pytest.mark.django_db
def test_death_is_red_on_the_page_of_that_time_and_a_line_of_the_locks_history(watching, write, viewer):
    write([], written(10, "acquired", "run-a"), DEATH, END)

    past = viewer.get("/timeline/", {"until": int(at(700).timestamp()), "span": 120})
    history = viewer.get(f"/locks/{past.context['rows'][0]['url'].split('/')[-3]}/history/").content.decode()

    assert "lh-bar-orphaned" in past.content.decode()
    assert "its holder was dead from" in past.content.decode()
    assert "its holder died" in history
