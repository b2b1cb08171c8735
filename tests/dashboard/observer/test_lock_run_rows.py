"""Which run's row an event of a lock gets in the history, by values alone."""

from dataclasses import replace
from datetime import timedelta

from dashboard.history.lock_rows import COLUMNS, WHATS
from dashboard.records import Holder
from dashboard.sources.locks import lock_id
from tests.dashboard.observer.observations import LOCK as ANY_LOCK
from tests.dashboard.observer.observations import event, read, state
from tests.factories import NOW, make_claim

LOCK = replace(ANY_LOCK, id=lock_id("default", b":1:lock_report_12"))
TASK_ID = make_claim().task_id


def after(seconds):
    return NOW + timedelta(seconds=seconds)


def received(seconds, retries=0):
    return event("task-received", after(seconds), uuid=TASK_ID, name="reports", retries=retries)


def taken(made):
    """What is going to be written of runs, by retry number, and of locks."""
    rows = {row[2]: row[0] for row in made.runs.changes.take()}
    return rows, [(WHATS[row[3]], row[COLUMNS.index("run")]) for row in made.lock_past.take()[0]]


def test_lock_is_written_with_the_run_that_took_it():
    runs, locks = taken(state(received(-1), read(LOCK), read(gone=[LOCK.id], at=after(1))))
    assert runs[0] > 0
    assert locks == [("acquired", runs[0]), ("released", runs[0])]


def test_lock_that_is_given_back_after_the_next_try_was_received_is_the_first_trys():
    made = state(received(-1), read(LOCK), event("task-retried", after(1), uuid=TASK_ID), received(1.5, retries=1), read(gone=[LOCK.id], at=after(2)))
    runs, locks = taken(made)
    assert runs.keys() == {0, 1}
    assert locks == [("acquired", runs[0]), ("released", runs[0])]


def test_each_try_has_its_own_lock():
    again = replace(LOCK, token_digest="fedcba9876543210", first_seen_at=after(2))
    made = state(received(-1), read(LOCK), read(gone=[LOCK.id], at=after(1)), event("task-retried", after(1), uuid=TASK_ID), received(1.5, retries=1))
    made.apply(read(again, at=after(2)))
    runs, locks = taken(made)
    assert locks == [("acquired", runs[0]), ("released", runs[0]), ("acquired", runs[1])]


def test_lock_of_a_run_that_is_heard_of_later_is_written_again():
    made = state(read(LOCK))
    assert taken(made) == ({}, [("acquired", 0)])

    made.apply(received(0.2))
    runs, locks = taken(made)
    assert locks == [("acquired", runs[0])]
    assert taken(made) == ({}, []), "once is enough"


def test_run_that_nobody_tells_of_is_not_looked_for_for_ever():
    made = state(read(LOCK))
    for _ in range(20):
        taken(made)
    made.apply(received(30))
    assert taken(made)[1] == []


def test_lock_whose_holder_is_found_out_later_gets_its_run():
    made = state(received(-1), read(replace(LOCK, claim=make_claim(task_id=None, worker=None))))
    runs, locks = taken(made)
    assert locks == [("acquired", 0)]

    made.lock_past.holder(made.snapshot(NOW).locks[0], Holder(certainty="likely", task_id=TASK_ID, task_name="reports", worker="w"))
    assert taken(made) == ({}, [("acquired", runs[0])])
