"""What is noted of locks for the history, by values alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.history.lock_rows import COLUMNS, WHATS
from dashboard.observer.observations import ChangedByHand, LocksRead, ReleasedByHand, Scanned, SourceSaid, Tick
from dashboard.records import SourceState
from dashboard.sources.locks import lock_id
from tests.dashboard.observer.observations import IN_A_SECOND, answered, event, good, read, state
from tests.dashboard.observer.observations import LOCK as ANY_LOCK
from tests.factories import NOW, make_claim

EXPIRES = NOW + timedelta(minutes=20)
LOCK = replace(ANY_LOCK, id=lock_id("default", b":1:lock_report_12"), expires_at=EXPIRES)
GONE = read(gone=[LOCK.id], at=IN_A_SECOND)
OTHER = replace(LOCK, token_digest="fedcba9876543210", claim=make_claim(task_id="other"))
HAND = ReleasedByHand(lock_id=LOCK.id, token_digest=LOCK.token_digest, by="alice", at=IN_A_SECOND)
BACK = read(LOCK, at=NOW + timedelta(seconds=2))
AGAIN = read(gone=[LOCK.id], at=NOW + timedelta(seconds=3))
UNDO = ChangedByHand(what="restored", lock_id=LOCK.id, token_digest=LOCK.token_digest, by="bob", at=NOW + timedelta(seconds=2))
ABOUT = {"key": ":1:lock_report_12", "uuid": "tries", "task": "reports"}


def noted(*seen):
    """Code and values of each event, in the order in which they are told."""
    rows, missed = state(*seen).lock_past.take()
    assert missed == 0 and [row[0] for row in rows] == sorted({row[0] for row in rows})
    return [dict(zip(COLUMNS, row, strict=True)) | {"what": WHATS[row[3]]} for row in rows]


def whats(*seen):
    return [one["what"] for one in noted(*seen)]


def us(at):
    return (at - NOW) // timedelta(microseconds=1) + int(NOW.timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ([], []),
        ([read(replace(LOCK, seen_at=IN_A_SECOND), at=IN_A_SECOND)], []),
        ([GONE], ["released"]),
        ([read(gone=[LOCK.id], at=EXPIRES + timedelta(milliseconds=200))], ["expired"]),
        ([LocksRead(cache="default", locks=(), gone=[LOCK.id], live=True, at=IN_A_SECOND, is_flush=True)], ["flushed"]),
        ([Scanned(cache="default", ids=[], at=IN_A_SECOND)], ["released"]),
        ([Scanned(cache="default", ids=[LOCK.id], at=IN_A_SECOND)], []),
        ([read(replace(LOCK, expires_at=EXPIRES + timedelta(minutes=5)), at=IN_A_SECOND)], ["extended"]),
        ([read(OTHER, at=IN_A_SECOND)], ["changed", "acquired"]),
        ([GONE, read(LOCK, at=NOW + timedelta(seconds=2))], ["released", "restored"]),
        ([HAND] * 2, ["by-hand"]),
        ([GONE, HAND, HAND], ["by-hand"]),
        ([HAND, GONE, HAND], ["by-hand"]),
        ([HAND, read(OTHER, at=IN_A_SECOND)], ["by-hand", "acquired"]),
        ([read(OTHER, at=IN_A_SECOND), HAND], ["by-hand", "acquired"]),
        ([GONE, HAND, BACK], ["by-hand", "restored"]),
        ([GONE, BACK, HAND], ["by-hand", "restored"]),
        ([HAND, GONE, BACK, AGAIN], ["by-hand", "restored", "released"]),
        ([GONE, BACK, AGAIN, HAND], ["by-hand", "restored", "released"]),
        ([GONE, replace(HAND, token_digest="another", at=IN_A_SECOND)], ["released", "by-hand"]),
        ([GONE, replace(HAND, at=NOW + timedelta(minutes=9))], ["released", "by-hand"]),
    ],
)
def test_each_thing_that_happens_to_a_lock_is_noted_once(then, expected):
    assert whats(read(LOCK), *then) == ["acquired", *expected]


SLOW = timedelta(milliseconds=400)


@pytest.mark.parametrize("order", [("slow", "quick"), ("quick", "slow"), ("quick", "slow", "quick"), ("slow", "slow", "quick", "quick")], ids=" ".join)
def test_lock_that_nobody_touched_is_not_extended_however_long_its_answers_took(order):
    at = {"slow": replace(LOCK, expires_at=EXPIRES - SLOW, read_in=SLOW), "quick": replace(LOCK, read_in=timedelta(milliseconds=1))}
    seen = [read(replace(at[one], seen_at=NOW + timedelta(seconds=n)), at=NOW + timedelta(seconds=n)) for n, one in enumerate(order)]

    made = state(*seen)

    assert whats(*seen) == ["acquired"]
    assert made.locks.held[LOCK.id].renewed_at is None


def test_lock_whose_clock_runs_slower_than_ours_is_not_extended():
    seen = [read(replace(LOCK, expires_at=EXPIRES + timedelta(milliseconds=5 * n)), at=NOW + timedelta(seconds=10 * n)) for n in range(60)]
    made = state(*seen)

    assert whats(*seen) == ["acquired"]
    assert (made.locks.held[LOCK.id].renewed_at, made.locks.held[LOCK.id].expires_at > EXPIRES + timedelta(milliseconds=200)) == (None, True)


def test_lock_that_another_observer_read_by_its_own_clock_is_not_extended():
    made = state()
    made.restore(state(read(LOCK)).snapshot(NOW))
    made.apply(read(replace(LOCK, expires_at=EXPIRES + timedelta(milliseconds=900)), live=False, at=IN_A_SECOND))
    noted_since, _ = made.lock_past.take()

    assert (noted_since, made.locks.held[LOCK.id].renewed_at) == ([], None)


def test_second_more_is_an_extension_though_an_answer_took_some_time():
    longer = replace(LOCK, expires_at=EXPIRES + timedelta(seconds=1), read_in=SLOW, seen_at=IN_A_SECOND)
    seen = [read(replace(LOCK, read_in=SLOW)), read(longer, at=IN_A_SECOND)]

    assert whats(*seen) == ["acquired", "extended"]
    assert state(*seen).locks.held[LOCK.id].renewed_at == IN_A_SECOND


def test_event_says_of_which_lock_and_run_and_for_how_long():
    acquired, released = noted(read(LOCK), GONE)

    assert (acquired["name"], acquired["cache"], acquired["at_us"], acquired["span_us"]) == ("lock_report_12", "default", us(NOW), -1)
    assert (acquired["task_id"], acquired["worker"], acquired["certainty"]) == (make_claim().task_id, make_claim().worker, 2)
    assert (released["at_us"], released["span_us"], released["token"]) == (us(IN_A_SECOND), 1_000_000, LOCK.token_digest)


def test_attempts_and_losses_are_noted_with_their_run():
    refused = event("lock-refused", IN_A_SECOND, waited=1.5, digest="d", **ABOUT)
    told = noted(event("lock-waiting", digest="d", **ABOUT), refused, refused, event("lock-lost", digest="e", noticed="release", **ABOUT))

    assert [(one["what"], one["task_id"], one["span_us"]) for one in told] == [("waiting", "tries", -1), ("refused", "tries", 1_500_000), ("lost", "tries", -1)]
    assert {one["lock"] for one in told} == {int.from_bytes(bytes.fromhex(LOCK.id), "big", signed=True)}


def test_likely_holder_is_noted_under_the_same_row_once_it_is_found():
    plain = replace(LOCK, claim=make_claim(task_id=None, worker=None, pid=None, attempted_at=NOW), dialect="redis-py")
    began = [event("task-received", uuid="r", name="reports"), event("task-started", uuid="r", name="reports")]
    made = state(SourceSaid(source=SourceState(name="events", ok=True, since=NOW, last_good_at=NOW)), *began, read(plain))
    (before,), _ = made.lock_past.take()
    made.apply(Tick(at=IN_A_SECOND))
    (after,), _ = made.lock_past.take()

    assert (before[0], before[8], before[9]) == (after[0], 0, "")
    assert (after[6], after[8], after[9]) == ("reports", 1, "r")

    made.apply(read(gone=[plain.id], at=NOW + timedelta(seconds=2)))
    (gone,), _ = made.lock_past.take()
    assert (WHATS[gone[3]], gone[6], gone[8], gone[9]) == ("released", "reports", 1, "r")


@pytest.mark.parametrize("order", [(GONE, HAND), (HAND, GONE), (GONE, BACK, HAND)], ids=["gone first", "act first", "put back first"])
def test_release_by_hand_is_one_row_with_its_holder_and_who_did_it_though_part_of_it_was_written_already(order):
    made, rows = state(read(LOCK)), {}
    for seen in order:
        made.apply(seen)
        rows |= {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in made.lock_past.take()[0]}

    by_hand = [row for row in rows.values() if WHATS[row["what"]] == "by-hand"]
    assert [(row["task_id"], row["certainty"], row["by_whom"], row["span_us"]) for row in by_hand] == [(make_claim().task_id, 2, "alice", 1_000_000)]
    assert "released" not in {WHATS[row["what"]] for row in rows.values()}


def test_release_by_hand_that_the_observer_before_noted_is_not_noted_again():
    made = state()
    made.restore(state(read(LOCK), GONE, HAND).snapshot(IN_A_SECOND))
    made.apply(HAND)
    assert made.lock_past.take() == ([], 0)


@pytest.mark.parametrize("order", [(BACK, UNDO, UNDO), (UNDO, UNDO, BACK)], ids=["back first", "act first"])
def test_lock_that_an_operator_put_back_says_who_did_it(order):
    told = noted(read(LOCK), GONE, HAND, *order, AGAIN)

    assert [(one["what"], one["by_whom"]) for one in told] == [("acquired", ""), ("by-hand", "alice"), ("restored", "bob"), ("released", "")]
    assert [one["span_us"] for one in told] == [-1, 1_000_000, -1, 1_000_000], "it was free before it was put back"


PUT_OFF = read(replace(LOCK, expires_at=EXPIRES + timedelta(minutes=5)), at=NOW + timedelta(seconds=2))
PUT_OFF_AGAIN = read(replace(LOCK, expires_at=EXPIRES + timedelta(minutes=9)), at=NOW + timedelta(seconds=50))
EXTENDS = replace(UNDO, what="extended")


@pytest.mark.parametrize("order", [(PUT_OFF, EXTENDS, EXTENDS), (EXTENDS, EXTENDS, PUT_OFF)], ids=["reading first", "act first"])
def test_lock_that_an_operator_extended_says_who_did_it_and_later_ones_are_its_holders(order):
    told = noted(read(LOCK), *order, PUT_OFF_AGAIN)

    assert [(one["what"], one["by_whom"]) for one in told] == [("acquired", ""), ("extended", "bob"), ("extended", "")]


def test_act_that_extended_is_not_taken_for_one_that_put_back():
    told = noted(read(LOCK), GONE, EXTENDS, BACK)

    assert [(one["what"], one["by_whom"]) for one in told] == [("acquired", ""), ("released", ""), ("restored", "")]


SINGLETON = replace(LOCK, dialect="celery-singleton", taken_by="send", claim=make_claim(worker=None, pid=None, parent_pid=None))
STARTED = [event(f"task-{kind}", uuid=make_claim().task_id, name="reports") for kind in ("received", "started")]


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ([], "removed"),
        ([event("task-succeeded", NOW + timedelta(seconds=2), uuid=make_claim().task_id)], "released"),
        ([replace(HAND, token_digest=SINGLETON.token_digest)], "by-hand"),
    ],
    ids=["its run goes on", "its run ended", "by an operator"],
)
def test_lock_of_a_library_that_deletes_without_comparing_is_removed_where_its_run_goes_on(then, expected):
    """Only the end of its run gives back such a lock; word of that end may come a moment later, and then nobody else did it."""
    made, rows = state(good("events"), *STARTED, read(SINGLETON), read(gone=[LOCK.id], at=IN_A_SECOND), *then), {}
    for seconds in (2, 3, 8, 9):
        later = NOW + timedelta(seconds=seconds)
        told = event("worker-heartbeat", later), answered("active", {"worker-b@web-2": [{"id": make_claim().task_id}] if not then else []}, at=later)
        for seen in (*told, Tick(at=later)):
            made.apply(seen)
        rows |= {row[0]: WHATS[row[3]] for row in made.lock_past.take()[0]}

    assert list(rows.values()) == ["acquired", expected]
    (lane,) = made.snapshot(NOW + timedelta(seconds=9)).lanes
    assert lane.spans[-1].end == expected
