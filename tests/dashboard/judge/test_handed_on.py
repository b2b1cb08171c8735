"""A run that ended may have left its lock on purpose: to its next try, to a subtask, to whoever puts it off."""

import pytest

from tests.dashboard.judge.judged import SILENT, judge, only
from tests.factories import ago, make_claim, make_lock, make_run, make_worker

ID = make_run().task_id
OVER = {"parent_pid": 790, "ended_at": ago(seconds=30), "heard_at": ago(seconds=30), "outcome": "SUCCESS", "last_active_at": ago(seconds=31)}


def told(judged):
    return {fact.code: dict(fact.values) for fact in judged.evidence}


def test_lock_that_was_put_off_after_its_run_ended_is_held_by_somebody():
    judged = only(locks=(make_lock(renewed_at=ago(seconds=1)),), runs=(make_run(**OVER),), workers=(make_worker(active=()),))
    assert "orphaned" not in judged.flags, told(judged)


@pytest.mark.parametrize("worker", [{"active": ()}, {"active": (), "processes": (812,)}], ids=["not active", "process gone"])
def test_lock_that_was_put_off_after_its_worker_last_spoke_of_its_run_is_held_by_somebody(worker):
    judged = only(locks=(make_lock(renewed_at=ago(seconds=0.2)),), runs=(), workers=(make_worker(**worker),))
    assert "orphaned" not in judged.flags, told(judged)


@pytest.mark.parametrize("child", [{}, {"started_at": None, "pid": None, "last_active_at": None}], ids=["goes on", "waits"])
def test_lock_of_a_run_that_ended_is_unknown_while_its_subtask_goes_on(child):
    given = {"task_id": "child", "name": "reports_finish", "parent_id": ID, "root_id": ID, "parent_pid": 790, "pid": 812, "started_at": ago(seconds=30)}
    judged = only(runs=(make_run(**OVER), make_run(**(given | child))), workers=(make_worker(active=("child",) if not child else ()),))

    assert judged.verdict == "unknown"
    assert told(judged)["may_be_handed_on"] == {"task_id": "child", "task_name": "reports_finish", "worker": "worker-b@web-2"}


def test_lock_of_a_run_whose_subtask_has_ended_as_well_is_orphaned():
    child = make_run(task_id="child", parent_id=ID, **OVER)
    assert only(runs=(make_run(**OVER), child), workers=(make_worker(active=()),)).verdict == "orphaned"


@pytest.mark.parametrize("story", ["chain", "the run between is forgotten", "two between are forgotten, and another began the chain"])
def test_lock_of_the_first_of_a_chain_is_unknown_while_its_last_goes_on(story):
    """Taken by the first, released by the last: the parent of the last is the run between."""
    elsewhere = {"worker": "w@other", "pid": 11, "parent_pid": 10}
    root = "dispatch" if "another" in story else ID
    second = make_run(task_id="second", parent_id=ID, root_id=root, **(OVER | elsewhere))
    last = make_run(task_id="last", name="reports_finish", parent_id="second", root_id=root, **elsewhere)
    runs = (make_run(root_id=root, **OVER), last, *((second,) if story == "chain" else ()))

    judged = only(runs=runs, workers=(make_worker(active=()), make_worker(name="w@other", pid=10, processes=(11,), active=("last",))))

    assert judged.verdict == "unknown", told(judged)
    assert told(judged)["may_be_handed_on"]["task_id"] == "last"


def test_what_another_run_sent_is_no_heir_though_both_come_from_one():
    brother = make_run(task_id="brother", parent_id="dispatch", root_id="dispatch", parent_pid=790, pid=812)
    assert only(runs=(make_run(root_id="dispatch", parent_id="dispatch", **OVER), brother), workers=(make_worker(active=("brother",)),)).verdict == "orphaned"


@pytest.mark.parametrize("elsewhere", [False, True])
def test_lock_kept_for_the_next_try_is_unknown_while_that_one_goes_on(elsewhere):
    other = {"worker": "w@other", "pid": 11, "parent_pid": 10} if elsewhere else {"parent_pid": 790}
    again = make_run(**other, retries=1, received_at=ago(seconds=29), started_at=ago(seconds=28))
    workers = (make_worker(active=() if elsewhere else (ID,)), make_worker(name="w@other", pid=10, processes=(11,)))

    judged = only(runs=(again, make_run(**(OVER | {"outcome": "RETRY"}))), workers=workers)

    assert "orphaned" not in judged.flags, told(judged)


@pytest.mark.parametrize("worker", [{"active": ()}, {"active": (), "processes": (812,)}], ids=["its process is there", "its process was recycled"])
def test_lock_kept_for_the_next_try_is_unknown_while_nobody_has_received_that_one(worker):
    """All workers are busy: its message waits in the queue, and nothing tells of it but that the run was retried."""
    judged = only(runs=(make_run(**(OVER | {"outcome": "RETRY"})),), workers=(make_worker(**worker),))
    assert (judged.verdict, "sent_waits" in told(judged)) == ("unknown", True), told(judged)


def test_lock_is_orphaned_once_the_next_try_has_ended_as_well():
    again = make_run(**(OVER | {"retries": 1}))
    assert only(runs=(again, make_run(**(OVER | {"outcome": "RETRY"}))), workers=(make_worker(active=()),)).verdict == "orphaned"


AWAY = make_worker(**(SILENT | {"last_heard_at": ago(seconds=20), "last_event_at": ago(seconds=20)}), connection_known=True, connection_gone_at=ago(seconds=15))
RECYCLED = make_worker(active=(), processes=(812,))


@pytest.mark.parametrize("worker", [RECYCLED, AWAY], ids=["its process was recycled", "its worker was killed"])
@pytest.mark.parametrize("run", [make_run(**OVER), None], ids=["ended", "not known"])
def test_lock_that_a_subtask_put_off_is_not_orphaned_because_the_process_of_the_run_before_is_gone(worker, run):
    """`max_tasks_per_child=1`, or a worker that is scaled down: the run had ended before, and the subtask puts the lock off only now and then."""
    child = make_run(
        task_id="child", parent_id=ID, root_id=ID, worker="w@other", pid=11, parent_pid=10, received_at=ago(seconds=30), started_at=ago(seconds=30)
    )
    workers = (worker, make_worker(name="w@other", pid=10, processes=(11,), active=("child",)))

    judged = only(locks=(make_lock(renewed_at=ago(seconds=25)),), runs=(child, *((run,) if run else ())), workers=workers)

    assert judged.verdict == "unknown", told(judged)
    assert "may_be_handed_on" in told(judged)


def test_pid_that_was_given_again_is_no_proof_where_the_run_had_ended_before():
    later = make_lock(id="other", name="lock_other", claim=make_claim(task_id="later", process_started="99999", attempted_at=ago(seconds=5)))
    child = make_run(
        task_id="child", parent_id=ID, root_id=ID, worker="w@other", pid=11, parent_pid=10, received_at=ago(seconds=30), started_at=ago(seconds=30)
    )
    workers = (make_worker(active=(), processes=(811,)), make_worker(name="w@other", pid=10, processes=(11,), active=("child",)))

    found = judge(locks=(make_lock(renewed_at=ago(seconds=0.5)), later), runs=(make_run(**OVER), child), workers=workers)

    (judged,) = [one for one in found if one.lock.name == "lock_report_12"]
    assert "orphaned" not in judged.flags, told(judged)


def test_run_that_died_in_the_middle_handed_nothing_on():
    child = make_run(task_id="child", parent_id=ID, root_id=ID, parent_pid=790, pid=812)
    assert only(runs=(make_run(parent_pid=790), child), workers=(AWAY,)).verdict == "orphaned"


def test_lock_of_a_process_that_the_run_forked_does_not_die_with_the_run():
    """Its token has the run's id, its own pid, and the child's as its parent's."""
    lock = make_lock(claim=make_claim(pid=950, parent_pid=811))
    assert "orphaned" not in only(locks=(lock,), runs=(make_run(**OVER),), workers=(make_worker(active=()),)).flags
