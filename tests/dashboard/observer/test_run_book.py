"""Runs by their events, in any order and told twice; by values alone."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.history.rows import CODES
from dashboard.observer.observations import EventsSeen, LocksRead, Tick, WorkersAnswered
from dashboard.observer.run_book import RunBook
from dashboard.observer.state import State
from dashboard.records import Claim, Policy, digest_of_id
from dashboard.sources.event import event_of
from tests.factories import NOW, make_claim, make_lock

RUN = "d9c26803-1111-4222-8333-444455556666"
SENDER, WORKER = "gen4711@web-3", "worker-b@web-2"


def told(kind, seconds, **fields):
    """An event with its sender's own time."""
    base = {"type": kind, "uuid": RUN, "hostname": SENDER if kind == "task-sent" else WORKER, "pid": 790, "timestamp": NOW.timestamp() + seconds}
    return event_of(base | fields)


def life(retries=0, end="task-succeeded", **said):
    about = {"name": "reports", "args": "(12,)", "kwargs": "{}", "retries": retries}
    return [
        told("task-sent", 0, queue="reports", **about),
        told("task-received", 1, **about),
        told("task-started", 2),
        told(end, 3, runtime=0.9, **said),
    ]


REFUSED = told("lock-refused", 2.5, key=":1:lock_report_12", task="reports", waited=0.1)


def state_after(events):
    """The state after these events, each in a batch of its own."""
    state = State([("default", ":1:")], Policy())
    for event in events:
        state.apply(EventsSeen(events=(event,), at=NOW))
    return state


def run_after(events):
    (run,) = state_after(events).snapshot(NOW).runs
    return msgspec.structs.replace(run, row=0)  # it has one as soon as it is going to be written


def plain_lock(seconds):
    return replace(make_lock(), claim=make_claim(task_id=None, attempted_at=NOW + timedelta(seconds=seconds)))


def answer(command, reply, seconds):
    at = NOW + timedelta(seconds=seconds)
    return WorkersAnswered(command=command, asked=(WORKER,), replies={WORKER: reply}, asked_at=at, at=at)


def ids(state):
    return [run.task_id for run in state.snapshot(NOW).runs]


def mixed(events):
    """Any order of these events, some of them told more often."""
    return (
        st.permutations(events).flatmap(lambda order: st.lists(st.sampled_from(order), max_size=4).map(lambda again: [*order, *again])).flatmap(st.permutations)
    )


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


def test_second_receipt_is_a_delivery_of_its_own():
    again = told("task-received", 9, name="reports", hostname="worker-c@web-9")
    runs = state_after([*life()[:3], again]).snapshot(NOW).runs
    assert [(run.worker, run.redelivered) for run in runs] == [("worker-c@web-9", True), (WORKER, False)]


OTHER = {"hostname": "worker-c@web-9", "pid": 4}


def twice(*more):
    """The same message at two workers: the second got it while the first still ran it."""
    return [*life()[:3], told("task-received", 9, name="reports", **OTHER), told("task-started", 9.1, **OTHER), *more]


def seen(state):
    return {run.worker: (run.outcome, run.started_at - NOW) for run in state.snapshot(NOW).runs}


SECOND = {"received": told("task-received", 11, name="reports"), "started": told("task-started", 12)}
STARTED = told("task-started", 2)


@pytest.mark.parametrize(
    "later",
    [["received", "started"], ["started", "received"], ["started", STARTED, "received"], ["received", "started", STARTED, "started"]],
    ids=["in order", "start first", "start first, the first start again", "told again"],
)
def test_second_delivery_to_the_worker_that_still_runs_the_first_leaves_that_one_as_it_began(later):
    told_first = [told("task-received", 1, name="reports"), STARTED]
    runs = state_after([*told_first, *(SECOND.get(one, one) if isinstance(one, str) else one for one in later)]).snapshot(NOW).runs

    began = sorted(((run.received_at - NOW).total_seconds(), (run.started_at - NOW).total_seconds()) for run in runs)
    assert began == [(1, 2), (11, 12)]


@pytest.mark.parametrize("late", [[], [told("task-started", 2)]], ids=["", "its start was told again"])
def test_end_at_the_first_worker_leaves_the_run_at_the_second_as_it_is(late):
    state = state_after(twice(*late, told("task-succeeded", 12, runtime=10.0)))
    assert seen(state) == {WORKER: ("SUCCESS", timedelta(seconds=2)), OTHER["hostname"]: (None, timedelta(seconds=9.1))}


def test_end_at_a_worker_that_nothing_was_heard_of_before_is_its_own():
    state = state_after([told("task-received", 9, name="reports"), told("task-started", 9.1), told("task-failed", 12, exception="E()", **OTHER)])
    assert {run.worker: (run.outcome, run.name) for run in state.snapshot(NOW).runs} == {WORKER: (None, "reports"), OTHER["hostname"]: ("FAILURE", "reports")}


def test_each_worker_speaks_for_its_own_run_of_a_message_that_two_run():
    state = state_after(twice())
    for seconds in (12, 15, 18):
        at = NOW + timedelta(seconds=seconds)
        replies = {name: [{"id": RUN, "name": "reports"}] for name in (WORKER, OTHER["hostname"])}
        state.apply(WorkersAnswered(command="active", asked=tuple(replies), replies=replies, asked_at=at, at=at))
    assert {run.worker: run.last_active_at for run in state.snapshot(NOW).runs} == dict.fromkeys((WORKER, OTHER["hostname"]), at)


def test_two_deliveries_are_two_rows_of_the_history_and_each_ends_as_it_did():
    state = state_after(twice(told("task-succeeded", 12, runtime=10.0), told("task-failed", 13, exception="E()", **OTHER)))
    rows = {row[5]: row[3] for row in state.runs.changes.take()}
    assert rows == {WORKER: CODES["SUCCESS"], OTHER["hostname"]: CODES["FAILURE"]}


NAMESAKE = {"pid": 590}


def given_twice(retries):
    """One try of a message that two workers of one name have; only one of them ends."""
    about = {"name": "reports", "retries": retries}
    return [
        told("task-received", 1, **about), told("task-started", 2), told("task-received", 1.1, **about, **NAMESAKE),
        told("task-started", 2.1, **NAMESAKE), told("task-succeeded", 2.2, runtime=0.1, **NAMESAKE),
    ]  # fmt: skip


@pytest.mark.parametrize("retries", [0, 1])
@given(data=st.data(), starts_late=st.booleans())
def test_run_of_one_namesake_never_ends_with_that_of_the_other_whatever_the_order(retries, data, starts_late):
    twice = given_twice(retries)
    late = [told("task-started", 2.15) if event == twice[1] and starts_late else event for event in twice]
    runs = state_after(data.draw(mixed(late))).snapshot(NOW).runs
    assert sorted((run.parent_pid, run.outcome or "") for run in runs) == [(590, "SUCCESS"), (790, "")]


def test_receipt_of_another_try_by_a_namesake_does_not_end_a_run_whose_own_is_not_told_yet():
    runs = state_after([told("task-started", 2), told("task-received", 2.5, name="reports", retries=1, **NAMESAKE)]).snapshot(NOW).runs
    assert sorted((run.parent_pid, run.outcome) for run in runs) == [(590, None), (790, None)]


def test_start_of_an_earlier_worker_does_not_take_the_place_of_the_run_that_goes_on_elsewhere():
    other = {"hostname": "worker-c@web-3", "pid": 4}
    first = [told("task-received", 1, name="reports"), told("task-started", 2), told("task-received", 3, name="reports", **other)]
    runs = state_after([*first, told("task-failed", 4), told("task-started", 20)]).snapshot(NOW).runs
    assert sorted((run.worker, run.outcome or "") for run in runs) == [(WORKER, ""), (WORKER, "FAILURE"), ("worker-c@web-3", "")]


def test_retry_is_that_of_the_worker_that_tells_it():
    other = {"hostname": "worker-c@web-3", "pid": 4}
    first = [told("task-received", 1, name="reports"), told("task-started", 2), told("task-received", 1.5, name="reports", **other)]
    events = [*first, told("task-received", 3, name="reports", retries=1, **other), told("task-retried", 2.5)]
    assert [run.outcome for run in state_after(events).snapshot(NOW).runs if run.worker == WORKER] == ["RETRY"]


def test_namesake_of_a_run_that_a_snapshot_kept_does_not_end_it():
    kept = state_after([told("task-started", 2)]).snapshot(NOW)
    made = State([("default", ":1:")], Policy())
    made.restore(kept)
    made.apply(EventsSeen(events=(told("task-succeeded", 3, **NAMESAKE),), at=NOW))
    assert sorted((run.parent_pid, run.outcome or "") for run in made.snapshot(NOW).runs) == [(590, "SUCCESS"), (790, "")]


def test_message_that_is_sent_again_under_its_id_is_another_one():
    runs = state_after([*life(), told("task-sent", 20, name="reports", queue="reports")]).snapshot(NOW).runs
    assert [(run.outcome, run.sent_at) for run in runs] == [("SUCCESS", NOW), (None, NOW + timedelta(seconds=20))]


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
