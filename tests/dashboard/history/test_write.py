"""What is written of runs, on the database of the tests."""

import pytest
from django.db import DataError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.history.rows import COLUMNS, FAILED, SUCCEEDED, Batch, Gap, MinuteRow
from dashboard.history.statements import TABLE
from dashboard.history.write import Superseded, Writer
from dashboard.models import HistoryEpoch, HistoryGap, HistoryName, RunMinute, TaskRun
from tests.dashboard.history.made import BASE_US, make_row

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer():
    writer = Writer("test:1")
    writer.claim(BASE_US)
    return writer


def told(number, *, steps):
    """What is known of a run after each of its steps, as the observer would write it."""
    at = BASE_US + number * 1000
    rows = [{}, {"started_us": at + 100}, {"started_us": at + 100, "ended_us": at + 500, "outcome": SUCCEEDED, "runtime_us": 400, "result": "'ok'"}]
    return [make_row(number, **row) for row in rows[:steps]]


def batches(rows):
    """In this order, each row once in a batch."""
    batch = {}
    for row in rows:
        if row[0] in batch:
            yield list(batch.values())
            batch = {}
        batch[row[0]] = row
    yield list(batch.values())


def kept():
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM {TABLE} ORDER BY id")
        return cursor.fetchall()


def test_a_row_comes_back_as_it_was_written(writer):
    row = make_row(1, outcome=FAILED, error="ValueError('no 7')", signature="ValueError('no #')", args="(7,)", worker="w", runtime_us=5)

    writer.write(Batch(rows=[row]), BASE_US)

    run = TaskRun.objects.get()
    assert (run.id, run.key, run.task_id, run.args, run.error, run.runtime_us) == (row[0], row[1], "run-1", "(7,)", "ValueError('no 7')", 5)
    names = dict(HistoryName.objects.values_list("id", "text"))
    assert (names[run.task], names[run.worker], names[run.queue], names[run.signature], run.lock) == ("reports", "w", "reports", "ValueError('no #')", 0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_same_remains_in_whatever_order_and_however_often_it_is_written(writer, data):
    histories = [told(number, steps=data.draw(st.integers(1, 3))) for number in range(6)]
    rows = [row for history in histories for row in history]
    TaskRun.objects.all().delete()
    writer.write(Batch(rows=[history[-1] for history in histories]), BASE_US)
    expected = kept()
    TaskRun.objects.all().delete()

    for batch in batches(data.draw(st.permutations([*rows, *data.draw(st.lists(st.sampled_from(rows), max_size=8))]))):
        writer.write(Batch(rows=batch), BASE_US)

    assert kept() == expected


def test_many_rows_of_any_number_are_all_written(writer):
    for number in (0, 1, 24, 25, 26, 249, 250, 251, 777):
        TaskRun.objects.all().delete()

        writer.write(Batch(rows=[make_row(one) for one in range(number)]), BASE_US)

        assert TaskRun.objects.count() == number


def test_who_was_superseded_writes_nothing(writer):
    other = Writer("test:2")
    other.claim(BASE_US + 5)

    with pytest.raises(Superseded):
        writer.write(Batch(rows=[make_row(1)]), BASE_US + 6)

    assert not TaskRun.objects.exists()
    other.write(Batch(rows=[make_row(1)]), BASE_US + 7)
    assert TaskRun.objects.count() == 1


def test_who_claims_is_told_until_when_the_one_before_wrote(writer):
    writer.write(Batch(), BASE_US + 4000)

    assert Writer("test:2").claim(BASE_US + 9000) == BASE_US + 4000
    assert list(HistoryEpoch.objects.values_list("leader", "is_superseded")) == [("test:2", False), ("test:1", True)]


def test_names_are_kept_once_and_go_on_with_the_next_writer(writer):
    writer.write(Batch(rows=[make_row(1), make_row(2, task="other")]), BASE_US)
    again = Writer("test:2")
    again.claim(BASE_US)
    again.write(Batch(rows=[make_row(3), make_row(4, task="third")]), BASE_US)

    assert sorted(HistoryName.objects.filter(kind=1).values_list("text", flat=True)) == ["other", "reports", "third"]
    assert len(set(TaskRun.objects.filter(task_id__in=["run-1", "run-3"]).values_list("task", flat=True))) == 1


def test_invented_names_leave_room_for_those_that_workers_told(writer, monkeypatch):
    monkeypatch.setattr("dashboard.history.names.FOR_ANY", 3)
    writer.write(Batch(rows=[make_row(number, task=f"invented-{number}") for number in range(9)]), BASE_US)
    writer.vouch(frozenset({"real"}))
    writer.write(Batch(rows=[make_row(10, task="real"), make_row(11, task="invented-too")]), BASE_US)

    kept = set(HistoryName.objects.filter(kind=1).values_list("text", flat=True))
    assert "real" in kept and "invented-too" not in kept and len(kept) == 4


@pytest.mark.parametrize("odd", ["nul\0byte", "lone \ud800 surrogate", "<script>"])
def test_a_text_that_the_database_does_not_take_spoils_no_other_row(writer, odd):
    writer.write(Batch(rows=[make_row(1), make_row(2, args=odd, task=odd), make_row(3, pid=2**70)]), BASE_US)

    assert sorted(TaskRun.objects.values_list("task_id", flat=True)) == ["run-1", "run-2", "run-3"]


def test_minutes_are_whole_each_time_and_those_of_another_observer_stand_beside(writer):
    minute = MinuteRow(minute=29_833_333, kind=1, name="reports", counts=(5, 0, 0, 0, 0, 0, 0), runtimes=b"")
    writer.write(Batch(minutes=[minute]), BASE_US)
    writer.write(Batch(minutes=[minute]), BASE_US)
    other = Writer("test:2")
    other.claim(BASE_US)
    other.write(Batch(minutes=[minute]), BASE_US)

    assert list(RunMinute.objects.values_list("succeeded", flat=True)) == [5, 5]


def test_a_gap_is_kept(writer):
    writer.write(Batch(gaps=[Gap(from_us=BASE_US, to_us=BASE_US + 5, why="database", how_many=17)]), BASE_US)

    assert HistoryGap.objects.values_list("why", "how_many").get() == ("database", 17)


def test_what_failed_is_not_written_in_part_and_is_written_later(writer):
    batch = Batch(rows=[make_row(1)], gaps=[Gap(from_us=1, to_us=2, why="no such reason" * 3, how_many=2**70)])
    with pytest.raises((OverflowError, DataError)):
        writer.write(batch, BASE_US)
    assert not TaskRun.objects.exists()

    writer.write(Batch(rows=batch.rows), BASE_US)

    assert TaskRun.objects.count() == 1 and HistoryName.objects.filter(text="reports").count() == 2


def test_gap_that_goes_on_is_written_once_with_its_last_end(writer):
    for seconds in (1, 2, 3):
        gaps = [Gap(from_us=BASE_US, to_us=BASE_US + seconds, why="cache", cache=cache) for cache in ("shop", "default")]
        writer.write(Batch(gaps=gaps), BASE_US)
    assert [(gap.cache, gap.to_us - BASE_US) for gap in HistoryGap.objects.order_by("cache")] == [("default", 3), ("shop", 3)]


def test_what_nobody_saw_before_the_last_observer_ended_is_missing_for_the_next_one(writer):
    writer.write(Batch(), BASE_US + 20, BASE_US + 5)
    assert Writer("test:2").claim(BASE_US + 30) == BASE_US + 5
    assert Writer("test:3").claim(BASE_US + 40) == BASE_US + 5, "the second one ended before it saw anything"
