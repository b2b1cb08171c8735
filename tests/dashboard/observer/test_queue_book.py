"""What the observer knows of queues: readings and events in, records out; no server, no clock."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.observer.observations import QueuesRead
from dashboard.observer.queue_book import QueueBook
from dashboard.records import QueueHead, UnackedMessage
from tests.dashboard.observer.told import Told
from tests.factories import NOW, make_queue

WORKER = "worker-b@web-2"
LONG_AGO = NOW - timedelta(hours=1)
READERS = {"reports": (WORKER,)}


def queue_book():
    return Told(lambda runs: QueueBook(runs.sent_at))


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def received(number, seconds, *, worker=WORKER, name="reports_prepare", kind="task-received"):
    return {"type": kind, "uuid": f"id-{number}", "hostname": worker, "name": name}, at(seconds)


def watch(*, depths, events=(), readers=READERS, queue="reports", told_since=LONG_AGO, **changes):
    """A reading each second with these depths, with the events between them; the last reading."""
    book, events = queue_book(), sorted(events, key=lambda event: event[1])
    for second, ready in enumerate(depths):
        while events and events[0][1] <= at(second):
            book.event(*events.pop(0))
        book.read(QueuesRead(queues=[make_queue(name=queue, ready=ready, consumers=None, **changes)], unacked=[], at=at(second)), readers, told_since)
    return book, book.readings[0]


def test_rates_are_what_was_received_and_what_the_queue_grew_by():
    _, queue = watch(depths=[*range(21)], events=[received(n, n + 0.5) for n in range(10)])
    assert (queue.out_per_s, queue.in_per_s, queue.grown) == (0.5, 1.5, 20)


def test_rates_are_unknown_before_there_is_enough_to_tell_them_by():
    _, queue = watch(depths=[1] * 9, events=[received(1, 2)])
    assert (queue.in_per_s, queue.out_per_s) == (None, None)


def test_rates_are_unknown_where_a_reader_counts_messages_and_tells_none():
    beats = [({"type": "worker-heartbeat", "hostname": WORKER, "processed": n}, at(n)) for n in range(20)]
    _, queue = watch(depths=[5] * 20, events=beats)
    assert queue.out_per_s is None


def test_idle_reader_took_nothing_though_it_never_told_of_a_task():
    beats = [({"type": "worker-heartbeat", "hostname": WORKER, "processed": 7}, at(n)) for n in range(20)]
    _, queue = watch(depths=[5] * 20, events=beats)
    assert (queue.in_per_s, queue.out_per_s) == (0.0, 0.0)


def test_nobody_takes_nothing_so_what_comes_in_is_known_without_events():
    _, queue = watch(depths=range(0, 42, 2), readers={}, told_since=None)
    assert (queue.consumers, queue.in_per_s, queue.out_per_s) == ((), 2.0, 0.0)


def test_rates_are_unknown_while_events_are_not_received_or_were_lost():
    events = [received(n, n) for n in range(20)]
    assert watch(depths=[5] * 20, events=events, told_since=None)[1].out_per_s is None
    assert watch(depths=[5] * 20, events=events, told_since=at(15))[1].out_per_s is None


def test_rates_are_known_ten_seconds_after_events_are_received_and_not_a_window_later():
    events = [received(n, n + 0.5) for n in range(20)]
    _, queue = watch(depths=[5] * 20, events=events, told_since=at(4))
    assert (queue.in_per_s, queue.out_per_s) == (1.0, 1.0)


def test_readers_that_nobody_knows_make_rates_unknown():
    _, queue = watch(depths=[5] * 20, readers=None)
    assert (queue.consumers, queue.out_per_s) == (None, None)


def test_reader_of_two_queues_is_placed_by_what_was_sent():
    sent = [({"type": "task-sent", "uuid": f"id-{n}", "queue": "reports", "timestamp": at(n).timestamp()}, at(n)) for n in range(10)]
    readers = {"reports": (WORKER,), "mail": (WORKER,)}
    _, queue = watch(depths=[0] * 20, events=[*sent, *(received(n, n + 0.5) for n in range(10))], readers=readers)
    assert queue.out_per_s == pytest.approx(10 / 19, abs=0.01)


def test_sender_that_tells_after_the_worker_is_believed_too():
    sent = [({"type": "task-sent", "uuid": f"id-{n}", "queue": "reports", "name": f"n{n}"}, at(n + 0.2)) for n in range(10)]
    readers = {"reports": (WORKER,), "mail": (WORKER,)}
    book, queue = watch(depths=[0] * 20, events=[*sent, *(received(n, n + 0.1, name=f"n{n}") for n in range(10))], readers=readers)
    assert queue.out_per_s == pytest.approx(10 / 19, abs=0.01)
    assert not book.runs.sent, "what was received already is not waited for"


def test_message_that_cannot_be_placed_makes_rates_of_its_readers_queues_unknown():
    readers = {"reports": (WORKER,), "mail": (WORKER,)}
    _, queue = watch(depths=[0] * 20, events=[received(1, 5)], readers=readers)
    assert queue.out_per_s is None


def test_message_that_had_expired_left_the_queue_though_it_was_never_received():
    _, queue = watch(depths=[*[4] * 10, *[0] * 10], events=[received(0, 1), *(received(n, 10, kind="task-revoked") for n in range(1, 5))])
    assert queue.out_per_s == pytest.approx(5 / 19, abs=0.01)


def test_messages_that_left_unreceived_make_what_came_in_unknown_and_never_negative():
    _, queue = watch(depths=[*[50] * 10, *[0] * 10], events=[received(0, 1)])
    assert queue.in_per_s is None


def test_gap_in_the_readings_begins_the_rates_anew():
    book, _ = watch(depths=[5] * 20, events=[received(0, 1)])
    book.read(QueuesRead(queues=[make_queue(ready=500)], unacked=[], at=at(60)), READERS, LONG_AGO)
    assert (book.readings[0].grown, book.readings[0].in_per_s) == (None, None)


def head(mark="t", **changes):
    return QueueHead(**({"priority": "0", "mark": mark, "task_id": mark} | changes))


def test_oldest_message_is_exact_where_its_sending_was_seen():
    sent = ({"type": "task-sent", "uuid": "t", "queue": "reports", "timestamp": LONG_AGO.timestamp()}, at(0))
    _, queue = watch(depths=[1, 1, 1], events=[sent], heads=(head(),))
    assert (queue.oldest_at, queue.oldest_is_minimum) == (LONG_AGO, False)


def test_oldest_message_waits_at_least_since_it_was_first_seen_next():
    _, queue = watch(depths=[1, 1, 1], heads=(head(),))
    assert (queue.oldest_at, queue.oldest_is_minimum) == (NOW, True)


def test_oldest_of_several_priorities_is_exact_only_if_each_is():
    sent = ({"type": "task-sent", "uuid": "t", "queue": "reports", "timestamp": LONG_AGO.timestamp()}, at(0))
    _, queue = watch(depths=[2, 2], events=[sent], heads=(head(), head("u", priority="9")))
    assert (queue.oldest_at, queue.oldest_is_minimum) == (LONG_AGO, True)


def test_messages_that_were_never_looked_at_wait_at_least_as_long_as_so_few_were_received():
    _, queue = watch(depths=[1000] * 20, events=[received(n, n) for n in range(1, 20)], heads=(head("", task_id=None, problem="not-looked-at"),))
    assert (queue.oldest_at, queue.oldest_is_minimum) == (at(1), True)


def test_bound_is_given_up_when_all_that_waited_may_have_been_received():
    _, queue = watch(depths=[3] * 20, events=[received(n, n) for n in range(1, 20)], heads=(head("", task_id=None, problem="not-looked-at"),))
    assert queue.oldest_at > at(10)


def test_empty_queue_has_no_oldest_message():
    assert watch(depths=[0, 0])[1].oldest_at is None


def test_samples_say_what_was_not_known():
    book, _ = watch(depths=[3])
    book.sample(True)
    book.sample(False)
    assert book.readings[0].samples == (3, None)


def test_new_observer_goes_on_from_what_the_last_one_saw():
    book, queue = watch(depths=[1], heads=(head(),), readers={})
    book.sample(True)
    fresh = queue_book()
    fresh.restore(book.readings)
    fresh.read(QueuesRead(queues=[replace(queue, consumers=None, samples=())], unacked=[], at=at(30)), {}, None)
    assert (fresh.readings[0].oldest_at, fresh.readings[0].unread_since, fresh.readings[0].samples) == (NOW, NOW, (1,))
    assert "reports" in fresh.names, "a queue whose workers died stays"


def test_nobody_reads_since_the_last_reader_left_and_not_since_a_message_came():
    book = queue_book()
    for second, ready, readers in ((0, 0, READERS), (5, 0, {}), (9, 0, None), (60, 3, {})):
        book.read(QueuesRead(queues=[make_queue(ready=ready, consumers=None)], unacked=[], at=at(second)), readers, LONG_AGO)
    assert (book.readings[0].unread_since, book.readings[0].unread_is_minimum) == (at(5), False)


def test_queue_that_was_never_seen_read_may_be_unread_for_longer():
    queue = watch(depths=[0, 0, 1], readers={})[1]
    assert (queue.unread_since, queue.unread_is_minimum) == (NOW, True)


@pytest.mark.parametrize(
    "fields", [{"uuid": []}, {"uuid": "x", "hostname": None}, {"uuid": "x", "hostname": "w", "name": 5}, {"processed": "many"}, {"queue": 7}]
)
@pytest.mark.parametrize("kind", ["task-sent", "task-received", "task-revoked", "worker-heartbeat"])
def test_garbage_in_events_breaks_nothing(kind, fields):
    book = queue_book()
    book.event({"type": kind, **fields}, NOW)
    book.read(QueuesRead(queues=[make_queue(ready=1)], unacked=[], at=NOW), READERS, LONG_AGO)
    assert book.readings[0].ready == 1


def test_state_stays_bounded():
    book = queue_book()
    for number in range(30_000):
        book.event({"type": "task-sent", "uuid": f"s{number}", "queue": f"q{number}", "name": f"n{number}"}, NOW)
        book.event({"type": "task-received", "uuid": f"r{number}", "hostname": WORKER, "name": f"n{number}"}, NOW)
    book.read(QueuesRead(queues=[make_queue()], unacked=[], at=at(10)), READERS, LONG_AGO)
    assert len(book.runs.sent) <= 20_000
    assert max(len(book.names), len(book._seen_in)) <= 5000
    assert (len(book._unplaced), len(book._flows)) == (0, 1)


def test_invented_names_displace_each_other_and_no_queue_that_is_one_for_sure():
    book = queue_book()
    for name in ("reports", "mail"):
        book.event({"type": "task-sent", "uuid": name, "queue": name, "name": "n"}, NOW)
    book.read(QueuesRead(queues=[make_queue(ready=1), make_queue(name="mail")], unacked=[], at=NOW), {"mail": (WORKER,)}, LONG_AGO)
    for number in range(6000):
        book.event({"type": "task-sent", "uuid": f"s{number}", "queue": f"q{number}", "name": "n"}, NOW)
    book.event({"type": "task-sent", "uuid": "late", "queue": "late", "name": "n"}, NOW)
    assert book.names.by_worth()[:3] == ["mail", "reports", "late"]
    assert len(book.names) == 5000


def test_as_many_names_of_workers_and_queues_as_anybody_likes_take_no_room():
    book, readers = queue_book(), {"reports": (WORKER,), "mail": (WORKER,)}
    book.read(QueuesRead(queues=[make_queue(), make_queue(name="mail")], unacked=[], at=NOW), readers, LONG_AGO)
    for number in range(6000):
        book.event({"type": "worker-heartbeat", "hostname": f"w@{number}", "processed": number}, NOW)
        book.event({"type": "task-received", "uuid": f"r{number}", "hostname": f"w@{number}", "name": "n"}, NOW)
        book.event({"type": "task-sent", "uuid": f"s{number}", "queue": f"q{number}", "name": "n"}, NOW)
        book.event({"type": "task-received", "uuid": f"s{number}", "hostname": f"w@{number}", "name": "n"}, NOW)
    book.event({"type": "worker-heartbeat", "hostname": WORKER, "processed": 7}, NOW)
    book.event(*received(1, 0, name="n"))
    book.read(QueuesRead(queues=[make_queue(), make_queue(name="mail")], unacked=[], at=at(3)), readers, LONG_AGO)
    assert max(len(book._tells), len(book._counted), len(book._lost_at)) <= 1000
    assert {WORKER} <= book._tells.keys() & book._counted.keys() & book._lost_at.keys(), "who reads a queue has room"
    assert len(book._seen_in["n"]) <= 20
    assert len(book._flows) <= 5000


def test_task_that_was_seen_in_very_many_queues_is_placed_by_none_of_them():
    book, readers = queue_book(), {"reports": (WORKER,), "mail": (WORKER,)}
    for queue in ("reports", *(f"q{number}" for number in range(30)), "mail"):
        book.event({"type": "task-sent", "uuid": queue, "queue": queue, "name": "n"}, NOW)
    book.read(QueuesRead(queues=[make_queue(), make_queue(name="mail")], unacked=[], at=NOW), readers, LONG_AGO)
    book.event(*received(1, 0, name="n"))
    assert book.runs.get("id-1").queue is None


def test_unacknowledged_message_places_what_was_received():
    book, readers = queue_book(), {"reports": (WORKER,), "mail": (WORKER,)}
    message = UnackedMessage(tag="t", task_id="id-1", task_name=None, queue="reports", fetched_at=NOW)
    for second in range(20):
        if second == 5:
            book.event(*received(1, second))
        book.read(QueuesRead(queues=[make_queue(), make_queue(name="mail")], unacked=[message], at=at(second)), readers, LONG_AGO)
    assert book.readings[0].out_per_s == pytest.approx(1 / 19, abs=0.01)
