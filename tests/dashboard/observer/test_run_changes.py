"""What the history is told of runs: each once for all its changes, under one row, whatever was forgotten meanwhile."""

from datetime import timedelta

import pytest

from dashboard.history.rows import COLUMNS, FAILED, GOING, LOST, REFUSED, SUCCEEDED, UNTOLD
from dashboard.history.sketch import unpacked
from dashboard.observer.run_book import RunBook
from dashboard.observer.run_changes import RunChanges, signature
from dashboard.records import Refusal
from dashboard.sources.event import event_of
from tests.factories import NOW

WORKER = "w@web-1"


def tell(book, kind, task_id="run-1", after=0.0, **fields):
    at = NOW + timedelta(seconds=after)
    fields = {"type": kind, "uuid": task_id, "hostname": WORKER, "pid": 7, "timestamp": at.timestamp()} | fields
    return book.event(event_of(fields), at)


def taken(book):
    return [dict(zip(COLUMNS, row, strict=True)) for row in book.changes.take()]


def test_a_run_is_told_once_for_all_that_changed_and_again_under_the_same_row():
    book = RunBook()
    tell(book, "task-received", name="reports", args="(1,)")
    tell(book, "task-started", after=1)
    (first,) = taken(book)
    tell(book, "task-succeeded", after=3, runtime=2.0, result="'ok'")
    (second,) = taken(book)

    assert (first["outcome"], second["outcome"], first["id"]) == (GOING, SUCCEEDED, second["id"])
    assert second["started_us"] - second["received_us"] == 1_000_000 and second["runtime_us"] == 2_000_000 and second["args"] == "(1,)"
    assert taken(book) == []


def test_a_refused_run_is_no_success_and_is_counted_as_refused():
    book = RunBook()
    tell(book, "task-received", name="reports")
    tell(book, "task-succeeded", after=1, runtime=1.0)
    taken(book)
    book.refused(Refusal(lock_id="0" * 16, cache="default", name="lock_a", at=NOW, task_id="run-1"))
    (row,) = taken(book)

    assert (row["outcome"], row["lock"]) == (REFUSED, "lock_a")
    (task, *_others) = book.changes.rollups.take(int(NOW.timestamp() * 1e6))
    assert (task.counts[:3], unpacked(task.runtimes)) == ((0, 0, 1), {}), "what it did not do took no time"


def test_rows_of_what_has_ended_are_made_before_they_are_asked_for_and_told_once():
    book = RunBook()
    for number in range(3):
        tell(book, "task-received", f"run-{number}", name="reports")
    tell(book, "task-succeeded", "run-1", after=1, runtime=1.0)
    book.changes.settle()
    book.refused(Refusal(lock_id="0" * 16, cache="default", name="lock_a", at=NOW, task_id="run-1"))
    book.changes.settle()

    rows = taken(book)

    assert [(row["task_id"], row["outcome"]) for row in rows] == [("run-1", SUCCEEDED), ("run-0", GOING), ("run-1", REFUSED), ("run-2", GOING)]
    assert rows[0]["id"] == rows[2]["id"]
    assert taken(book) == []


def test_each_run_has_a_row_of_its_own_in_the_order_in_which_they_were_heard_of():
    book = RunBook()
    for number in range(5):
        tell(book, "task-received", f"run-{number}", after=number // 3)

    ids = [row["id"] for row in taken(book)]

    assert ids == sorted(set(ids))


def test_a_retry_and_a_second_delivery_are_rows_of_their_own():
    book = RunBook()
    tell(book, "task-received", name="reports")
    tell(book, "task-started", after=1)
    tell(book, "task-received", after=5, name="reports")
    tell(book, "task-received", after=9, name="reports", retries=1)

    rows = taken(book)

    assert len({row["id"] for row in rows}) == 3 and sorted(row["retries"] for row in rows) == [0, 0, 1]


def test_what_is_told_of_a_run_that_was_forgotten_goes_to_its_row():
    book = RunBook()
    tell(book, "task-received", name="reports")
    tell(book, "task-started", after=1)
    (before,) = taken(book)
    book.active(WORKER, None, [], NOW + timedelta(seconds=30))
    (left,) = taken(book)
    tell(book, "task-succeeded", after=31, runtime=30.0)
    (after,) = taken(book)

    assert (left["outcome"], after["outcome"]) == (UNTOLD, SUCCEEDED) and before["id"] == left["id"] == after["id"]


def test_runs_beyond_the_room_in_memory_have_one_row_each_all_the_same():
    book = RunBook(max_runs=2)
    for number in range(6):
        tell(book, "task-received", f"run-{number}", name="reports")
    first = {row["task_id"]: row["id"] for row in taken(book)}
    for number in range(6):
        tell(book, "task-started", f"run-{number}", after=1)
        tell(book, "task-failed", f"run-{number}", after=2, exception="ValueError(7)")
    rows = taken(book)

    assert {row["task_id"]: row["id"] for row in rows} == first and all(row["id"] == first[row["task_id"]] for row in rows)
    assert {row["outcome"] for row in rows if row["ended_us"]} == {FAILED}


def test_a_new_observer_goes_on_with_the_rows_of_the_one_before():
    book = RunBook()
    received = int(NOW.timestamp() * 1e6)
    book.changes.know([("run-1", 4711, received), ("run-2", 4712, received)])
    tell(book, "task-started", "run-1", after=1)
    tell(book, "task-received", "run-2", after=50, name="reports")

    rows = {row["task_id"]: row["id"] for row in taken(book)}

    assert rows["run-1"] == 4711
    assert rows["run-2"] != 4712, "it was received once more: that is another run"


def test_a_run_that_is_proved_lost_is_told_as_lost_and_a_late_word_counts_more():
    book = RunBook()
    tell(book, "task-received", name="reports")
    tell(book, "task-started", after=1)
    book.are_lost(["run-1", "unheard of"])
    (lost,) = taken(book)
    tell(book, "task-succeeded", after=9, runtime=8.0)
    (late,) = taken(book)

    assert (lost["outcome"], late["outcome"]) == (LOST, SUCCEEDED)


def test_errors_of_one_kind_look_alike():
    assert signature("ValueError('no 17 at 0x7f3a')") == signature("ValueError('no 4 at 0x1')") == "ValueError('no # at #')"


def test_nothing_changed_is_nothing_to_write():
    assert RunChanges().take() == []


def test_a_hostile_row_of_the_history_stays_small():
    book, long = RunBook(), "x" * 5000
    names = ("args", "kwargs", "eta", "expires", "origin", "parent_id", "root_id")
    tell(book, "task-received", name="reports", **dict.fromkeys(names, long))
    tell(book, "task-failed", after=1, exception=long, traceback=f"{long}\n" * 9)
    (row,) = taken(book)
    assert sum(len(str(value)) for value in row.values()) < 2500


# As clocks tell them: of 1,000 such instants 375 are another microsecond once they were in a snapshot.
@pytest.mark.parametrize("part", [number * 0.1234567 for number in range(1, 9)])
def test_run_that_was_written_after_the_last_snapshot_keeps_its_row_when_another_observer_takes_over(part):
    first = RunBook()
    tell(first, "task-received", timestamp=NOW.timestamp() + part, name="reports")
    (image,), _ = first.shown()
    (written,) = taken(first)

    second = RunBook()
    second.restore([image])
    second.changes.epoch = 1
    second.changes.know([("run-1", written["id"], written["received_us"])])
    tell(second, "task-succeeded", after=5, runtime=2.0)

    assert [row["id"] for row in taken(second)] == [written["id"]]
