"""The verdict on a lock by its time: never expiring, expiring, expired while its run goes on, and taken anew meanwhile; values in, values out."""

from datetime import timedelta

import pytest

from dashboard.judge import assess
from dashboard.records import Policy
from tests.dashboard.judge.judged import SILENT, judge
from tests.factories import NOW, ago, make_claim, make_lock, make_run, make_snapshot, make_worker


def test_lock_without_expiry_is_never_expires_and_keeps_its_other_flags():
    (judged,) = judge(locks=(make_lock(expires_at=None, timeout=None),))
    assert (judged.verdict, judged.flags) == ("never-expires", ["never-expires", "held"])


@pytest.mark.parametrize(("left", "timeout", "verdict"), [(59, 1200, "expiring"), (61, 1200, "held"), (11, 60, "expiring"), (13, 60, "held")])
def test_lock_is_expiring_in_its_last_fifth_or_its_last_minute(left, timeout, verdict):
    (judged,) = judge(locks=(make_lock(expires_at=NOW + timedelta(seconds=left), timeout=timedelta(seconds=timeout)),))
    assert judged.verdict == verdict


def test_lock_past_its_deadline_that_was_not_read_since_is_unknown_and_says_so():
    late = make_lock(expires_at=ago(seconds=90), seen_at=ago(seconds=95))
    (judged,) = judge(locks=(late,))
    assert (judged.verdict, judged.flags) == ("unknown", ["unknown"])
    assert judged.evidence[-1].code == "past_deadline"


def test_orphaned_lock_is_orphaned_first_and_expiring_as_well():
    (judged,) = judge(locks=(make_lock(expires_at=NOW + timedelta(seconds=3)),), workers=(make_worker(processes=()),))
    assert judged.flags == ["orphaned", "expiring"]


def test_expired_lock_whose_run_goes_on_is_an_overrun():
    (judged,) = judge(locks=(make_lock(lapsed_at=ago(seconds=34), expires_at=ago(seconds=34)),))
    assert (judged.verdict, judged.flags) == ("overrun", ["overrun"])


def test_expired_lock_whose_run_may_go_on_is_unknown_and_no_overrun():
    lock = make_lock(lapsed_at=ago(seconds=34), expires_at=ago(seconds=34))
    (judged,) = judge(locks=(lock,), workers=(make_worker(**SILENT, connection_known=True),))
    assert (judged.verdict, judged.flags) == ("unknown", ["unknown"])
    assert not judged.needs_attention


def test_expired_lock_whose_run_ended_is_history():
    assert (
        judge(locks=(make_lock(lapsed_at=ago(seconds=34)),), workers=(make_worker(active=()),), runs=(make_run(ended_at=ago(seconds=5), outcome="SUCCESS"),))
        == []
    )


def test_lock_taken_anew_beside_an_overrun_is_overlapping():
    second = make_claim(task_id="second", pid=812, attempted_at=ago(seconds=20))
    locks = (make_lock(lapsed_at=ago(seconds=34)), make_lock(claim=second, token_digest="fedcba9876543210"))
    worker = make_worker(active=(make_run().task_id, "second"))
    judged = judge(locks=locks, workers=(worker,), runs=(make_run(), make_run(task_id="second", pid=812, started_at=ago(seconds=21))))
    assert [one.verdict for one in judged] == ["overlapping", "overrun"]


def test_lock_that_two_runs_lost_one_after_the_other_is_overlapping_while_both_go_on():
    first = make_lock(lapsed_at=ago(seconds=30), acquired_at=ago(seconds=60), token_digest="a" * 16)
    second_run = make_run(task_id="second", pid=812)
    claim = make_claim(task_id="second", pid=812)
    second = make_lock(lapsed_at=ago(seconds=5), acquired_at=ago(seconds=25), token_digest="b" * 16, went="flushed", claim=claim)
    worker = make_worker(active=("d9c26803-1111-4222-8333-444455556666", "second"))

    judged = assess(make_snapshot(locks=(first, second), runs=(make_run(), second_run), workers=(worker,)), NOW, Policy())

    assert [(one.lock.token_digest[0], one.verdict) for one in judged] == [("b", "overlapping"), ("a", "overrun")]
