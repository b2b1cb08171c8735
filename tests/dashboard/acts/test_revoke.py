"""The run that holds a lock is revoked by its own worker, and the lock released only after its end; real workers and a real observer."""

import os
import signal
import threading

import pytest
from redis import Redis

from dashboard.acts import revoke
from dashboard.acts.refusals import Refused
from dashboard.acts.revoke import execute_revoke, plan_revoke, revoke_now
from dashboard.models import OperatorAct
from dashboard.snapshot import newest
from tests.dashboard.acts.scene import OPERATOR, make_user
from tests.dashboard.observer.conftest import locks, snapshot, system
from tests.system import wait_for

pytestmark = pytest.mark.django_db
__all__ = ["locks", "snapshot", "system"]
HOLDER = {"GUEST_REDIS_CLIENT_CLASS": "dashboard.locking.HolderRedis"}


@pytest.fixture(autouse=True)
def _worker_may_take_its_time(monkeypatch):
    monkeypatch.setattr(revoke, "ANSWER_S", 20.0)  # it is waited for no longer than it takes


@pytest.fixture
def held(system, locks, settings):
    """A lock whose run is under way in a real worker, known exactly."""
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "READ_ONLY": False}
    system.worker(**HOLDER)
    system.observer()
    system.watched()
    system.send("guest_import", "lock_long", 120, 600)
    system.taken("lock_long")
    found = wait_for(lambda: (one := locks().get("lock_long")) and one.verdict == "held" and one)
    wait_for(lambda: any(lock.id == found.lock.id for lock in newest().locks))  # this process' own view, which waits less for a busy server
    wait_for(lambda: any((run.task_id, run.worker) == (found.holder.task_id, found.holder.worker) for run in newest().runs))
    return found


def test_a_terminated_run_gives_its_lock_back_itself(held, system, locks):
    boss = make_user("bea", (*OPERATOR, "terminate_runs"))
    plan = plan_revoke(boss, "session", held.lock.id, held.lock.token_digest, terminate=True)

    outcome = execute_revoke(boss, "session", plan.signed, "it hangs", "lock_long")

    assert plan.effects[0].code == "revoke_terminates"
    assert (outcome.state, outcome.code) == ("done", "revoked_and_gone"), "SIGTERM lets the `with` of a run give its lock back"
    assert not OperatorAct.objects.filter(act="lock-release").exists()
    wait_for(lambda: "lock_long" not in locks())


def test_the_lock_of_a_run_that_dies_after_its_worker_was_told_is_released(held, system):
    operator, pid = make_user("olga", OPERATOR), held.holder.pid
    plan = plan_revoke(operator, "session", held.lock.id, held.lock.token_digest, terminate=False)
    threading.Timer(3, os.kill, (pid, signal.SIGKILL)).start()

    outcome = execute_revoke(operator, "session", plan.signed, "it hangs", patience_s=40)

    assert (outcome.state, outcome.code) == ("done", "revoked_released"), outcome.sentence
    assert OperatorAct.objects.get(act="lock-release").code == "released"


def test_a_run_that_goes_on_keeps_its_lock(held, locks):
    operator = make_user("olga", OPERATOR)

    outcome = revoke_now(operator, held.lock.id, held.lock.token_digest, "it hangs", terminate=False, origin="api")

    assert (outcome.state, outcome.code) == ("done", "revoked_not_ended")
    assert not OperatorAct.objects.filter(act="lock-release").exists()
    assert locks()["lock_long"].lock.token_digest == held.lock.token_digest


def test_a_lock_that_another_takes_meanwhile_is_left_to_it_and_that_is_said(held, system):
    operator, cache = make_user("olga", OPERATOR), Redis.from_url(f"{system.url}/1")
    plan = plan_revoke(operator, "session", held.lock.id, held.lock.token_digest, terminate=False)
    threading.Timer(3, cache.set, (held.lock.raw_key, "another's", 600)).start()

    outcome = execute_revoke(operator, "session", plan.signed, "it hangs", patience_s=40)

    assert (outcome.state, outcome.code) == ("done", "revoked_and_taken")
    assert "another's now" in outcome.sentence
    with cache:
        assert cache.get(held.lock.raw_key) == b"another's"


def test_terminating_needs_a_permission_of_its_own(held):
    operator = make_user("olga", OPERATOR)

    with pytest.raises(Refused) as caught:
        plan_revoke(operator, "session", held.lock.id, held.lock.token_digest, terminate=True)

    assert caught.value.code == "forbidden"
