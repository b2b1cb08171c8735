"""Totals only ever grow: within one observer, and from one to the next."""

from datetime import timedelta

import msgspec

from dashboard.observer.alike import Alike
from dashboard.observer.count_book import MAX_EXCEPTIONS, MAX_ROWS, CountBook, exception_of, host_of
from dashboard.observer.live_run import LiveRun
from dashboard.records import Counts, Run
from tests.dashboard.observer.observations import event, good, state
from tests.factories import NOW, make_run

SENDER = "gen4711@web-1"


def tick(book: CountBook) -> Counts:
    book.take(NOW)
    return book.taken


def told(kind, sender, run):
    return Alike(kind, run.name, sender, run.queue), [LiveRun.of(run)]


def counted(*seen):
    made = state(good("events"), *seen)
    made.snapshot(NOW)  # now what waited is counted
    made.counts.take(NOW)
    return made.snapshot(NOW).counts


def life(task_id="t1", name="mail_send", end="task-succeeded", at=NOW, eta=None, **said):
    yield event("task-received", at, uuid=task_id, name=name, eta=eta)
    yield event("task-started", at, uuid=task_id)
    yield event(end, at, uuid=task_id, **said)


def test_every_event_of_a_run_is_counted_by_task_host_and_queue():
    sent = event("task-sent", NOW - timedelta(seconds=3), uuid="t1", name="mail_send", queue="emails", hostname=SENDER)
    counts = counted(sent, *life(runtime=0.07))

    of_sender, of_worker = counts.tasks
    assert (of_sender.name, of_sender.host, of_sender.queue, of_sender.events) == ("mail_send", "web-1", "emails", {"task-sent": 1})
    assert (of_worker.host, of_worker.queue) == ("web-2", "emails")
    assert of_worker.events == {"task-received": 1, "task-started": 1, "task-succeeded": 1}
    assert (sum(of_worker.runtimes.counts), of_worker.runtimes.total_s) == (1, 0.07)
    assert (sum(of_worker.waits.counts), of_worker.waits.total_s) == (1, 3.0)


def test_waiting_for_an_eta_is_no_waiting_in_the_queue():
    sent_at = NOW - timedelta(seconds=60)
    eta = (NOW - timedelta(seconds=2)).isoformat()
    [_, worker] = counted(event("task-sent", sent_at, uuid="t1", name="a", queue="q", hostname=SENDER, eta=eta), *life(name="a", eta=eta)).tasks
    assert worker.waits.total_s == 2.0


def test_failures_are_told_apart_by_their_exception_within_bounds():
    seen = [one for number in range(MAX_EXCEPTIONS + 5) for one in life(f"t{number}", end="task-failed", exception=f"Odd{number}Error('x')")]
    [row] = counted(*seen).tasks
    assert row.failures["Odd0Error"] == 1
    assert row.failures["others"] == 5
    assert sum(row.failures.values()) == row.events["task-failed"] == MAX_EXCEPTIONS + 5


def test_exception_is_its_class_alone_however_it_is_said():
    assert exception_of("ValueError('secret')") == "ValueError"
    assert exception_of("billiard.exceptions.WorkerLostError: signal 9") == "WorkerLostError"
    assert exception_of(None) == exception_of("?!") == "UnknownException"


def test_host_stands_for_all_its_processes():
    assert host_of("celery@web-2") == host_of("gen81@web-2") == "web-2"
    assert host_of("odd") == "odd"


def test_rows_are_bounded_and_what_has_no_row_is_counted():
    book = CountBook()
    for number in range(MAX_ROWS + 3):
        book.events(*told("task-received", "w@h", make_run(name=f"task_{number}")), NOW)
    counts = tick(book)
    assert len(counts.tasks) == MAX_ROWS
    assert counts.uncounted == 3


def test_hosts_that_are_gone_make_room_for_those_that_came():
    book = CountBook()
    for number in range(MAX_ROWS):
        book.events(*told("task-received", f"w@pod-{number}", make_run()), NOW)
    an_hour_on = NOW + timedelta(hours=1, seconds=1)
    book.events(*told("task-received", "w@pod-0", make_run()), an_hour_on - timedelta(minutes=5))

    book.events(*told("task-received", "w@new", make_run()), an_hour_on)

    counts = tick(book)
    assert {task.host: sum(task.events.values()) for task in counts.tasks} == {"pod-0": 2, "new": 1}
    assert counts.uncounted == 0


def test_totals_go_on_from_the_last_snapshot_and_never_fall():
    before = counted(*life(runtime=0.2))
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(before), type=Counts)
    book = CountBook()
    book.restore(stored)

    assert book.taken == before
    book.events(*told("task-started", "w@web-2", Run(task_id="t2", name="mail_send", queue=None)), NOW)

    [row] = tick(book).tasks
    assert row.events == {"task-received": 1, "task-started": 2, "task-succeeded": 1}
    assert sum(row.runtimes.counts) == 1
    assert book.taken.since == before.since


def test_events_that_are_no_runs_are_not_counted():
    counts = counted(event("worker-heartbeat"), event("task-odd", uuid="t1"))
    assert counts.tasks == ()
    assert counts.uncounted == 0


def test_clocks_that_differ_make_no_wait_below_zero():
    sent = event("task-sent", NOW + timedelta(seconds=9), uuid="t1", name="a", queue="q", hostname=SENDER)
    [_, worker] = counted(sent, *life(name="a")).tasks
    assert worker.waits.total_s == 0.0
