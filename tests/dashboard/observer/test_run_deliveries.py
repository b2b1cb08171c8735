"""One message at two workers, or twice at one: each delivery is a run of its own and ends as it did; by values alone."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.history.rows import CODES
from dashboard.observer.observations import EventsSeen, WorkersAnswered
from dashboard.observer.state import State
from dashboard.records import Policy
from tests.dashboard.observer.lives import RUN, WORKER, life, mixed, state_after, told
from tests.factories import NOW


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
