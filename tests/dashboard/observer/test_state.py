"""The reducer: observations in, sections out; no server, no clock."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from dashboard.observer.lock_readings import read_by_another
from dashboard.observer.observations import ConnectionSeen, EventsSeen, LocksRead, QueuesRead, Scanned, SourceSaid, Tick, WorkersAnswered
from dashboard.observer.state import State
from dashboard.records import Policy, Snapshot, SourceState
from dashboard.sources.event import event_of
from dashboard.sources.locks import lock_id
from tests.factories import NOW, make_claim, make_lock, make_queue, make_snapshot, make_source

LOCK = make_lock(acquired_at=None, timeout=None, first_seen_at=NOW, seen_at=NOW)
RUN = "d9c26803-1111-4222-8333-444455556666"
IN_A_SECOND = NOW + timedelta(seconds=1)


def state(*seen):
    made = State([("default", ":1:"), ("broker", "")], Policy())
    for one in seen:
        made.apply(one)
    return made


def read(*locks, gone=(), live=True, at=NOW):
    return LocksRead(cache="default", locks=locks, gone=gone, live=live, at=at)


def event(kind, at=NOW, **fields):
    base = {"type": kind, "hostname": "worker-b@web-2", "pid": 790, "timestamp": at.timestamp()}
    return EventsSeen(events=(event_of(base | fields),), at=at)


def answered(command, replies, *, asked=("worker-b@web-2",), at=NOW):
    return WorkersAnswered(command=command, asked=asked, replies=replies, asked_at=at, at=at)


def good(name, at=NOW):
    return SourceSaid(source=SourceState(name=name, ok=True, since=at, last_good_at=at))


def test_lock_seen_as_it_was_taken_has_its_time_and_its_whole_life():
    lock = state(read(LOCK)).snapshot(NOW).locks[0]
    assert lock.acquired_at == NOW
    assert lock.timeout == LOCK.expires_at - NOW


def test_lock_found_by_a_scan_has_the_time_its_token_tells():
    lock = state(read(make_lock(), live=False)).snapshot(NOW).locks[0]
    assert lock.acquired_at == make_lock().acquired_at


def test_second_reading_of_the_same_lock_changes_nothing():
    made = state(read(LOCK))
    again = replace(LOCK, expires_at=LOCK.expires_at + timedelta(milliseconds=3), seen_at=IN_A_SECOND)
    assert made.apply(read(again, live=False, at=IN_A_SECOND)) == set()


def test_extended_lock_keeps_its_start_and_gets_its_new_deadline():
    longer = replace(LOCK, expires_at=LOCK.expires_at + timedelta(minutes=5))
    lock = state(read(LOCK), read(longer, at=IN_A_SECOND)).snapshot(NOW).locks[0]
    assert (lock.acquired_at, lock.timeout) == (NOW, longer.expires_at - NOW)


def test_lock_gone_before_its_deadline_was_released_not_expired():
    made = state(read(LOCK), read(gone=[LOCK.id], at=IN_A_SECOND))
    assert made.snapshot(IN_A_SECOND).locks == ()
    assert [(span.end, span.to_at, span.dialect) for span in made.snapshot(IN_A_SECOND).lanes[0].spans] == [("released", IN_A_SECOND, "lockhouse")]


def test_lock_that_nobody_read_since_its_deadline_is_gone_though_the_word_of_it_was_lost():
    late = LOCK.expires_at + timedelta(seconds=20)
    assert state(read(LOCK), good("cache default", NOW), Tick(at=late)).locks.held == {}
    assert state(read(LOCK), Tick(at=late)).locks.held != {}, "of a cache that does not answer it is not known"


def test_lock_gone_at_its_deadline_expired_and_is_kept_while_its_run_may_go_on():
    late = LOCK.expires_at + timedelta(milliseconds=200)
    made = state(read(LOCK), read(gone=[LOCK.id], at=late))
    assert made.snapshot(late).locks[0].lapsed_at == LOCK.expires_at
    assert made.snapshot(late).lanes[0].spans[0].end == "expired"


def test_lock_that_changed_hands_ends_one_span_and_begins_another():
    other = replace(LOCK, token_digest="fedcba9876543210", claim=make_claim(task_id="other"))
    spans = state(read(LOCK), read(other, at=IN_A_SECOND)).snapshot(IN_A_SECOND).lanes[0].spans
    assert [(span.end, span.token_digest) for span in spans] == [("changed", LOCK.token_digest), (None, other.token_digest)]


def test_lock_that_was_put_back_by_hand_has_its_first_start_again():
    back = read(replace(LOCK, seen_at=IN_A_SECOND, first_seen_at=IN_A_SECOND), at=NOW + timedelta(seconds=9))
    lock = state(read(LOCK), read(gone=[LOCK.id], at=IN_A_SECOND), back).snapshot(NOW).locks[0]
    assert (lock.acquired_at, lock.timeout) == (NOW, LOCK.expires_at - NOW)


def test_lock_that_a_whole_scan_does_not_find_is_gone():
    assert state(read(LOCK), Scanned(cache="default", ids=[], at=IN_A_SECOND)).snapshot(NOW).locks == ()


def test_scan_of_one_cache_says_nothing_of_another():
    assert len(state(read(LOCK), Scanned(cache="broker", ids=[], at=IN_A_SECOND)).snapshot(NOW).locks) == 1


def test_refused_attempt_is_counted_for_the_lock_that_is_held_under_its_key():
    lock = replace(LOCK, id=lock_id("default", LOCK.raw_key))
    made = state(read(lock), event("lock-refused", key=":1:lock_report_12", uuid="r", task="reports", waited=1.0))
    refusal = made.snapshot(NOW).refusals[0]
    assert (refusal.lock_id, refusal.waited, refusal.task_id) == (lock.id, timedelta(seconds=1), "r")
    assert made.snapshot(NOW).workers == (), "the event of a lock is no heartbeat: its pid is the child's"


def test_report_that_was_sent_twice_counts_once():
    report = event("lock-refused", key=":1:lock_a")
    assert len(state(report, report).snapshot(NOW).refusals) == 1


def test_refused_attempt_is_forgotten_after_an_hour():
    made = state(event("lock-refused", key=":1:lock_a"))
    made.apply(Tick(at=NOW + timedelta(hours=1, seconds=1)))
    assert made.snapshot(NOW).refusals == ()


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


def test_restart_under_the_same_name_is_another_process():
    made = state(event("worker-heartbeat"), event("worker-online", IN_A_SECOND, pid=815))
    assert [worker.pid for worker in made.snapshot(NOW).workers] == [790, 815]


def test_worker_that_said_goodbye_is_leaving():
    made = state(event("worker-heartbeat"), event("worker-offline", IN_A_SECOND))
    assert made.snapshot(NOW).workers[0].said_offline_at == IN_A_SECOND


def test_answers_fill_in_pool_queues_and_active_runs():
    stats = {"pid": 790, "pool": {"implementation": "celery.concurrency.prefork:TaskPool", "processes": [811, 812], "max-concurrency": 2}}
    active = [{"id": RUN, "name": "reports", "args": [12], "worker_pid": 811, "time_start": NOW.timestamp(), "delivery_info": {"routing_key": "reports"}}]
    made = state(
        answered("stats", {"worker-b@web-2": stats}),
        answered("active", {"worker-b@web-2": active}),
        answered("active_queues", {"worker-b@web-2": [{"name": "reports"}]}),
    )
    worker, run = made.snapshot(NOW).workers[0], made.snapshot(NOW).runs[0]
    assert (worker.pool, worker.processes, worker.queues, worker.active) == ("prefork", (811, 812), ("reports",), (RUN,))
    assert (run.pid, run.parent_pid, run.queue, run.last_active_at) == (811, 790, "reports", NOW)


def test_garbage_from_a_worker_breaks_nothing():
    made = state(
        answered("stats", {"worker-b@web-2": "what?"}),
        answered("active", {"worker-b@web-2": [None, 5, {"id": 7}]}),
        answered("stats", {"worker-b@web-2": {"pid": 790, "pool": None, "broker": None}}),
        event("task-started", uuid=None),
        event("task-received", uuid=RUN, name=None, args=5, retries="x", timestamp="later"),
        event("worker-heartbeat", hostname=5),
        event("lock-refused", key=None),
        event("lock-refused", key=":1:lock_a", uuid=5, task=[], waited="long"),
    )
    written = made.snapshot(NOW)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(written), type=Snapshot) == written


def test_worker_that_did_not_answer_was_asked():
    made = state(event("worker-heartbeat"), answered("ping", {}, at=IN_A_SECOND))
    assert (made.snapshot(NOW).workers[0].asked_at, made.snapshot(NOW).workers[0].answered_at) == (IN_A_SECOND, None)


def test_process_began_when_all_its_answers_say_together_and_one_that_contradicts_them_is_anothers():
    """Its uptime comes in whole seconds, and an answer may be late; in the end the pid is another's, which began just now."""
    made, began = state(), []
    for seconds, uptime in ((2.4, 1), (7.1, 7), (12.6, 12), (60, 1)):
        at = NOW + timedelta(seconds=seconds)
        made.apply(answered("stats", {"worker-b@web-2": {"pid": 790, "uptime": uptime}}, at=at))
        worker = made.snapshot(at).workers[0]
        began.append(((worker.started_after - NOW).total_seconds(), (worker.started_at - NOW).total_seconds()))
    assert began == [pytest.approx(span) for span in ((0.9, 1.9), (-0.4, 0.6), (0.1, 0.6), (58.5, 59.5))]


def called(*answers, at=NOW):
    """Everybody was called; a name that is there twice answered twice."""
    first = dict(reversed(answers))
    again = [one for number, one in enumerate(answers) if one[0] in {name for name, _ in answers[:number]}]
    return WorkersAnswered(command="ping", asked=(), replies=first, again=again, asked_at=at, at=at)


PONG = ("worker-b@web-2", {"ok": "pong"})


def test_answer_is_a_workers_own_once_nobody_else_answers_calls_under_its_name():
    made = state(event("worker-heartbeat"), answered("active", {"worker-b@web-2": []}))
    for seconds, own_at in ((3, None), (8, NOW)):
        made.apply(called(PONG, at=NOW + timedelta(seconds=seconds)))
        assert made.snapshot(NOW).workers[0].spoke_alone_at == own_at


def test_name_that_answers_a_call_twice_is_shared_and_no_answer_speaks_for_its_runs():
    made = state(event("worker-heartbeat"), answered("active", {"worker-b@web-2": []}), called(PONG), called(PONG), called(PONG, PONG, at=IN_A_SECOND))
    worker = made.snapshot(NOW).workers[0]
    assert (worker.shared_at, worker.spoke_alone_at, worker.alone_calls) == (IN_A_SECOND, None, 0)


def test_run_of_a_shared_name_is_not_over_for_being_absent_from_an_answer():
    later = NOW + timedelta(seconds=20)
    made = state(event("worker-heartbeat"), event("task-started", uuid=RUN), called(PONG, PONG), answered("active", {"worker-b@web-2": []}, at=later))
    assert [run.outcome for run in made.snapshot(NOW).runs] == [None]


def test_connection_is_gone_only_after_it_was_known():
    made = state(event("worker-heartbeat"), ConnectionSeen(worker="worker-b@web-2", pid=790, is_open=False, last_event_at=NOW, at=NOW))
    assert made.snapshot(NOW).workers[0].connection_gone_at is None
    for is_open in (True, False):
        made.apply(ConnectionSeen(worker="worker-b@web-2", pid=790, is_open=is_open, last_event_at=NOW, at=IN_A_SECOND))
    assert made.snapshot(NOW).workers[0].connection_gone_at == IN_A_SECOND


def test_worker_that_is_heard_again_has_a_connection_again():
    gone = ConnectionSeen(worker="worker-b@web-2", pid=790, is_open=False, last_event_at=NOW, at=NOW)
    made = state(event("worker-heartbeat"), replace(gone, is_open=True), gone, event("worker-heartbeat", IN_A_SECOND))
    assert made.snapshot(NOW).workers[0].connection_gone_at is None


def test_queue_without_a_reader_says_since_when():
    made = state(good("workers"), QueuesRead(queues=[make_queue(name="archive", ready=3)], unacked=[], at=NOW))
    assert (made.queues[0].consumers, made.queues[0].unread_since) == ((), NOW)
    made.apply(QueuesRead(queues=[make_queue(name="archive", ready=4)], unacked=[], at=IN_A_SECOND))
    assert made.queues[0].unread_since == NOW


def test_readers_are_unknown_while_nobody_was_asked():
    made = state(QueuesRead(queues=[make_queue(name="archive", ready=3)], unacked=[], at=NOW))
    assert made.queues[0].consumers is None


def test_readers_are_unknown_while_a_worker_has_not_told_its_queues():
    made = state(good("workers"), event("worker-heartbeat"), QueuesRead(queues=[make_queue(name="archive", ready=3)], unacked=[], at=NOW))
    assert made.queues[0].consumers is None


def test_source_that_went_away_keeps_the_time_of_its_last_good_reading():
    made = state(good("broker"), SourceSaid(source=make_source("broker", ok=False, since=IN_A_SECOND, last_good_at=None, reason="gone")))
    assert (made.sources["broker"].ok, made.sources["broker"].last_good_at, made.sources["broker"].since) == (False, NOW, IN_A_SECOND)


def test_figures_that_are_not_known_are_none_and_not_zero():
    made = state(Tick(at=NOW))
    figures = made.snapshot(NOW).figures
    assert (figures.locks, figures.ready, figures.busy, figures.failed_last_hour, figures.refused_last_hour) == ((None,), (None,), (None,), None, None)


def test_new_observer_goes_on_from_what_the_last_one_knew():
    made = State([("default", ":1:")], Policy())
    made.restore(make_snapshot(refusals=(), lanes=()))
    assert made.snapshot(NOW).locks == tuple(read_by_another(lock) for lock in make_snapshot().locks)
    assert made.snapshot(NOW).workers == make_snapshot().workers


def test_new_observer_goes_on_counting_what_failed_and_was_refused_within_the_hour():
    refused = event("lock-refused", key=":1:lock_report_12", uuid=RUN)
    made = state(good("events"), event("task-failed", uuid=RUN, exception="ValueError('x')"), refused, Tick(at=IN_A_SECOND))
    before = made.snapshot(IN_A_SECOND).figures
    assert (before.failed_last_hour, before.refused_last_hour) == (1, 1)

    restored = State([("default", ":1:")], Policy())
    restored.restore(made.snapshot(IN_A_SECOND))
    restored.apply(good("events"))
    restored.apply(event("task-failed", NOW + timedelta(minutes=2), uuid="another", exception="ValueError('x')"))

    after = restored.snapshot(NOW + timedelta(minutes=3)).figures
    assert (after.failed_last_hour, after.refused_last_hour) == (2, 1)
    assert restored.snapshot(NOW + timedelta(minutes=61, seconds=30)).figures.failed_last_hour == 1, "what is an hour old is no longer counted"


def test_what_was_refused_and_failed_after_the_last_sample_is_counted_on_as_well():
    made = state(good("events"), Tick(at=NOW), event("task-received", uuid=RUN, name="reports"))
    for told in (
        event("task-failed", IN_A_SECOND, uuid=RUN, exception="ValueError('x')"),
        event("lock-refused", IN_A_SECOND, key=":1:lock_report_12", uuid=RUN),
        Tick(at=NOW + timedelta(seconds=2)),
    ):
        made.apply(told)

    restored = State([("default", ":1:")], Policy())
    restored.restore(made.snapshot(NOW + timedelta(seconds=2)))
    restored.apply(good("events"))

    after = restored.snapshot(NOW + timedelta(minutes=3)).figures
    assert (after.failed_last_hour, after.refused_last_hour) == (1, 1)


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


def together(*events):
    return EventsSeen(events=tuple(one for seen in events for one in seen.events), at=NOW)


def test_events_that_follow_at_once_are_counted_before_anything_is_shown():
    sent = [event("task-sent", NOW + timedelta(milliseconds=5 * number), uuid=f"t{number}", name="mail_send", queue="mail") for number in range(3)]
    flow = state(good("events"), *sent).snapshot(NOW + timedelta(milliseconds=10)).flow
    assert [edge.count for edge in flow.edges] == [3]


def test_what_ended_last_is_known_though_ends_are_counted_together():
    lives = {end: [event("task-received", uuid=end, name="mail_send"), event(f"task-{end}", uuid=end)] for end in ("failed", "succeeded")}
    in_a_row = [
        state(good("events"), together(*lives[first], *lives[last]), Tick(at=IN_A_SECOND)).snapshot(IN_A_SECOND).tasks[0].failed_in_a_row
        for first, last in (("failed", "succeeded"), ("succeeded", "failed"))
    ]
    assert in_a_row == [0, 1]
