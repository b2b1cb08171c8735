"""Locks released by hand, and proofs that are kept with a token: the reducer by values, the feed of acts with the database."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.judge import assess
from dashboard.models import OperatorAct
from dashboard.observer.acts_feed import ActsFeed
from dashboard.observer.observations import ChangedByHand, ConnectionSeen, ReleasedByHand, SourceSaid, Tick, WorkersAnswered
from dashboard.observer.state import State
from dashboard.records import Policy
from dashboard.web.timeline import draw
from tests.dashboard.observer.observations import IN_A_SECOND, answered, event, good, read, state
from tests.dashboard.observer.observations import LOCK as READ
from tests.factories import NOW, make_claim, make_source

CLAIM = make_claim(attempted_at=NOW)
LOCK = replace(READ, claim=CLAIM)
SOON = NOW + timedelta(seconds=3)
LATE = NOW + timedelta(seconds=17)
HAND = ReleasedByHand(lock_id=LOCK.id, token_digest=LOCK.token_digest, by="alice", at=IN_A_SECOND)
TASK = CLAIM.task_id
WORKER = CLAIM.worker


def living(*seen):
    """A worker that has the run, and a lock that the run holds."""
    entry = {"id": TASK, "name": CLAIM.task_name, "worker_pid": 811, "time_start": NOW.timestamp() - 1}
    return state(
        *map(good, ("broker", "cache default", "workers", "events")),
        event("worker-heartbeat"),
        event("task-received", uuid=TASK, name=CLAIM.task_name),
        event("task-started", uuid=TASK),
        read(LOCK),
        answered("active", {WORKER: [entry]}),
        *seen,
    )


def judged(made, now=SOON):
    made.apply(Tick(at=now))
    return assess(made.snapshot(now), now, Policy())


@pytest.mark.parametrize("order", [(read(gone=[LOCK.id], at=IN_A_SECOND), HAND), (HAND, read(gone=[LOCK.id], at=IN_A_SECOND))], ids=["gone first", "act first"])
def test_living_holder_of_a_lock_released_by_hand_has_overrun_and_the_lane_says_who(order):
    made = living(*order)

    (one,) = judged(made)

    assert one.verdict == "overrun"
    fact = next(fact for fact in one.evidence if fact.code == "released_by_hand")
    assert fact.values == {"at": IN_A_SECOND, "by": "alice"}
    told = draw(made.snapshot(SOON).lanes[0], [one], SOON).told
    assert "released by hand at 14:07:42 UTC by alice while the run went on" in told


def test_lock_that_is_taken_again_beside_a_holder_it_was_taken_from_is_overlapping():
    other = replace(LOCK, token_digest="fedcba9876543210", claim=make_claim(task_id="other", pid=812))
    made = living(read(gone=[LOCK.id], at=IN_A_SECOND), HAND, read(other, at=IN_A_SECOND))

    assert [one.verdict for one in judged(made)] == ["overlapping", "overrun"]


def test_lock_that_changed_hands_within_one_push_is_seen_to_be_released_by_hand_as_well():
    other = replace(LOCK, token_digest="fedcba9876543210", claim=make_claim(task_id="other", pid=812))
    made = living(HAND, read(other, at=IN_A_SECOND))

    assert [one.verdict for one in judged(made)] == ["overlapping", "overrun"]


def test_lock_of_a_dead_holder_that_is_released_by_hand_is_gone_and_its_bar_ends_there():
    made = living(event("task-failed", uuid=TASK, exception="WorkerLostError()"), answered("active", {WORKER: []}, at=SOON))
    later = SOON + timedelta(seconds=6)
    for seen in (read(gone=[LOCK.id], at=later), replace(HAND, at=later), Tick(at=later + timedelta(seconds=2))):
        made.apply(seen)

    (span,) = made.snapshot(later).lanes[0].spans
    assert made.snapshot(later).locks == ()
    assert (span.end, span.by, span.to_at, span.lapsed_at) == ("by-hand", "alice", later, None)


def test_act_that_is_told_again_changes_nothing():
    made = living(read(gone=[LOCK.id], at=IN_A_SECOND), HAND)
    assert made.apply(HAND) == set()


def test_lock_that_was_put_back_is_held_and_no_overrun_of_itself():
    made = living(read(gone=[LOCK.id], at=IN_A_SECOND), HAND, read(LOCK, at=SOON))
    assert [one.verdict for one in judged(made)] == ["held"]


@pytest.mark.parametrize(
    "order", [(read(gone=[LOCK.id], at=IN_A_SECOND), HAND, read(LOCK, at=SOON)), (read(gone=[LOCK.id], at=IN_A_SECOND), read(LOCK, at=SOON), HAND)]
)
def test_lock_that_was_put_back_was_free_meanwhile_and_its_next_release_is_its_own(order):
    made = living(*order, read(gone=[LOCK.id], at=LATE))

    first, second = made.snapshot(LATE).lanes[0].spans
    assert (first.from_at, first.end, first.by, first.to_at in {IN_A_SECOND, SOON}) == (NOW, "by-hand", "alice", True)
    assert (second.from_at, second.to_at, second.end, second.by) == (SOON, LATE, "released", None)


def test_lane_says_of_a_lock_that_is_gone_that_nobody_knew_its_holder():
    stranger = replace(LOCK, claim=None, dialect="other")
    made = living(read(replace(stranger, id="a" * 16)), Tick(at=SOON), Tick(at=LATE), read(gone=["a" * 16, LOCK.id], at=LATE))
    assert {lane.lock_id: lane.spans[-1].is_unknown for lane in made.snapshot(LATE).lanes} == {"a" * 16: True, LOCK.id: False}


def test_release_by_its_own_run_is_no_hand():
    made = living(read(gone=[LOCK.id], at=IN_A_SECOND), replace(HAND, token_digest="another"))
    assert [(span.end, span.by) for span in made.snapshot(SOON).lanes[0].spans] == [("released", None)]


def dead(*seen, is_judged=True):
    """The holder's worker was killed; its death is proved by `late`, and `is_judged`: it was found out then."""
    found = [
        ConnectionSeen(worker=WORKER, pid=790, is_open=True, last_event_at=NOW, at=NOW),
        ConnectionSeen(worker=WORKER, pid=790, is_open=False, last_event_at=NOW, at=NOW + timedelta(seconds=6)),
        WorkersAnswered(command="ping", asked=(WORKER,), replies={}, asked_at=NOW + timedelta(seconds=8), at=NOW + timedelta(seconds=9)),
        *([Tick(at=LATE)] if is_judged else []),
    ]
    return living(*found, *seen)


LATER = NOW + timedelta(seconds=40)


@pytest.mark.parametrize("source", ["workers", "cache default", "events"])
def test_proved_death_stays_proved_while_a_source_is_away_and_says_since_when(source):
    made = dead(SourceSaid(source=make_source(source, ok=False, since=LATE)))

    (one,) = judged(made, LATER)

    assert one.verdict == "orphaned"
    fact = next(fact for fact in one.evidence if fact.code == "proved_before")
    assert fact.values == {"at": LATE, "since": NOW, "proof": "worker_silent", "task_id": TASK}


def test_proof_outlives_the_observer_that_found_it():
    made = State([("default", ":1:")], Policy())
    made.restore(dead().snapshot(LATE))
    for name in ("broker", "cache default", "workers", "events"):
        made.apply(good(name, LATER))

    assert [one.verdict for one in judged(made, LATER)] == ["orphaned"]


def test_proof_belongs_to_the_token_and_not_to_the_name():
    other = replace(LOCK, token_digest="fedcba9876543210", claim=make_claim(task_id="other", worker="w@x", pid=1, parent_pid=2))
    (one,) = judged(dead(read(other, at=LATE)), LATER)
    assert (one.verdict, one.lock.proved) == ("unknown", None)


def test_sign_of_life_outweighs_a_proof():
    entry = {"id": TASK, "name": CLAIM.task_name, "worker_pid": 811, "time_start": NOW.timestamp() - 1}
    made = dead(event("worker-heartbeat", LATER), answered("active", {WORKER: [entry]}, at=LATER))

    assert [one.verdict for one in judged(made, LATER)] == ["held"]
    assert made.snapshot(LATER).locks[0].proved is None


def test_second_reading_of_the_lock_keeps_the_proof():
    made = dead(read(replace(LOCK, seen_at=LATER), live=False, at=LATER), SourceSaid(source=make_source("workers", ok=False, since=LATE)))
    assert [one.verdict for one in judged(made, LATER)] == ["orphaned"]


@pytest.mark.django_db(transaction=True)
def test_feed_tells_the_releases_that_were_done_of_late():
    now = datetime.now(UTC)
    fields = {"act": "lock-release", "target_id": LOCK.id, "target_name": LOCK.name, "cache": "default", "token_digest": LOCK.token_digest, "planned_at": now}
    for number, (code, minutes) in enumerate([("released", 0), ("changed_hands", 0), ("released", 9), ("restored", 0), ("protected", 0), ("extended", 0)]):
        at = now - timedelta(minutes=minutes)
        OperatorAct.objects.create(**fields, username="alice", state="done", code=code, started_at=at, finished_at=at, nonce=str(number), origin="page")
    told = []

    ActsFeed("acts", told.append, threading.Event())._read(now)

    values = {"lock_id": LOCK.id, "token_digest": LOCK.token_digest, "by": "alice", "at": now}
    assert Counter(told) == Counter([ReleasedByHand(**values), *(ChangedByHand(what=what, **values) for what in ("restored", "restored", "extended"))])
