"""The reducer: heartbeats, answers and connections of workers in, what is known of them out; no server, no clock."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from dashboard.observer.observations import ClockSet, ConnectionSeen, WorkersAnswered
from dashboard.records import Snapshot
from tests.dashboard.observer.observations import IN_A_SECOND, RUN, answered, event, good, state
from tests.factories import NOW


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


def alone_since(*seen):
    return state(*seen).snapshot(NOW).workers[0].alone_since


def test_worker_is_known_to_be_the_only_one_of_its_name_from_the_fourth_call_that_it_alone_answers_and_no_more_once_another_does():
    calls = [called(PONG, at=NOW + timedelta(seconds=seconds)) for seconds in (0, 2, 4, 6, 11)]
    assert [alone_since(event("worker-heartbeat"), *calls[:count]) for count in (3, 4, 5)] == [None, calls[3].asked_at, calls[3].asked_at]
    assert alone_since(event("worker-heartbeat"), *calls, called(PONG, PONG)) is None


def test_worker_that_comes_under_a_name_that_nobody_had_is_known_to_be_the_only_one_at_once_unless_two_come():
    online = event("worker-online")
    assert alone_since(online) == NOW
    assert alone_since(online, event("worker-online", IN_A_SECOND)) is None
    assert alone_since(event("worker-heartbeat"), event("worker-online", IN_A_SECOND)) is None


def test_worker_that_comes_again_is_the_only_one_of_its_name_as_the_one_before_was_unless_that_one_may_be_busy():
    before = [event("worker-heartbeat"), *[called(PONG, at=at) for at in (NOW, NOW, NOW, IN_A_SECOND)]]
    stats = {"pid": 790, "uptime": 60, "pool": {"implementation": "celery.concurrency.solo:TaskPool"}}
    solo = answered("stats", {"worker-b@web-2": stats}, at=IN_A_SECOND)
    again, later = event("worker-online", IN_A_SECOND), NOW + timedelta(seconds=2)

    assert alone_since(*before, again) == IN_A_SECOND
    assert alone_since(*before, solo, again) is None
    assert alone_since(*before, solo, event("worker-offline", IN_A_SECOND), event("worker-online", later)) == IN_A_SECOND
    assert state(*before, answered("active", {"worker-b@web-2": []}), again).snapshot(NOW).workers[0].spoke_alone_at is None


def was_there_first(*seen):
    return state(good("cache default"), *seen).snapshot(NOW).workers[0].was_there_first


def test_worker_was_there_first_where_it_was_heard_when_anybody_began_to_listen():
    soon, late = NOW + timedelta(seconds=4), NOW + timedelta(seconds=5)
    answer = answered("stats", {"worker-b@web-2": {"pid": 790}}, at=soon)

    assert was_there_first(good("events"), event("worker-heartbeat", soon)) and was_there_first(good("events"), answer)
    assert not was_there_first(good("events"), event("worker-heartbeat", late))
    assert not was_there_first(event("worker-heartbeat", soon))
    assert not was_there_first(good("events"), good("events", late), event("worker-heartbeat", late))
    assert not was_there_first(good("events", late), ClockSet(at=NOW, by=-timedelta(seconds=5)), event("worker-heartbeat", late))


def test_observer_that_goes_on_from_what_another_heard_is_not_the_first_to_listen():
    after = state()
    after.restore(state(good("events")).snapshot(NOW))
    for seen in (good("events", NOW + timedelta(minutes=1)), event("worker-heartbeat", NOW + timedelta(minutes=1))):
        after.apply(seen)

    assert not after.snapshot(NOW).workers[0].was_there_first


def beats(*counts):
    return [event("worker-heartbeat", NOW + timedelta(seconds=seconds), processed=count) for seconds, count in counts]


@pytest.mark.parametrize(
    ("heard", "are_two"),
    [
        (beats((0, 4), (2, 4), (4, 9)), False),
        (beats((0, 4), (1, 0), (2, 4), (3, 0)), True),
        (beats((0, 4), (0, 0), (2, 4), (2, 0)), True),
        (beats((0, 4), (1, 0), (3, 1)), False),
        (beats((0.5, 4), (0, 3), (2.5, 5), (2, 4)), False),
        (beats((0, 4), (1, 0), (60, 4), (61, 0)), False),
        ([*beats((0, 4)), event("worker-online", IN_A_SECOND), *beats((2, 0))], False),
    ],
    ids=["one works", "two in turn", "two at once", "one was sent late", "one's come in another order", "long apart", "a new one came"],
)
def test_count_of_runs_that_goes_back_from_one_heartbeat_to_the_next_is_that_of_another_process(heard, are_two):
    worker = state(called(PONG), called(PONG, at=IN_A_SECOND), *heard).snapshot(NOW).workers[0]
    assert (worker.shared_at is not None) is are_two


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
