"""What needs attention: one row for a cause, and no cause hidden behind another."""

from dataclasses import replace

from dashboard.judge import assess
from dashboard.judge.attention import concerns
from dashboard.records import Proved
from tests.dashboard.judge.judged import GONE, POLICY, SILENT
from tests.factories import NOW, ago, make_claim, make_lock, make_snapshot, make_worker

DIED = Proved(at=ago(minutes=10), code="process_gone", since=ago(minutes=10), task_id=make_claim().task_id)


def rows(**sections):
    known = make_snapshot(**sections)
    return [(concern.kind, concern.subject) for concern in concerns(known, assess(known, NOW, POLICY), NOW, POLICY)]


def test_worker_that_is_silent_now_is_told_beside_a_lock_that_it_left_before():
    frozen = make_worker(**SILENT, connection_known=True)
    left = replace(make_lock(), proved=DIED)

    assert ("worker-gone", frozen.name) in rows(locks=(left,), workers=(frozen,), runs=())


def test_worker_whose_death_is_the_cause_of_a_row_has_none_of_its_own():
    dead = make_worker(**GONE)

    assert [kind for kind, _ in rows(locks=(make_lock(),), workers=(dead,), runs=())] == ["orphaned"]
