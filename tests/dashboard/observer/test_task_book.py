"""What the observer knows of tasks: events, refusals and messages in, records out; no server, no clock."""

from datetime import timedelta

import pytest

from dashboard.observer.counted import Counted
from dashboard.observer.observations import AppRead, QueuesRead
from dashboard.observer.run_events import unregistered_name
from dashboard.observer.task_book import MAX_NAMES, TaskBook
from dashboard.records import QueueHead, Refusal, UnackedMessage
from dashboard.sources.event import event_of
from tests.dashboard.observer.told import Told
from tests.factories import NOW, make_queue

LONG_AGO = NOW - timedelta(hours=2)
WORKER = "worker-b@web-2"


class ToldOfTasks(Told):
    def refuse(self, refusal):
        is_known, run = self.runs.is_refused(refusal.task_id), self.runs.refused(refusal)
        if not is_known:
            self.book.refused(refusal, run)


def task_book():
    return ToldOfTasks(lambda runs: TaskBook())


def event(kind, task_id="id-1", **fields):
    return {"type": f"task-{kind}", "uuid": task_id, "hostname": WORKER, **fields}


def refusal(task_id="id-1", name="mail_send", after=0.0):
    return Refusal(lock_id="l" * 16, cache="shop", name="lock_mail", at=NOW + timedelta(seconds=after), task_id=task_id, task_name=name, worker=WORKER)


def fed(*seen, book=None):
    """A book that took in these events and refusals, a second after each other."""
    book = book or task_book()
    for second, one in enumerate(seen):
        if isinstance(one, Refusal):
            book.refuse(one)
        else:
            book.event(one, NOW + timedelta(seconds=second))
    book.refresh(NOW + timedelta(seconds=len(seen)), LONG_AGO)
    return book


def reading(*seen, book=None, name="mail_send"):
    return {task.name: task for task in fed(*seen, book=book).readings}[name]


def received(task_id="id-1", name="mail_send"):
    return event("received", task_id, name=name)


def succeeded(task_id="id-1", runtime=0.5):
    return event("succeeded", task_id, runtime=runtime, result="'ok'")


def test_runs_are_counted_by_how_they_ended():
    task = reading(
        received("a"), succeeded("a"), received("b"), event("failed", "b", exception="ValueError('x')"), received("c"), event("retried", "c"),
        received("d"), event("revoked", "d"),
    )  # fmt: skip

    hour = task.last_hour
    assert (hour.received, hour.succeeded, hour.failed, hour.retried, hour.revoked, hour.refused) == (4, 1, 1, 1, 1, 0)
    assert (task.worked.task_id, task.worked.runtime, task.worked.worker) == ("a", timedelta(seconds=0.5), WORKER)
    assert (task.failed.task_id, task.failed.error) == ("b", "ValueError('x')")
    assert task.median_runtime == timedelta(seconds=0.5)


@pytest.mark.parametrize("order", [[refusal(), succeeded()], [succeeded(), refusal()]], ids=["told before its end", "told after its end"])
def test_refused_run_is_no_success_whichever_is_told_first(order):
    task = reading(received("good"), succeeded("good"), received(), *order)

    assert (task.last_hour.succeeded, task.last_hour.refused) == (1, 1)
    assert task.worked.task_id == "good"
    assert (task.refused.lock, task.refused.task_id, task.refused_in_a_row) == ("lock_mail", "id-1", 1)


def test_refusal_told_twice_counts_once():
    assert reading(received(), refusal(), refusal()).last_hour.refused == 1


def test_run_that_was_refused_and_retried_may_work_then():
    task = reading(received(), refusal(), event("retried"), received(), succeeded())
    assert (task.last_hour.refused, task.last_hour.succeeded, task.worked.task_id, task.refused_in_a_row) == (1, 1, "id-1", 0)


def test_failures_in_a_row_end_with_a_run_that_works_and_not_with_a_refused_one():
    failures = [step for number in range(3) for step in (received(f"f{number}"), event("failed", f"f{number}"))]
    assert reading(*failures, received(), refusal(), succeeded()).failed_in_a_row == 3
    assert reading(*failures, received(), succeeded(), refusal()).failed_in_a_row == 3
    assert reading(*failures, received(), succeeded()).failed_in_a_row == 0


def test_sender_and_queue_are_remembered_the_newest_first():
    book = task_book()
    for number in range(7):
        book.event({"type": "task-sent", "uuid": f"i{number}", "name": "mail_send", "hostname": f"gen{number}@web"}, NOW, f"q{number % 2}")
    task = reading(book=book)
    assert task.origins == ("gen6@web", "gen5@web", "gen4@web", "gen3@web", "gen2@web")
    assert task.queues == ("q0", "q1")


def test_name_that_a_worker_threw_away_is_read_from_its_failure():
    task = reading(event("failed", exception="NotRegistered('mail_sned')"), name="mail_sned")
    assert (task.last_hour.thrown_away, task.last_hour.failed, task.failed_in_a_row) == (1, 0, 0)


@pytest.mark.parametrize(
    "said",
    ["NotRegistered({[]: 1})", "NotRegistered(" + "-" * 3000 + "1)", "NotRegistered(" + "(" * 3000, "NotRegistered('unfinished",
     "NotRegistered(__import__('os').getcwd())", "NotRegistered(7)", "NotRegistered('')", "ValueError('x')", None, 7],
    ids=lambda said: str(said)[:40],
)  # fmt: skip
def test_failure_that_names_no_task_is_not_taken_for_one(said):
    assert unregistered_name(event_of({"type": "task-failed", "exception": said})) is None


def test_failure_with_a_traceback_is_the_task_s_own():
    assert unregistered_name(event_of({"type": "task-failed", "exception": "NotRegistered('x')", "traceback": "…"})) is None


def test_nothing_is_counted_while_events_are_not_received():
    book = fed(received())
    book.refresh(NOW + timedelta(seconds=9), None)
    assert (book.readings[0].counted_since, book.readings[0].last_hour) == (None, None)


def test_counts_are_forgotten_after_an_hour_and_the_name_after_a_day():
    book = fed(received(), succeeded())
    book.refresh(NOW + timedelta(hours=2), LONG_AGO)
    assert book.readings[0].last_hour.received == 0
    assert book.readings[0].worked is not None, "when it last worked is remembered longer"
    book.refresh(NOW + timedelta(hours=26), LONG_AGO)
    assert book.readings == ()


def test_new_observer_goes_on_from_the_old_one():
    old = fed(received(), succeeded(), received("r"), refusal("r"))
    fresh = task_book()
    fresh.restore(old.readings, NOW + timedelta(seconds=9))
    fresh.event(received("later"), NOW + timedelta(seconds=20))
    task = reading(book=fresh)
    assert (task.last_hour.received, task.last_hour.succeeded, task.last_hour.refused) == (3, 1, 1)
    assert (task.worked.task_id, task.refused.task_id, task.first_seen_at) == ("id-1", "r", NOW)


def test_counts_that_an_observer_goes_on_from_are_told_with_their_own_beginning_and_what_was_missed():
    old, fresh, back_at = fed(received()), task_book(), NOW + timedelta(seconds=30)
    fresh.restore(old.readings, NOW + timedelta(seconds=9))
    fresh.refresh(NOW + timedelta(seconds=31), back_at)
    task = fresh.readings[0]
    assert (task.counted_since, task.missed_since, task.missed_until) == (LONG_AGO, NOW + timedelta(seconds=9), back_at)
    assert (task.last_hour.received, task.whole_since) == (1, back_at)


def test_interruption_is_told_for_an_hour_and_then_what_was_before_it_is_no_longer_counted():
    counted = Counted().at(NOW, LONG_AGO).at(NOW + timedelta(seconds=9), None).at(NOW + timedelta(seconds=20), NOW + timedelta(seconds=19))
    assert (counted.since, counted.missed_since, counted.missed_until) == (LONG_AGO, NOW, NOW + timedelta(seconds=19))
    again = counted.at(NOW + timedelta(seconds=30), None).at(NOW + timedelta(seconds=31), NOW + timedelta(seconds=19))
    assert again.missed_until == NOW + timedelta(seconds=19), "nothing was missed while only a word of it was"
    later = again.at(NOW + timedelta(hours=2), NOW + timedelta(seconds=19))
    assert (later.since, later.missed_since) == (NOW + timedelta(seconds=19), None)


def test_names_of_strangers_push_out_none_that_a_worker_knows():
    book = task_book()
    book.known([f"mine_{number}" for number in range(50)], NOW)
    for number in range(MAX_NAMES * 2):
        book.event(event("received", f"i{number}", name=f"strange_{number}"), NOW + timedelta(seconds=1))
    book.known(["mine_late"], NOW + timedelta(seconds=2))
    book.refresh(NOW + timedelta(seconds=3), LONG_AGO)
    names = {task.name for task in book.readings}
    assert len(names) == MAX_NAMES
    assert {f"mine_{number}" for number in range(50)} | {"mine_late"} <= names


def test_same_again_makes_no_new_record():
    book = fed(received())
    assert not book.refresh(NOW + timedelta(seconds=2), LONG_AGO)
    book.waits("mail_send", None, None, NOW + timedelta(seconds=3))
    assert not book.refresh(NOW + timedelta(seconds=3), LONG_AGO)


@pytest.mark.parametrize("fields", [{"uuid": []}, {"uuid": "x", "name": 5}, {"uuid": "x", "hostname": 7, "runtime": "long"}, {"uuid": "x", "exception": []}])
@pytest.mark.parametrize("kind", ["task-sent", "task-received", "task-succeeded", "task-failed", "task-revoked", "task-retried"])
def test_garbage_in_events_breaks_nothing(kind, fields):
    book = task_book()
    book.event({"type": kind, **fields}, NOW)
    book.event(received(), NOW)
    book.refresh(NOW, LONG_AGO)
    assert book.readings[-1].last_hour.received == 1


def test_app_tells_names_with_the_queues_that_its_router_sends_them_to():
    book = task_book()
    book.app(AppRead(names={"mail_send": "emails", "other": None}, at=NOW))
    book.refresh(NOW, None)
    assert [(task.name, task.in_app, task.app_queue) for task in book.readings] == [("mail_send", True, "emails"), ("other", True, None)]


def test_messages_that_wait_or_are_held_tell_their_names():
    head = QueueHead(priority="0", mark="x", task_name="waits", origin="gen1@web")
    held = UnackedMessage(tag="t", task_id="i", task_name="held", queue="emails", fetched_at=NOW)
    book = task_book()
    book.messages(QueuesRead(queues=[make_queue(heads=(head,))], unacked=[held], at=NOW))
    book.refresh(NOW, None)
    assert [(task.name, task.queues, task.origins) for task in book.readings] == [("waits", ("reports",), ("gen1@web",)), ("held", ("emails",), ())]
