"""What is found in the history, by every filter there is."""

import pytest

from dashboard.history import names_read
from dashboard.history.read import forget, gaps, open_rows, page, recent_page, runs_of_identity
from dashboard.history.rows import FAILED, REFUSED, SUCCEEDED, Batch, Gap
from dashboard.history.search import Wanted
from dashboard.history.write import Writer
from dashboard.records.identity import identity
from tests.dashboard.history.made import BASE_US, made_event, make_row

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def history():
    """Sixty runs: every third of another task, every tenth failed, one turned away."""
    names_read.forget()
    writer = Writer("test:1")
    writer.claim(BASE_US)
    rows = [
        make_row(
            number, task="mail" if number % 3 else "import", worker=f"w{number % 2}", queue=f"q{number % 4}", outcome=FAILED if number % 10 == 0 else SUCCEEDED
        )
        for number in range(60)
    ]
    rows[7] = make_row(7, task="mail", worker="w1", queue="q3", outcome=REFUSED, lock="lock_report_7")
    rows[8] = make_row(8, task="mail", worker="w0", queue="q0")
    for start in range(0, 60, 20):
        writer.write(Batch(rows=rows[start : start + 20]), BASE_US)
        writer._counted(20_000)  # each in a segment of its own
    held = [("lock_report_7", 7), ("lock_report_7", 12), ("lock_report_7", 12), ("lock_report_9", 40), ("lock_other", 41)]
    locks = [made_event(number, name=name, task_id=f"run-{run}", us=BASE_US + run * 1000, run=run) for number, (name, run) in enumerate(held)]
    refused = made_event(9, "refused", name="lock_report_9", task_id="run-43", us=BASE_US + 43_000, run=43)
    writer.write(Batch(locks=[*locks, refused]), BASE_US)
    yield
    names_read.forget()


def test_many_who_ask_the_same_within_a_moment_are_one_question(django_assert_num_queries):
    forget()
    recent_page(Wanted(codes=frozenset({FAILED})), 10)

    with django_assert_num_queries(0):
        again = recent_page(Wanted(codes=frozenset({FAILED})), 10)

    assert [run.task_id for run in again.runs] == ["run-50", "run-40", "run-30", "run-20", "run-10", "run-0"]
    assert not recent_page(Wanted(codes=frozenset({SUCCEEDED})), 1).runs[0].error


def numbers(limit=100, **wanted):
    return [int(run.task_id.removeprefix("run-")) for run in page(Wanted(**wanted), limit).runs]


def expected(test):
    return [number for number in reversed(range(60)) if test(number)]


@pytest.mark.parametrize(
    ("words", "test"),
    [
        ([], lambda n: True),
        ([("task", "import")], lambda n: n % 3 == 0),
        ([("task", "i")], lambda n: True),
        ([("worker", "w1")], lambda n: n % 2 == 1),
        ([("queue", "q2"), ("task", "mail")], lambda n: n % 4 == 2 and n % 3),
        ([("lock", "report")], lambda n: n in {7, 12, 40}),
        ([("lock", "lock_report_9")], lambda n: n == 40),
        ([("lock", "report"), ("task", "import")], lambda n: n == 12),
        ([("lock", "report"), ("id", "run-12")], lambda n: n == 12),
        ([("lock", "report"), ("id", "run-13")], lambda n: False),
        ([("", "import")], lambda n: n % 3 == 0),
        ([("", "w0")], lambda n: n % 2 == 0),
        ([("id", "run-33")], lambda n: n == 33),
        ([("", "run-33")], lambda n: n == 33),
        ([("id", identity("run-5"))], lambda n: n == 5),
        ([("id", "run-33"), ("task", "mail")], lambda n: False),
        ([("task", "no such")], lambda n: False),
        ([("worker", "no such")], lambda n: False),
        ([("task", "import"), ("task", "mail")], lambda n: False),
    ],
)
def test_a_filter_leaves_exactly_what_it_names_newest_first(words, test):
    assert numbers(words=tuple(words)) == expected(test)


def test_how_they_ended_filters_alone_and_with_others():
    assert numbers(codes=frozenset({FAILED})) == expected(lambda n: n % 10 == 0)
    assert numbers(codes=frozenset({FAILED, REFUSED}), words=(("worker", "w1"),)) == [7]
    assert numbers(codes=frozenset({0})) == [8]
    assert numbers(codes=frozenset()) == []
    assert numbers(codes=frozenset({SUCCEEDED}), words=(("task", "import"),)) == expected(lambda n: n % 3 == 0 and n % 10)


def test_pages_follow_each_other_without_a_gap_or_a_double():
    found, until = [], 2**63 - 1
    while True:
        one = page(Wanted(words=(("task", "mail"),), until=until), 7)
        found += [run.task_id for run in one.runs]
        if not one.more:
            break
        until = one.runs[-1].row

    assert found == [f"run-{number}" for number in expected(lambda n: n % 3)]


def test_a_time_is_a_range_of_rows():
    assert numbers(since=(BASE_US + 10_000) * 256, until=(BASE_US + 13_000) * 256) == [12, 11, 10]


def test_runs_that_held_a_lock_are_found_page_by_page_and_before_a_time():
    words = (("lock", "report"),)
    assert numbers(limit=2, words=words) == [40, 12]
    assert numbers(words=words, until=(BASE_US + 12_000) * 256) == [7]


def test_runs_that_held_a_lock_are_found_however_often_it_was_taken_since_and_however_long_they_had_waited():
    """All pages give them all, whatever their size."""
    writer = Writer("test:2")
    writer.claim(BASE_US)
    hour_us = 3600 * 1_000_000
    late = [made_event(n, name="lock_busy", task_id=f"run-{n % 60}", us=BASE_US + 5 * hour_us, run=n % 60) for n in range(600)]
    writer.write(Batch(locks=late), BASE_US)
    names_read.forget()
    words = (("lock", "busy"),)

    assert numbers(words=words, until=(BASE_US + 3_000) * 256) == [2, 1, 0]
    for limit in (7, 20, 100):
        found, until = [], 2**63 - 1
        while until:
            one = page(Wanted(words=words, until=until), limit)
            found += [int(run.task_id.removeprefix("run-")) for run in one.runs]
            until = one.runs[-1].row if one.more else 0
        assert found == list(reversed(range(60)))


def test_runs_that_held_one_of_very_many_locks_are_found():
    writer = Writer("test:2")
    writer.claim(BASE_US)
    writer.write(Batch(locks=[made_event(100 + n, name=f"lock_report_{n}", task_id=f"run-{n}", us=BASE_US + n * 1000, run=n) for n in range(13, 39)]), BASE_US)
    names_read.forget()

    assert numbers(words=(("lock", "report"),)) == [40, *reversed(range(12, 39)), 7]


def test_one_run_is_found_by_its_address_with_what_was_written():
    (run,) = runs_of_identity(identity("run-7"))

    assert (run.name, run.worker, run.queue, run.refused_by, run.is_refused) == ("mail", "w1", "q3", "lock_report_7", True)
    assert run.ended_at is None and run.received_at.timestamp() * 1e6 == pytest.approx(BASE_US + 7000, abs=1)
    assert runs_of_identity("0123456789abcdef") == [] and runs_of_identity("nothing") == []


def test_runs_that_had_not_ended_are_told_to_the_next_observer():
    assert [(task_id, received_us) for task_id, _row, received_us in open_rows()] == [("run-8", BASE_US + 8000)]


def test_the_latest_gaps_are_told():
    writer = Writer("test:2")
    writer.claim(BASE_US)
    writer.write(Batch(gaps=[Gap(from_us=BASE_US, to_us=BASE_US + 9, why="no-observer")]), BASE_US)

    assert gaps() == [Gap(from_us=BASE_US, to_us=BASE_US + 9, why="no-observer")]


def test_an_empty_history_has_no_runs():
    from dashboard.models import TaskRun

    TaskRun.objects.all().delete()

    assert numbers() == [] and numbers(words=(("id", "run-1"),)) == [] and open_rows() == []


@pytest.mark.parametrize("odd", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "soon"])
def test_a_time_that_no_clock_shows_is_none(odd):
    writer = Writer("test:1")
    writer.claim(BASE_US)
    writer.write(Batch(rows=[make_row(77_000, eta=odd, expires=odd)]), BASE_US)
    names_read.forget()
    [run] = runs_of_identity(identity("run-77000"))
    assert (run.eta_at, run.expires_at) == (None, None)
