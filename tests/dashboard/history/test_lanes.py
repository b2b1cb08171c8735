"""The overlap timeline of a time that is over, out of the history: who held a lock then, waited for it, was refused, or went on without it."""

from datetime import timedelta

import pytest

from dashboard.history import names_read
from dashboard.history.lanes import lanes_between
from dashboard.history.read import time_before_all
from dashboard.records import Wait
from tests.dashboard.history.made import BASE_US, LOCK_ID, SECOND_US, at, by, event, lane, run, spanned, watching, write
from tests.dashboard.observer.observations import IN_A_SECOND, state
from tests.dashboard.observer.observations import event as told
from tests.dashboard.web.test_views import viewer
from tests.factories import NOW, make_lock

__all__ = ["viewer", "watching", "write"]
pytestmark = pytest.mark.django_db


def test_lock_that_was_taken_and_released_in_that_time_is_a_span(write):
    write([], event(10, "acquired", "run-a"), spanned(event(15, "released", "run-a"), 5))

    found = lane(0, 60)
    (span,) = found.spans
    assert (found.lock_id, found.name) == (LOCK_ID, "lock_report_12")
    assert (span.from_at, span.to_at, span.end) == (at(10), at(15), "released")


@pytest.mark.parametrize(("from_s", "to_s"), [(20, 60), (20, 30), (0, 30)], ids=["began before", "all the time", "ended after"])
def test_lock_that_was_held_beyond_the_edges_of_that_time_is_seen(write, from_s, to_s):
    write([], event(10, "acquired", "run-a"), spanned(event(50, "released", "run-a"), 40))

    (span,) = lane(from_s, to_s).spans
    assert (span.from_at, span.to_at) == (at(10), at(50))


def test_lock_that_is_held_still_is_a_span_without_an_end(write):
    lock = make_lock(acquired_at=at(10))
    write([], event(10, "acquired", "run-a", token=lock.token_digest))

    found = {one.lock_id: one for one in lanes_between(at(0), at(60), [lock]).lanes}
    assert [(span.from_at, span.to_at) for span in found[lock.id].spans] == [(at(10), None)]
    assert lanes_between(at(-60), at(0), [lock]).lanes == []


def test_holder_that_was_never_known_is_grey(watching, write, viewer):
    nobody = {"certainty": 0, "task": ""}
    write(
        [],
        event(10, "acquired", "", token="a", **nobody),
        spanned(event(15, "released", "", token="a", **nobody), 5),
        event(20, "acquired", "run-b", token="b"),
    )

    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + 60, "span": 120}).content.decode()

    assert [span.is_unknown for span in lane(0, 60).spans] == [True, False]
    assert "lh-bar-unknown" in page and "lh-bar-held" in page


def test_lock_that_was_released_by_hand_and_put_back_is_two_spans(write):
    write([], event(10, "acquired", "run-a"), event(20, "by-hand", "run-a"), event(25, "restored", "run-a"), spanned(event(40, "released", "run-a"), 30))

    assert [(span.from_at, span.to_at, span.end) for span in lane(0, 60).spans] == [(at(10), at(20), "by-hand"), (at(25), at(40), "released")]


@pytest.mark.parametrize(("from_s", "to_s"), [(0, 15), (0, 22), (21, 24), (0, 30), (22, 60)], ids=["before", "its end", "while free", "all", "after"])
def test_lock_that_was_put_back_and_is_held_still_was_free_meanwhile(write, from_s, to_s):
    lock = make_lock(id=LOCK_ID, acquired_at=at(10), put_back_at=at(25), token_digest="one")
    write([], event(10, "acquired", "run-a"), by(spanned(event(20, "by-hand", "run-a"), 10)), event(25, "restored", "run-a"))

    lanes = lanes_between(at(from_s), at(to_s), [lock]).lanes
    seen = [(span.from_at, span.to_at, span.by) for lane in lanes for span in lane.spans]

    released, back = (at(10), at(20), "alice"), (at(25), None, None)
    assert seen == [*([released] if from_s < 20 else []), *([back] if to_s > 25 else [])]


def test_run_whose_lock_an_operator_released_is_an_overrun_until_its_end_beside_the_next(watching, write, viewer):
    taken = [event(1, "acquired", "run-a"), event(12, "acquired", "run-b", token="two"), spanned(event(30, "released", "run-b", token="two"), 18)]
    write([run("run-a", ended=20), run("run-b", ended=30)], *taken, by(spanned(event(9, "by-hand", "run-a"), 8)))

    first, _second = lane(0, 60).spans
    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + 60, "span": 120}).content.decode()

    assert (first.from_at, first.lapsed_at, first.to_at, first.by) == (at(1), at(9), at(20), "alice")
    assert "released by hand by alice" in page and "lh-bar-overrun" in page


def test_run_whose_lock_was_put_back_went_on_without_it_only_until_then(write):
    going = by(spanned(event(20, "by-hand", "run-a"), 10)), event(25, "restored", "run-a"), spanned(event(40, "released", "run-a"), 15)
    write([run("run-a", ended=41)], event(10, "acquired", "run-a"), *going)

    assert [(span.from_at, span.lapsed_at, span.to_at) for span in lane(0, 60).spans] == [(at(10), at(20), at(25)), (at(25), None, at(40))]
    assert [(span.from_at, span.lapsed_at, span.to_at) for span in lane(0, 22).spans] == [(at(10), at(20), at(25))]


def test_run_that_went_on_without_its_lock_is_an_overrun_until_its_end(write):
    write([run("run-a", ended=20)], event(1, "acquired", "run-a"), spanned(event(9, "expired", "run-a"), 8))

    (span,) = lane(0, 60).spans
    assert (span.from_at, span.lapsed_at, span.to_at) == (at(1), at(9), at(20))


@pytest.mark.parametrize("what", ["expired", "flushed"])
def test_run_that_goes_on_without_its_lock_is_an_overrun_without_an_end(write, what):
    lock = make_lock(acquired_at=at(1), lapsed_at=at(9))
    write([], event(1, "acquired", "run-a", token=lock.token_digest), spanned(event(9, what, "run-a", token=lock.token_digest), 8))

    (span,) = lane(0, 60, [lock]).spans
    assert (span.from_at, span.lapsed_at, span.to_at) == (at(1), at(9), None)


def test_refused_and_waiting_attempts_are_marks_and_tails(write):
    write([], event(5, "refused", "run-b", token="b"), event(6, "waiting", "run-c", token="c"), event(9, "acquired", "run-c", token="c"))

    found = lane(0, 60)
    assert found.refused_at == (at(5),)
    assert [(wait.from_at, wait.to_at, wait.end) for wait in found.waits] == [(at(6), at(9), "acquired")]


@pytest.mark.parametrize("what", ["refused", "acquired"])
def test_attempt_that_waited_beyond_that_time_has_the_end_that_was_told_later(write, what):
    write([], event(6, "waiting", "run-c", token="c"), event(9, what, "run-c", token="c"))

    assert [(wait.from_at, wait.to_at, wait.end) for wait in lane(0, 8).waits] == [(at(6), at(9), what)]


def test_attempt_that_waits_still_has_no_end(write):
    write([], event(6, "waiting", "run-c", token="c"), event(7, "waiting", "run-d", token="d"))
    known = Wait(lock_id=LOCK_ID, cache="default", name="lock_report_12", token_digest="c", from_at=at(6))

    (found,) = lanes_between(at(0), at(60), [], [known]).lanes
    assert [(wait.to_at, wait.end) for wait in found.waits] == [(None, None), (at(7), "unknown")]


def test_attempt_that_waited_and_was_refused_is_told_with_its_end(write):
    about = {"key": ":1:lock_report_12", "uuid": "tries", "task": "reports", "digest": "d"}
    names_read.forget()
    past = state(told("lock-waiting", **about), told("lock-refused", IN_A_SECOND, waited=1.0, **about)).lock_past
    write([], *past.take()[0])

    (found,) = lanes_between(NOW - timedelta(seconds=5), NOW + timedelta(seconds=5), []).lanes
    assert [(wait.from_at, wait.to_at, wait.end) for wait in found.waits] == [(NOW, IN_A_SECOND, "refused")]


def test_bar_that_began_before_the_first_observer_is_hatched_until_then(write):
    write([], spanned(event(20, "released", "run-a"), 50))
    (gap,) = time_before_all(at(-60), at(60), at(-99))
    assert (gap.from_us, gap.to_us) == (0, BASE_US)
    assert time_before_all(at(0), at(60), at(-99)) == []
