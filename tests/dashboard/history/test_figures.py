"""Counts and quantiles of runtimes, from the end of a run to what a page says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.history import figures
from dashboard.history.rollups import Rollups
from dashboard.history.rows import FAILED, REFUSED, SUCCEEDED, TASK, US, WORKER, Batch
from dashboard.history.sketch import ACCURACY, bucket, merge, packed, quantile, unpacked
from dashboard.history.write import Writer
from tests.dashboard.history.made import BASE_US, make_row

MINUTE = BASE_US // (60 * US)


def sketch_of(durations):
    sketch = {}
    for one in durations:
        merge(sketch, {bucket(one): 1})
    return sketch


@settings(deadline=None)  # assert behaviour, never times
@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_is_right_within_one_percent(durations, share):
    ordered = sorted(durations)
    exact = ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]

    assert abs(quantile(sketch_of(durations), share) - exact) <= 1.001 * ACCURACY * exact + 1, "and a microsecond, for it is a whole number"


@settings(deadline=None)  # assert behaviour, never times
@given(st.lists(st.integers(0, 10**9), max_size=50), st.lists(st.integers(0, 10**9), max_size=50))
def test_two_sketches_together_are_the_sketch_of_both_and_survive_being_packed(some, others):
    together = unpacked(packed(sketch_of(some)))
    merge(together, unpacked(packed(sketch_of(others))))

    assert together == sketch_of(some + others)


def test_nothing_has_no_quantile():
    assert quantile({}, 0.5) is None and unpacked(packed({})) == {}


def test_a_run_is_counted_once_and_as_what_it_turned_out_to_be():
    rollups = Rollups()
    key = ("reports", "w", "q")
    rollups.add(BASE_US, key, SUCCEEDED, 0, 5000)
    rollups.add(BASE_US, key, SUCCEEDED, 0, 7000)
    rollups.add(BASE_US + 1, key, REFUSED, SUCCEEDED, 7000)
    rollups.add(BASE_US + 2, ("other", "w", "q"), FAILED, 0, 100)

    rows = {(row.kind, row.name): row for row in rollups.take(BASE_US)}

    assert rows[TASK, "reports"].counts == (1, 0, 1, 0, 0, 0, 0)
    assert rows[WORKER, "w"].counts == (1, 1, 1, 0, 0, 0, 0)
    assert rollups.take(BASE_US) == [], "nothing was counted since"


def test_more_names_than_there_is_room_for_are_counted_together():
    rollups = Rollups()
    for number in range(5100):
        rollups.add(BASE_US, (f"task-{number}", "w", "q"), SUCCEEDED, 0, -1)

    rows = {(row.kind, row.name): row for row in rollups.take(BASE_US)}

    assert sum(1 for kind, _name in rows if kind == TASK) == 5000 and rows[WORKER, "w"].counts[0] == 5000


@pytest.mark.django_db
def test_a_task_has_its_counts_its_quantiles_and_the_last_run_that_really_worked():
    figures.forget()
    writer = Writer("test:1")
    writer.claim(BASE_US)
    rollups = Rollups()
    for number in range(100):
        rollups.add(BASE_US, ("reports", "w", "q"), SUCCEEDED, 0, (number + 1) * 1000)
    rows = [make_row(1, outcome=SUCCEEDED), make_row(2, outcome=SUCCEEDED), make_row(3, outcome=REFUSED, lock="lock_a"), make_row(4, outcome=FAILED)]
    writer.write(Batch(rows=rows, minutes=rollups.take(BASE_US)), BASE_US)

    found = figures.figures_of(TASK, "reports", MINUTE - 5)

    assert found.succeeded == 100 and found.p50_us == pytest.approx(50_000, rel=0.02) and found.p99_us == pytest.approx(99_000, rel=0.02)
    assert figures.figures_of(TASK, "reports", MINUTE + 1) is None and figures.figures_of(TASK, "unheard of", 0) is None
    assert figures.last_that_worked("reports").task_id == "run-2"
    assert figures.last_that_worked("unheard of") is None
