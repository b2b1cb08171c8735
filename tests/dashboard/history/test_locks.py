"""The history of locks, written and read on the database of the tests."""

import pytest

from dashboard.history import names_read
from dashboard.history.locks import moments_of_runs, page_of
from dashboard.history.retention import DAY_US, Limits, Retention
from dashboard.history.rows import Batch
from dashboard.history.write import Writer
from dashboard.models import HistoryName, LockEvent
from tests.dashboard.history.made import BASE_US, LOCK_ID, made_event, row_id

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer():
    names_read.forget()
    writer = Writer("test:1")
    writer.claim(BASE_US)
    return writer


def test_events_of_a_lock_come_back_newest_first_and_page_by_page(writer):
    others = [made_event(100, lock_id="0" * 16)]
    writer.write(Batch(locks=[made_event(1), made_event(2, "released", span=2_000_000), made_event(3, "by-hand"), *others]), BASE_US)

    first = page_of(LOCK_ID, limit=2)
    second = page_of(LOCK_ID, first.older, limit=2)

    assert [one.what for one in (*first.moments, *second.moments)] == ["by-hand", "released", "acquired"]
    assert second.older == 0
    released = first.moments[1]
    assert (released.lock_id, released.name, released.task_name, released.worker) == (LOCK_ID, "lock_report_12", "reports", "w@web-1")
    assert (released.span.total_seconds(), released.certainty, released.by) == (2, "exact", None)


def test_row_that_is_written_again_has_the_holder_that_was_found_meanwhile(writer):
    writer.write(Batch(locks=[made_event(1, task="", task_id="", certainty=0)]), BASE_US)
    writer.write(Batch(locks=[made_event(1, task_id="found", certainty=1)]), BASE_US)

    (moment,) = page_of(LOCK_ID).moments
    assert (moment.task_id, moment.task_name, moment.certainty) == ("found", "reports", "likely")


def test_row_that_is_written_again_says_that_an_operator_did_it(writer):
    writer.write(Batch(locks=[made_event(1, "released", span=5)]), BASE_US)
    row = made_event(1, "by-hand", span=5)
    writer.write(Batch(locks=[(*row[:11], "alice", *row[12:])]), BASE_US)

    (moment,) = page_of(LOCK_ID).moments
    assert (moment.what, moment.by, moment.task_id) == ("by-hand", "alice", "run-1")


def test_locks_of_a_run_are_those_of_this_very_execution(writer):
    mine = [made_event(1, run=5), made_event(2, "extended", run=5), made_event(9, "released", run=5)]
    writer.write(Batch(locks=[*mine, made_event(3, run=6), made_event(4)]), BASE_US)

    assert [(one.what, one.run) for one in moments_of_runs({row_id(5)})] == [(what, row_id(5)) for what in ("acquired", "extended", "released")]
    assert [one.what for one in moments_of_runs({row_id(5), row_id(6)})] == ["acquired", "extended", "acquired", "released"]
    assert moments_of_runs({row_id(7)}) == moments_of_runs(set()) == []


def test_run_that_extends_its_lock_again_and_again_is_told_of_lately_and_what_else_it_did_as_a_whole(writer):
    many = [made_event(number, "extended", run=5) for number in range(2, 300)]
    writer.write(Batch(locks=[made_event(1, run=5), *many, made_event(150, "by-hand", run=5), made_event(300, "released", run=5)]), BASE_US)

    told = [one.what for one in moments_of_runs({row_id(5)})]
    assert [what for what in told if what != "extended"] == ["acquired", "by-hand", "released"]
    assert told.count("extended") == 20


def test_row_that_is_written_again_without_its_run_keeps_it(writer):
    writer.write(Batch(locks=[made_event(1, run=5)]), BASE_US)
    writer.write(Batch(locks=[made_event(1, "by-hand")]), BASE_US)
    assert [(one.what, one.run) for one in page_of(LOCK_ID).moments] == [("by-hand", row_id(5))]


def test_value_that_no_database_takes_is_put_right_and_the_others_stay(writer):
    writer.write(Batch(locks=[made_event(1, task_id="a\0b"), made_event(2)]), BASE_US)
    assert sorted(LockEvent.objects.values_list("task_id", flat=True)) in (["a\0b", "run-1"], ["a\\x00b", "run-1"])


def test_what_is_too_old_or_too_many_goes_and_names_that_are_left_stay(writer):
    young = BASE_US + 9 * DAY_US
    writer.write(Batch(locks=[made_event(1)]), BASE_US)
    writer.write(Batch(locks=[made_event(number, us=young) for number in range(10)]), young)
    retention = Retention(Limits(days=5, rows=4))
    retention.begin(BASE_US + 10 * DAY_US)
    while not retention.is_done:
        retention.step()

    assert LockEvent.objects.count() == 4
    Writer("test:2").claim(BASE_US + 10 * DAY_US)
    assert HistoryName.objects.filter(text="lock_report_12").exists()


@pytest.mark.parametrize("lock_id", ["", "x", "0" * 15, "0" * 16])
def test_lock_that_nobody_knows_has_no_history(writer, lock_id):
    assert page_of(lock_id).moments == []
