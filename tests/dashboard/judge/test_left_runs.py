"""How a run that went on without its lock came to its end, where it was taken for dead before."""

from dashboard.judge.left_runs import endings
from dashboard.records import Policy, Proved
from tests.factories import NOW, ago, make_lock, make_run, make_snapshot, make_worker

SILENT = Proved(at=ago(seconds=60), code="worker_silent", since=ago(seconds=70), task_id=make_run().task_id)
LEFT = make_lock(proved=SILENT, renewed_at=ago(seconds=50), expires_at=ago(seconds=40), lapsed_at=ago(seconds=40))


def test_run_that_tells_its_own_end_had_not_died_though_its_worker_was_cut_off_before():
    """It put its lock off after it was taken for dead, lost it, and its worker found the broker again."""
    ended = make_run(parent_pid=790, ended_at=ago(seconds=10), heard_at=ago(seconds=10), outcome="SUCCESS", last_active_at=ago(seconds=11))
    (one,) = endings([LEFT], make_snapshot(locks=(LEFT,), runs=(ended,), workers=(make_worker(active=()),)), NOW, Policy())
    assert (one.death, one.until) == (None, ago(seconds=10))


def test_death_that_was_proved_is_remembered_where_nothing_else_is_told():
    (one,) = endings([LEFT], make_snapshot(locks=(LEFT,), runs=(), workers=()), NOW, Policy())
    assert one.death == SILENT
