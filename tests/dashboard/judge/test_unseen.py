"""A lock at which nobody looked until it was gone: whether it expired under its run, or was given back, is not known."""

from datetime import timedelta

import pytest

from tests.dashboard.judge.judged import codes, judge, only
from tests.factories import ago, make_claim, make_lock, make_run, make_worker

GONE = make_lock(expires_at=ago(seconds=10), lapsed_at=ago(seconds=10), seen_at=ago(seconds=60), timeout=timedelta(seconds=70))


def test_run_that_goes_on_may_have_given_back_a_lock_that_expired_while_its_cache_did_not_answer():
    judged = only(locks=(GONE,))
    assert judged.verdict == "unknown"
    assert "lock_unseen" in codes(judged)


def test_run_that_took_such_a_lock_since_is_not_said_to_overlap():
    taken = {"attempted_at": ago(seconds=5), "task_id": "second", "pid": 812}
    second = make_lock(claim=make_claim(**taken), token_digest="second", first_seen_at=ago(seconds=5), acquired_at=ago(seconds=5))
    runs = (make_run(), make_run(task_id="second", pid=812, received_at=ago(seconds=6), started_at=ago(seconds=5.1)))
    worker = make_worker(active=(make_run().task_id, "second"))

    found = judge(locks=(second, GONE), runs=runs, workers=(worker,))

    assert sorted(one.verdict for one in found) == ["held", "unknown"]


@pytest.mark.parametrize("seen_s", [10.5, 20])
def test_lock_that_was_looked_at_until_it_expired_is_overrun(seen_s):
    assert only(locks=(make_lock(expires_at=ago(seconds=10), lapsed_at=ago(seconds=10), seen_at=ago(seconds=seen_s)),)).verdict == "overrun"
