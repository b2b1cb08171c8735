"""What is no longer kept goes slice by slice, and nothing else does."""

from datetime import timedelta

import pytest

from dashboard.history.read import EPOCH, gaps, gaps_between, time_before_all
from dashboard.history.retention import DAY_US, Limits, Retention
from dashboard.history.rows import Batch, Gap, MinuteRow
from dashboard.history.write import Writer
from dashboard.models import HistoryEpoch, HistoryGap, HistoryName, RunMinute, TaskRun
from tests.dashboard.history.made import BASE_US, made_event, make_row

pytestmark = pytest.mark.django_db
NOW_US = BASE_US + 10 * DAY_US
NOW = EPOCH + timedelta(microseconds=NOW_US)


@pytest.fixture
def writer():
    writer = Writer("test:1")
    writer.claim(BASE_US)
    writer.write(Batch(rows=[make_row(number) for number in range(1200)]), BASE_US)
    return writer


def swept(**limits):
    """How many rows went with each slice."""
    retention, slices = Retention(Limits(**({"days": 30, "rows": 10_000} | limits))), []
    retention.begin(NOW_US)
    while not retention.is_done:
        slices.append(retention.step())
    return slices


def before_all():
    """What is said of the time before all that is kept."""
    return time_before_all(EPOCH, NOW, EPOCH)


def test_nothing_goes_that_is_young_and_few_enough(writer):
    assert sum(swept()) == 0
    assert TaskRun.objects.count() == 1200


def test_too_many_go_the_oldest_first_and_in_slices(writer):
    slices = swept(rows=100)

    assert sum(slices) == 1100 and len([one for one in slices if one]) > 1
    assert set(TaskRun.objects.values_list("task_id", flat=True)) == {f"run-{number}" for number in range(1100, 1200)}


def test_time_whose_locks_were_too_many_is_unknown_and_not_quiet(writer):
    writer.write(Batch(locks=[made_event(number) for number in range(200)]), BASE_US)
    assert before_all() == [Gap(from_us=0, to_us=BASE_US, why="before")]

    swept(rows=150)
    assert before_all() == [Gap(from_us=0, to_us=BASE_US + 49_000, why="before")]

    writer.write(Batch(locks=[made_event(number) for number in range(200, 210)]), BASE_US)
    swept(rows=150)
    assert before_all() == [Gap(from_us=0, to_us=BASE_US + 59_000, why="before")]
    assert gaps() == gaps_between(EPOCH, NOW) == []


def test_too_many_runs_leave_the_time_of_locks_known(writer):
    writer.write(Batch(locks=[made_event(number) for number in range(200)]), BASE_US)

    swept(rows=1000)

    assert before_all() == [Gap(from_us=0, to_us=BASE_US, why="before")]


def test_what_is_too_old_goes_with_its_counts_and_gaps(writer):
    young = NOW_US - DAY_US
    minutes = [MinuteRow(minute=at // 60_000_000, kind=1, name="reports", counts=(1, 0, 0, 0, 0, 0, 0), runtimes=b"") for at in (BASE_US, young)]
    gaps = [Gap(from_us=at - 5, to_us=at, why="no-observer") for at in (BASE_US, young)]
    writer.write(Batch(rows=[make_row(5000, id=young * 256)], minutes=minutes, gaps=gaps), young)

    swept(days=5)

    assert [run.id for run in TaskRun.objects.all()] == [young * 256]
    assert RunMinute.objects.count() == HistoryGap.objects.count() == 1


def test_names_that_no_row_has_are_forgotten_with_the_next_observer(writer):
    writer.write(Batch(rows=[make_row(5000, id=NOW_US * 256, task="new")]), NOW_US)
    swept(days=5)

    again = Writer("test:2")
    again.claim(NOW_US)
    again.write(Batch(rows=[make_row(5001, id=NOW_US * 256 + 256, task="reports")]), NOW_US)

    assert set(HistoryName.objects.filter(kind=1).values_list("text", flat=True)) == {"new", "reports"}
    assert TaskRun.objects.filter(task=HistoryName.objects.get(text="reports", kind=1).id).count() == 1


def test_times_of_leading_are_remembered_for_a_while(writer):
    for number in range(105):
        Writer(f"test:{number}").claim(BASE_US)

    swept()

    assert HistoryEpoch.objects.count() == 101
