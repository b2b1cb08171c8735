"""A token is only text: whoever can write into the cache must not have an operator end another task's run by it."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.acts import revoke
from dashboard.acts.revoke import plan_revoke, revoke_now
from dashboard.acts.words import effect
from dashboard.locking.holder import Run as HolderRun
from dashboard.locking.token import write_process, write_token
from dashboard.models import OperatorAct
from dashboard.records import Run
from tests.dashboard.acts.scene import OPERATOR, PARENT_PID, WORKER, make_user

pytestmark = pytest.mark.django_db
TASK_ID = "d9c26803-1111-4222-8333-444455556666"
LIVING_PID = 900  # of `living_worker`


def token_of(task_name):
    process = write_process(pid=LIVING_PID, parent_pid=PARENT_PID, process_started="100814", boot_id="b00t", host="web-1")
    return write_token(HolderRun(TASK_ID, task_name, 0, WORKER), process)


def run_of(name, **changes):
    began = datetime.now(UTC) - timedelta(seconds=1)
    return Run(**({"task_id": TASK_ID, "name": name, "worker": WORKER, "parent_pid": PARENT_PID, "received_at": began, "started_at": began} | changes))


@pytest.fixture
def boss():
    return make_user("bea", (*OPERATOR, "terminate_runs"))


def refused_with(boss, lock):
    """What the plan's page and an act without a plan say, which is the same."""
    plan = plan_revoke(boss, "session", lock.id, lock.token_digest, terminate=True)
    outcome = revoke_now(boss, lock.id, lock.token_digest, "it hangs", terminate=True, origin="api")
    assert plan.obstacle is not None
    assert (plan.signed, plan.effects, plan.obstacle.code) == ("", (), outcome.code)
    assert outcome.state == "refused"
    assert OperatorAct.objects.get().state == "refused"
    return outcome


def test_a_token_that_calls_another_tasks_run_by_a_harmless_name_revokes_nothing(scene, boss):
    lock = scene.see(scene.take("lock_cleanup", token=token_of("harmless_cleanup")), runs=[run_of("guest_import")])

    outcome = refused_with(boss, lock)

    assert outcome.code == "holder_contradicted"
    assert "of harmless_cleanup, and the run known under that id is of guest_import" in outcome.sentence


@pytest.mark.parametrize("elsewhere", [[], [run_of("guest_import", worker="celery@web-2")]], ids=["nowhere", "on another worker"])
def test_a_run_that_is_not_known_on_the_tokens_worker_is_said_to_be_told_late(scene, boss, elsewhere):
    lock = scene.see(scene.take("lock_report_7", token=token_of("guest_import")), runs=elsewhere)

    outcome = refused_with(boss, lock)

    assert outcome.code == "holder_not_told"
    assert "may be late" in outcome.sentence


def test_the_word_of_the_run_that_took_its_lock_just_now_is_waited_for(monkeypatch, scene, boss):
    monkeypatch.setattr(revoke, "TOLD_WITHIN_S", 60.0)
    key = scene.take("lock_report_7", token=token_of("guest_import"))
    lock = scene.see(key)
    scene.put([replace(lock, first_seen_at=datetime.now(UTC))])
    told = threading.Timer(0.3, scene.see, [key], {"runs": [run_of("guest_import")]})
    told.start()

    plan = plan_revoke(boss, "session", lock.id, lock.token_digest, terminate=True)
    told.join()

    assert plan.obstacle is None


def test_a_run_that_has_just_ended_is_not_revoked(scene, boss):
    ended = run_of("guest_import", ended_at=datetime.now(UTC), heard_at=datetime.now(UTC), outcome="SUCCESS")

    outcome = refused_with(boss, scene.see(scene.take("lock_report_7", token=token_of("guest_import")), runs=[ended]))

    assert outcome.code == "holder_not_told"


def test_nothing_is_revoked_where_a_run_of_another_task_has_that_id_there_too(scene, boss):
    runs = [run_of("harmless_cleanup"), run_of("guest_import", retries=1)]

    outcome = refused_with(boss, scene.see(scene.take("lock_cleanup", token=token_of("harmless_cleanup")), runs=runs))

    assert outcome.code == "holder_not_told"


@pytest.mark.parametrize("terminate", [False, True])
@pytest.mark.parametrize("claimed", ["guest_import", "guest_im\N{HORIZONTAL ELLIPSIS}", None], ids=["whole", "cut", "none"])
def test_the_plan_names_the_task_of_the_run_that_is_known(scene, boss, claimed, terminate):
    lock = scene.see(scene.take("lock_report_7", token=token_of(claimed)), runs=[run_of("guest_import")])

    plan = plan_revoke(boss, "session", lock.id, lock.token_digest, terminate=terminate)

    assert plan.obstacle is None
    assert plan.signed
    assert "run d9c26803 of guest_import" in effect(plan.effects[0].code, plan.effects[0].values).replace("not to run", "run")


def test_a_run_that_was_told_to_end_and_goes_on_can_be_told_again(scene, boss):
    told = run_of("guest_import", ended_at=datetime.now(UTC), heard_at=datetime.now(UTC), outcome="REVOKED")
    lock = scene.see(scene.take("lock_report_7", token=token_of("guest_import")), runs=[told])

    assert plan_revoke(boss, "session", lock.id, lock.token_digest, terminate=True).obstacle is None
