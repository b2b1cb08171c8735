"""Tokens that say less than a run: an id and nothing else, as `cache.add(name, self.request.id)` writes it, or a worker without an id."""

from dataclasses import replace

import pytest

from dashboard.locking.holder import Run as TakingRun
from dashboard.locking.token import write_process, write_token
from dashboard.records import Claim, digest_of_id
from dashboard.sources.dialects import Entry, read
from tests.dashboard.judge.judged import only
from tests.factories import ago, make_claim, make_lock, make_run, make_worker

ID = make_run().task_id
ALONE = make_lock(dialect="cache.add", claim=Claim(task_digest=digest_of_id(ID)), acquired_at=None)
WORKERS = (make_worker(), make_worker(name="w@other", pid=10, processes=(11, 12), active=()))
AGAIN = {"worker": "w@other", "pid": 11, "parent_pid": 10, "received_at": ago(seconds=20), "started_at": ago(seconds=19), "redelivered": True}
FIRST = make_run(parent_pid=790)


def test_worker_that_lists_no_run_without_an_id_says_nothing_of_a_token_that_had_no_room_for_its_id():
    long = "sync:" + "https://shop.example.com/api/v2/orders?since=2026-11-01&page=" + "1" * 60
    process = write_process(pid=811, parent_pid=790, process_started="12345", boot_id="b00t", host="web-2")
    raw = write_token(TakingRun(long, "reports_prepare_massive_report", 0, "worker-b@web-2"), process)
    _dialect, claim = read(Entry(key=b":1:lock_report_12", prefix=b":1:", value=raw))
    assert claim is not None and claim.task_id is None and claim.worker == "worker-b@web-2"

    judged = only(
        locks=(make_lock(claim=replace(claim, attempted_at=ago(seconds=80))),),
        runs=(make_run(task_id=long, parent_pid=790),),
        workers=(make_worker(active=(long,)),),
    )

    assert "orphaned" not in judged.flags, judged.evidence


def test_worker_that_runs_nothing_does_not_have_that_run():
    lock = make_lock(claim=make_claim(task_id=None))
    assert only(locks=(lock,), runs=(), workers=(make_worker(active=()),)).verdict == "orphaned"


def test_end_of_a_second_delivery_elsewhere_is_not_the_end_of_the_first_which_holds_the_lock():
    second = make_run(**AGAIN, ended_at=ago(seconds=10), heard_at=ago(seconds=10), outcome="SUCCESS", last_active_at=None)

    judged = only(locks=(ALONE,), runs=(second, FIRST), workers=WORKERS)

    assert "orphaned" not in judged.flags, judged.evidence
    assert (judged.holder.certainty, judged.holder.worker) == ("exact", FIRST.worker)


def test_end_of_a_second_delivery_is_not_that_of_the_first_of_which_nothing_was_told():
    """A solo worker that had the message before anybody listened is busy with it, and the second delivery found the lock and went."""
    second = make_run(**AGAIN, ended_at=ago(seconds=10), heard_at=ago(seconds=10), outcome="SUCCESS", last_active_at=None)

    judged = only(locks=(ALONE,), runs=(second,), workers=WORKERS)

    assert "orphaned" not in judged.flags, judged.evidence


def test_of_two_deliveries_that_both_go_on_none_is_the_exact_holder():
    second = make_run(**AGAIN, last_active_at=ago(seconds=1))
    assert only(locks=(ALONE,), runs=(second, FIRST), workers=WORKERS).holder.certainty == "unknown"


@pytest.mark.parametrize("story", ["waits in its worker", "next try waits", "next try is not received yet"])
def test_run_that_waits_for_its_turn_and_whose_id_is_the_lock_is_not_dead(story):
    waiting = make_run(parent_pid=790, pid=None, started_at=None, last_active_at=None, heard_at=ago(seconds=80), retries=0 if "its worker" in story else 1)
    tried = make_run(parent_pid=790, ended_at=ago(seconds=10), heard_at=ago(seconds=10), outcome="RETRY", last_active_at=ago(seconds=12))
    runs = {"waits in its worker": (waiting,), "next try waits": (waiting, tried)}.get(story, (tried,))

    judged = only(locks=(ALONE,), runs=runs, workers=(make_worker(active=(), reserved=1),))

    assert "orphaned" not in judged.flags, judged.evidence


def test_lock_at_send_is_for_the_delivery_that_goes_on_though_another_was_lost():
    lock = make_lock(dialect="celery-singleton", taken_by="send", claim=Claim(task_id=ID))
    lost = make_run(**AGAIN, ended_at=ago(seconds=10), heard_at=ago(seconds=10), outcome="FAILURE", error="WorkerLostError()", last_active_at=None)
    assert "orphaned" not in only(locks=(lock,), runs=(lost, FIRST), workers=WORKERS).flags


SENT = make_lock(dialect="celery-singleton", taken_by="send", claim=Claim(task_id=ID))


def ended(told_s, *, ahead_s=0.0):
    return make_run(ended_at=ago(seconds=told_s - ahead_s), heard_at=ago(seconds=told_s), outcome="SUCCESS", parent_pid=790, last_active_at=None)


def test_lock_at_send_is_not_orphaned_by_the_end_of_a_run_before_it_that_had_the_same_id():
    """Ids that are made of what the task is about (`task_id="report-12"`): the lock is the second message's, which waits behind others."""
    lock = replace(SENT, acquired_at=ago(seconds=10), first_seen_at=ago(seconds=10))
    judged = only(locks=(lock,), runs=(ended(30),), workers=(make_worker(active=()),))
    assert judged.verdict == "unknown", judged.evidence


@pytest.mark.parametrize(("told_s", "ahead_s", "verdict"), [(0.5, -3600, "held"), (60, 3600, "orphaned")], ids=["an hour behind", "an hour ahead"])
def test_end_of_a_run_for_which_a_lock_was_sent_is_judged_by_our_clock_and_not_by_its_workers(told_s, ahead_s, verdict):
    assert only(locks=(SENT,), runs=(ended(told_s, ahead_s=ahead_s),), workers=(make_worker(active=()),)).verdict == verdict


def test_run_whose_token_is_in_the_lock_had_started_though_only_its_revocation_was_told():
    revoked = make_run(started_at=None, ended_at=ago(seconds=10), heard_at=ago(seconds=10), outcome="REVOKED", parent_pid=790, last_active_at=None)
    assert "orphaned" not in only(runs=(revoked,), workers=(make_worker(active=()),)).flags
