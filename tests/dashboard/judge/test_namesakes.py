"""Two processes of one name, in containers: with one pid, or with the pid of the other's parent; and what hangs up on a worker that is busy."""

from datetime import timedelta

import pytest

from tests.dashboard.judge.judged import SILENT, only
from tests.factories import NOW, ago, make_claim, make_lock, make_run, make_worker

SOLO = {"pool": "solo", "processes": None}


def left_by(pid):
    return make_lock(claim=make_claim(pid=pid, parent_pid=0 if pid == 790 else 790))


def test_twin_of_the_same_pid_does_not_answer_for_a_run_of_one_that_is_busy_or_frozen():
    """Both answered until the run began 80 s ago; since then one works, in the solo pool, and the other answers alone."""
    both = make_worker(pid=1, **SOLO, active=(), shared_at=ago(seconds=82))
    run = make_run(pid=1, parent_pid=1, last_active_at=None)

    judged = only(locks=(make_lock(claim=make_claim(pid=1, parent_pid=0)),), runs=(run,), workers=(both,))

    assert judged.verdict == "unknown"
    assert judged.evidence[-1].code == "name_shared"


def test_namesake_of_another_pid_that_left_long_ago_hides_no_death():
    mine = make_worker(active=(), shared_at=ago(seconds=70))
    left = make_worker(pid=555, said_offline_at=ago(seconds=68), last_heard_at=ago(seconds=68))

    assert only(runs=(), workers=(mine, left)).verdict == "orphaned"


def test_process_of_that_name_that_has_the_parents_pid_is_not_taken_for_the_holders():
    """`sh -c "celery worker"` in one container (sh is 1, the worker 7), the worker as pid 1 in another."""
    frozen = make_worker(pid=7, **SOLO, active=(), active_at=ago(seconds=90), spoke_alone_at=None, **(SILENT | {"connection_known": True}))
    other = make_worker(pid=1, **SOLO, active=(), first_heard_at=ago(hours=1))

    judged = only(locks=(make_lock(claim=make_claim(pid=7, parent_pid=1)),), runs=(), workers=(frozen, other))

    assert "orphaned" not in judged.flags, judged.evidence


def test_pool_that_was_read_before_its_worker_is_known_to_answer_alone_may_be_the_others():
    """The answers of the one that has the lock were lost; two calls to everybody that one alone answered are what tells."""
    other = make_worker(active=(), processes=(611, 612), spoke_alone_at=None)

    assert "orphaned" not in only(runs=(), workers=(other,)).flags
    assert only(runs=(), workers=(make_worker(active=(), processes=(611, 612)),)).verdict == "orphaned"


LATELY, BEFORE = ago(seconds=60), ago(seconds=100)  # of a lock that was taken 80 s ago, and first seen then


@pytest.mark.parametrize(("alone_since", "is_proved"), [(None, False), (LATELY, False), (BEFORE, True)])
@pytest.mark.parametrize("pool", [{}, SOLO, {"pool": "threads", "processes": None}], ids=["prefork", "solo", "threads"])
def test_answer_of_one_that_was_not_known_to_be_the_only_one_before_the_lock_was_taken_proves_nothing_of_the_holder(pool, alone_since, is_proved):
    """Each answer of the one that has it may have been lost until it was busy, in the solo pool, or frozen."""
    pid = 790 if pool else 815
    run = make_run(pid=pid, started_at=ago(seconds=82), last_active_at=None)

    judged = only(locks=(left_by(pid),), runs=(run,), workers=(make_worker(active=(), alone_since=alone_since, **pool),))

    assert ("orphaned" in judged.flags) is is_proved, judged.evidence


@pytest.mark.parametrize(("alone_since", "is_proved"), [(ago(seconds=100), False), (ago(seconds=150), True)])
def test_solo_worker_whose_run_nobody_told_of_may_have_been_busy_for_long_before_it_took_the_lock(alone_since, is_proved):
    judged = only(locks=(left_by(790),), runs=(), workers=(make_worker(active=(), alone_since=alone_since, **SOLO),))

    assert ("orphaned" in judged.flags) is is_proved, judged.evidence
    assert (judged.evidence[-1].code == "name_may_be_shared") is not is_proved


def test_solo_worker_is_at_work_when_its_run_is_first_told_however_far_its_clock_is_ahead():
    ahead = NOW + timedelta(hours=1)
    run = make_run(pid=790, parent_pid=790, received_at=ahead, started_at=ahead, heard_at=ago(seconds=90), last_active_at=None)
    worker = make_worker(active=(), alone_since=ago(seconds=85), first_heard_at=ago(seconds=120), **SOLO)
    lock = make_lock(claim=make_claim(pid=790, parent_pid=0, attempted_at=ahead + timedelta(seconds=5)), acquired_at=None)

    judged = only(locks=(lock,), runs=(run,), workers=(worker,))

    assert judged.evidence[-1].code == "name_may_be_shared", judged.evidence


def test_solo_worker_that_came_under_a_name_that_nobody_had_is_the_only_one_from_then_on():
    came = {"first_heard_at": ago(seconds=90), "online_at": (ago(seconds=90),), "alone_since": ago(seconds=90)}

    assert only(locks=(left_by(790),), runs=(), workers=(make_worker(active=(), **came, **SOLO),)).verdict == "orphaned"


@pytest.mark.parametrize("was_there_first", [True, False])
@pytest.mark.parametrize("pool", [{}, SOLO], ids=["prefork", "solo"])
def test_lock_from_before_its_worker_was_heard_is_proved_left_by_answers_since_where_nobody_could_have_heard_it_before(pool, was_there_first):
    """Else one whose answers were all lost may have it, and a second container with its name and pid was heard first."""
    worker = make_worker(active=(), first_heard_at=ago(seconds=70), alone_since=ago(seconds=60), was_there_first=was_there_first, **pool)

    judged = only(locks=(left_by(790 if pool else 815),), runs=(), workers=(worker,))

    assert ("orphaned" in judged.flags) is was_there_first, judged.evidence


def test_child_of_a_worker_whose_clock_is_ahead_is_gone_all_the_same():
    """Nobody saw the lock be taken, and no event told how far its clock is ahead."""
    lock = make_lock(claim=make_claim(pid=815, parent_pid=790, attempted_at=NOW + timedelta(minutes=5)), acquired_at=None)

    assert only(locks=(lock,), runs=(), workers=(make_worker(active=()),)).verdict == "orphaned"


def test_container_that_came_again_before_anybody_looked_is_not_the_one_whose_clock_is_ahead():
    """The one that has the lock froze, and another came under its name and pid; nothing tells when its token was made, for no heartbeat tells its clock."""
    again = make_worker(active=(), first_heard_at=ago(seconds=5), started_at=ago(seconds=10), started_after=ago(seconds=11), vitals_at=None)
    lock = make_lock(claim=make_claim(attempted_at=NOW + timedelta(hours=1)), first_seen_at=ago(seconds=5))

    judged = only(locks=(lock,), runs=(), workers=(again,))

    assert "orphaned" not in judged.flags, judged.evidence


def test_busy_solo_worker_whose_proxy_hangs_up_after_half_a_minute_is_not_dead():
    silent = {"last_heard_at": ago(seconds=60), "last_event_at": ago(seconds=60), "answered_at": ago(seconds=61), "asked_at": ago(seconds=1)}
    solo = make_worker(**SOLO, **silent, vitals_at=ago(seconds=60), pid=811, connection_known=True, connection_gone_at=ago(seconds=29))

    judged = only(locks=(make_lock(claim=make_claim(parent_pid=1)),), runs=(make_run(parent_pid=811, last_active_at=None),), workers=(solo,))

    assert "orphaned" not in judged.flags, judged.evidence
