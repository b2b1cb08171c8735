"""The reducer: events of runs in, their tries and their ends out; no server, no clock."""

from datetime import timedelta

from dashboard.observer.observations import Tick
from dashboard.observer.state import State
from dashboard.records import Policy
from tests.dashboard.observer.observations import IN_A_SECOND, RUN, answered, event, state
from tests.factories import NOW


def test_run_is_followed_from_received_to_its_end():
    made = state(event("task-received", uuid=RUN, name="reports", args="(12,)", retries=0), event("task-started", IN_A_SECOND, uuid=RUN))
    assert (made.snapshot(NOW).runs[0].name, made.snapshot(NOW).runs[0].ended_at) == ("reports", None)
    made.apply(event("task-succeeded", NOW + timedelta(seconds=9), uuid=RUN, runtime=8.0))
    assert made.snapshot(NOW).runs[0].outcome == "SUCCESS"


def test_events_that_arrive_twice_or_late_change_nothing_for_the_worse():
    end = event("task-succeeded", NOW + timedelta(seconds=9), uuid=RUN)
    made = state(event("task-received", uuid=RUN, name="reports"), event("task-started", uuid=RUN), end, end)
    assert [run.outcome for run in made.snapshot(NOW).runs] == ["SUCCESS"]


def test_lost_process_is_read_from_the_traceback_where_the_exception_does_not_say():
    text = 'billiard.einfo.RemoteTraceback: \n"""\nTraceback\nbilliard.exceptions.WorkerLostError: Worker exited prematurely: signal 9 (SIGKILL) Job: 0.\n"""\n'
    made = state(event("task-failed", uuid=RUN, exception="ExceptionWithTraceback()", traceback=text))
    assert "WorkerLostError" in made.snapshot(NOW).runs[0].error


def test_state_stays_bounded():
    made = state(*(event("task-received", uuid=f"run-{number}", name="reports") for number in range(200)))
    for number in range(200):
        made.apply(event("task-succeeded", uuid=f"run-{number}"))
    made.apply(Tick(at=NOW + timedelta(minutes=6)))
    assert made.snapshot(NOW).runs == ()


def test_retried_run_is_kept_beside_its_next_try_and_outlives_a_new_observer():
    received = event("task-received", uuid=RUN, name="reports", retries=0)
    again = event("task-received", IN_A_SECOND, uuid=RUN, name="reports", retries=1)
    made = state(received, event("task-retried", uuid=RUN, exception="ValueError('x')"), again)
    tries = [(run.retries, run.outcome) for run in made.snapshot(NOW).runs]
    assert tries == [(1, None), (0, "RETRY")]
    restored = State([("default", ":1:")], Policy())
    restored.restore(made.snapshot(NOW))
    assert [(run.retries, run.outcome) for run in restored.snapshot(NOW).runs] == tries


def test_retry_that_is_received_before_its_cause_is_told_ends_the_first_try_and_not_itself():
    """A worker that retries at once receives its own message before its process has said that it retried (Celery 5.7, prefork)."""
    made = state(
        event("task-received", uuid=RUN, name="reports"),
        event("task-started", uuid=RUN),
        event("task-received", IN_A_SECOND, uuid=RUN, name="reports", retries=1),
        event("task-retried", IN_A_SECOND, uuid=RUN, exception="ValueError('x')"),
        event("task-started", IN_A_SECOND, uuid=RUN),
        event("task-succeeded", IN_A_SECOND, uuid=RUN),
    )
    tries = [(run.retries, run.outcome, run.ended_at, run.error) for run in made.snapshot(NOW).runs]
    assert tries == [(1, "SUCCESS", IN_A_SECOND, None), (0, "RETRY", IN_A_SECOND, "ValueError('x')")]


def test_try_whose_retry_was_received_has_ended_though_nobody_said_so():
    again = event("task-received", IN_A_SECOND, uuid=RUN, name="reports", retries=1)
    made = state(event("task-received", uuid=RUN, name="reports"), event("task-started", uuid=RUN), again, Tick(at=IN_A_SECOND))
    assert [(run.retries, run.outcome) for run in made.snapshot(NOW).runs] == [(1, None), (0, "RETRY")]
    late = NOW + timedelta(minutes=10)
    made.apply(event("worker-heartbeat", late))
    made.apply(Tick(at=late))
    assert [run.retries for run in made.snapshot(late).runs] == [1]


def test_end_of_a_traceback_is_kept_with_a_failed_run():
    text = 'Traceback (most recent call last):\n  File "/srv/a.py", line 3, in f\n    raise ValueError("x")\nValueError: x\n'
    made = state(event("task-received", uuid=RUN, name="reports"), event("task-failed", uuid=RUN, exception="ValueError('x')", traceback=text))
    assert made.snapshot(NOW).runs[0].traceback_end == '  File "/srv/a.py", line 3, in f\n    raise ValueError("x")\nValueError: x'


def test_process_that_came_back_cannot_speak_for_the_runs_of_the_one_before():
    late = NOW + timedelta(minutes=1)
    made = state(
        event("task-received", uuid=RUN, name="reports"), event("task-started", uuid=RUN),
        event("worker-online", IN_A_SECOND, pid=815), answered("active", {"worker-b@web-2": []}, at=late), Tick(at=late),
    )  # fmt: skip
    assert [(run.task_id, run.parent_pid, run.ended_at) for run in made.snapshot(late).runs] == [(RUN, 790, None)]


def test_run_whose_worker_has_a_wrong_clock_is_remembered_as_long_as_any():
    def clock(kind, **fields):
        return event(kind, uuid=RUN, timestamp=(NOW - timedelta(hours=2)).timestamp(), **fields)

    made = state(clock("task-received", name="reports"), clock("task-succeeded"), Tick(at=NOW + timedelta(minutes=4)))
    assert len(made.snapshot(NOW).runs) == 1
    made.apply(Tick(at=NOW + timedelta(minutes=6)))
    assert made.snapshot(NOW).runs == ()


def test_runs_that_find_no_room_are_counted_and_the_latest_are_kept():
    made = state()
    for number in range(2100):
        at = NOW + timedelta(milliseconds=number)
        made.apply(event("task-received", at, uuid=f"run-{number}", name="reports"))
        made.apply(event("task-succeeded", at, uuid=f"run-{number}"))
    known = made.snapshot(NOW)
    assert (known.more_runs, known.runs[0].task_id) == (100, "run-2099")
