"""What waits is bounded; what found no room is counted by its type, groups one by one."""

import sys
import threading
from datetime import timedelta

from dashboard.sources.event import event_of
from dashboard.sources.event_buffer import MAX_BYTES, SPARE_BYTES, TOGETHER_BYTES, EventBuffer, Waiting
from tests.dashboard.sources.test_event import STARTED, published
from tests.factories import NOW


def waiting(*messages) -> Waiting:
    return Waiting(NOW, sum(len(payload) for _, payload in messages), messages)


def message(kind, size=0, body=STARTED):
    return f"/0.celeryev/{kind}".encode(), published(body) + b" " * size


def buffer(max_bytes=1300):
    woken = []
    made = EventBuffer(lambda: woken.append(1), max_bytes)
    return made, woken


def test_first_to_wait_wakes_and_the_next_do_not_until_all_is_taken():
    made, woken = buffer(10_000)
    for _ in range(3):
        made.put(waiting(message("task.started")))
    assert len(woken) == 1
    while made.take() is not None:
        pass
    made.put(waiting(message("task.started")))
    assert (len(woken), made.held_bytes) == (2, len(published(STARTED)))


def test_what_finds_no_room_is_counted_by_type_whatever_it_came_in():
    made, _ = buffer()
    made.put(waiting(message("task.started", 800)))
    made.put(waiting(message("task.succeeded"), message("task.multi", body=[STARTED, STARTED | {"type": "task-failed"}]), message("task.odd.kind")))
    made.put(waiting((b"garbage", b"{{{"), (b"/0.celeryev", published(STARTED)), message("task.received")))
    made.put(Waiting(NOW, 1000, events=(event_of(STARTED),)))

    assert made.take_dropped() == {"task-succeeded": 1, "task-started": 3, "task-failed": 1, "task-odd.kind": 1, "not told": 1, "task-received": 1}
    assert made.take_dropped() == {}
    assert made.take().size == len(published(STARTED)) + 800
    assert made.take() is None


def test_workers_are_heard_while_there_is_no_room_for_tasks():
    made, _ = buffer()
    made.put(waiting(message("task.started", 800)))
    made.put(waiting(message("task.started"), message("worker.heartbeat"), message("task.started")))
    made.put(waiting(message("worker.heartbeat", SPARE_BYTES)))

    assert [channel for channel, _ in made.take().messages] == [b"/0.celeryev/task.started", b"/0.celeryev/worker.heartbeat"]
    assert made.take() is None, "it has a bound too"
    assert made.take_dropped() == {"task-started": 2, "worker-heartbeat": 1}


def test_what_was_received_within_a_moment_is_taken_together_in_its_order():
    made, _ = buffer(MAX_BYTES)
    for ms, size in ((0, 1), (4, 2), (9, 3), (10, 4), (12, TOGETHER_BYTES), (13, 5)):
        made.put(Waiting(NOW + timedelta(milliseconds=ms), size, [(b"", b"x" * size)]))
    made.put(Waiting(NOW + timedelta(milliseconds=14), 1000, events=(event_of(STARTED),)))

    taken = [made.take() for _ in range(4)]
    assert [[len(payload) for _, payload in one.messages] for one in taken] == [[1, 2, 3], [4, TOGETHER_BYTES], [5], []]
    assert [(one.at - NOW).microseconds // 1000 for one in taken] == [0, 10, 13, 14]
    assert (len(taken[3].events), made.take(), made.held_bytes) == (1, None, 0)


def test_room_is_there_again_once_something_was_taken():
    made, _ = buffer()
    made.put(waiting(message("task.started", 800)))
    made.take()
    made.put(waiting(message("task.started", 800)))
    assert made.take_dropped() == {}


def test_what_is_dropped_while_somebody_asks_is_counted_all_the_same():
    made, _ = buffer(0)
    thread = threading.Thread(target=lambda: [made.put(waiting((b"/0.celeryev/task.started", b"x"))) for _ in range(5000)])
    pause = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        thread.start()
        counted = 0
        while thread.is_alive():
            counted += made.take_dropped().get("task-started", 0)
        assert counted + made.take_dropped().get("task-started", 0) == 5000
    finally:
        sys.setswitchinterval(pause)


def test_what_a_stranger_calls_an_event_is_counted_under_a_short_name():
    made, _ = buffer(0)
    groups = [[STARTED | {"type": "t" * 5000}], [STARTED] * 1001]
    made.put(waiting(*(message("task.multi", SPARE_BYTES, body=group) for group in groups), (b"/0.celeryev/task." + b"x" * 5000, b"{}")))
    dropped = made.take_dropped()
    assert max(map(len, dropped)) == 64
    assert dropped["not told"] == 1, "a group of that size is none of Celery's"
