"""Waits and losses as they are reported: in any order, twice, or never to their end."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.judge import assess
from dashboard.observer.observations import Tick
from dashboard.records import Policy
from dashboard.sources.locks import lock_id
from tests.dashboard.observer.observations import IN_A_SECOND, event, good, read, state
from tests.dashboard.observer.observations import LOCK as ANY_LOCK
from tests.factories import NOW

LOCK = replace(ANY_LOCK, id=lock_id("default", b":1:lock_report_12"))
MINE = "aaaabbbbccccdddd"
WAITS = event("lock-waiting", key=":1:lock_report_12", digest=MINE, uuid="waits", task="reports", limit=10.0)


def waits_after(*seen, at=NOW):
    return [(wait.lock_id, wait.end) for wait in state(*seen).snapshot(at).waits]


def refused(digest=MINE):
    return event("lock-refused", IN_A_SECOND, key=":1:lock_report_12", digest=digest, uuid="waits", task="reports", waited=1.0)


def test_wait_ends_with_its_refusal_or_with_the_lock_that_has_its_token():
    assert waits_after(read(LOCK), WAITS) == [(LOCK.id, None)]
    assert waits_after(read(LOCK), WAITS, refused()) == [(LOCK.id, "refused")]
    assert waits_after(read(LOCK), WAITS, refused("of another attempt")) == [(LOCK.id, None)]
    assert waits_after(read(LOCK), WAITS, read(replace(LOCK, token_digest=MINE), at=IN_A_SECOND)) == [(LOCK.id, "acquired")]


def test_wait_that_is_told_after_its_lock_was_seen_is_over():
    assert waits_after(read(replace(LOCK, token_digest=MINE)), WAITS) == [(LOCK.id, "acquired")]


def test_wait_that_is_told_twice_is_one():
    assert waits_after(read(LOCK), WAITS, WAITS) == [(LOCK.id, None)]


@pytest.mark.parametrize(
    "then",
    [[Tick(at=NOW + timedelta(seconds=16))], [event("task-received", uuid="waits"), event("task-failed", IN_A_SECOND, uuid="waits"), Tick(at=IN_A_SECOND)]],
    ids=["its time", "its run"],
)
def test_wait_whose_time_or_run_is_over_is_none_though_nobody_told(then):
    assert waits_after(read(LOCK), WAITS, *then) == [(LOCK.id, "unknown")]


def test_wait_is_drawn_for_as_long_as_the_timeline_is_and_forgotten_then():
    made = state(WAITS, refused())
    (lane,) = made.snapshot(NOW).lanes
    assert (lane.name, [wait.end for wait in lane.waits]) == ("lock_report_12", ["refused"])
    made.apply(Tick(at=NOW + timedelta(minutes=3)))
    later = made.snapshot(NOW + timedelta(minutes=3))
    assert (later.waits, later.lanes) == ((), ())


def test_waits_and_losses_outlive_an_observer():
    written = state(read(LOCK), WAITS, event("lock-lost", key=":1:lock_report_12", digest=MINE, noticed="extend")).snapshot(NOW)
    made = state()
    made.restore(written)
    assert (made.snapshot(NOW).waits, made.snapshot(NOW).losses) == (written.waits, written.losses)


def test_lock_gone_before_its_time_that_its_holder_misses_was_removed_by_another():
    lost = event("lock-lost", IN_A_SECOND, key=":1:lock_report_12", digest=LOCK.token_digest, noticed="release", uuid="r")
    snapshot = state(read(LOCK), read(gone=[LOCK.id], at=IN_A_SECOND), lost, lost).snapshot(IN_A_SECOND)
    assert [span.end for span in snapshot.lanes[0].spans] == ["removed"]
    assert [(loss.lock_id, loss.noticed) for loss in snapshot.losses] == [(LOCK.id, "release")]


def test_attempts_are_counted_with_their_lock_and_not_known_where_nobody_tells_them():
    plain = replace(LOCK, id="b" * 16, key=":1:lock_b", name="lock_b", dialect="redis-py")
    judged = {one.lock.name: one for one in assess(state(good("events"), read(LOCK, plain), WAITS).snapshot(NOW), NOW, Policy())}
    assert (judged["lock_report_12"].waiting, judged["lock_report_12"].lost_last_hour) == (1, 0)
    assert (judged["lock_b"].waiting, judged["lock_b"].lost_last_hour) == (None, None)


def test_report_without_a_digest_or_of_a_key_that_is_not_watched_is_passed_over():
    elsewhere = state(event("lock-waiting", key="other", digest=MINE), event("lock-waiting", key=None, digest=MINE), event("lock-lost", key=":1:lock_a"))
    assert [wait.cache for wait in elsewhere.snapshot(NOW).waits] == ["broker"]  # that has no prefix
    assert elsewhere.snapshot(NOW).losses == ()
