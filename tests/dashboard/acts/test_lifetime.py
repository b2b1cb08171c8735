"""Extend, set a timeout, protect: each compares the token that was seen, says what happened, and can be undone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard import connections, snapshot
from dashboard.acts.lifetime import change_now, execute_change, plan_change
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import EXTEND, LIMIT, PROTECT
from dashboard.acts.undo import undo
from dashboard.models import OperatorAct
from dashboard.records import Run
from dashboard.sources import expired
from tests.dashboard.acts.scene import WORKER, living_worker, orphan_token
from tests.dashboard.acts.test_undo import wait_until

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
TASK = "d9c26803-1111-4222-8333-444455556666"


def changed(user, act, lock, span=MINUTE, typed_name="", reason="it takes longer today", session="session"):
    """Plan and execute, as one page does."""
    plan = plan_change(user, session, act, lock.id, lock.token_digest, span)
    return execute_change(user, session, act, plan.signed, reason, typed_name)


@pytest.fixture
def overrun(scene):
    """A lock that expired a moment ago while its run goes on, as the observer has it; nothing is under its key."""
    token = orphan_token(TASK)
    lock = scene.see(scene.take(token=token, timeout=120))
    scene.redis.delete(lock.raw_key)
    now = datetime.now(UTC)
    lapsed = replace(lock, lapsed_at=now - timedelta(seconds=1), expires_at=now - timedelta(seconds=1), timeout=timedelta(seconds=120))
    scene.put([lapsed])
    known = snapshot.newest()
    run = Run(task_id=TASK, name="reports_prepare_massive_report", worker=WORKER, pid=815, started_at=now - timedelta(seconds=121), last_active_at=now)
    worker = replace(living_worker(now), processes=(815, 900), active=(TASK,))
    sections = dict.fromkeys(snapshot.SECTIONS, known.version + 1000)
    assert snapshot.put(
        connections.own(), replace(known, version=known.version + 1000, runs=(run,), workers=(worker,)), sections, set(snapshot.SECTIONS), epoch=1
    )
    expired.remember(connections.own(), lock.id, lock.token_digest, token)
    yield lapsed
    snapshot.forget()


def test_extending_adds_time_for_the_same_token(scene, operator):
    lock = scene.plain(timeout=60)
    token = scene.value(lock.raw_key)

    outcome = changed(operator, EXTEND, lock, 5 * MINUTE)

    assert (outcome.state, outcome.code) == ("done", "extended")
    assert scene.value(lock.raw_key) == token
    assert 350_000 < scene.redis.pttl(lock.raw_key) <= 360_000
    assert "it blocks until" in outcome.sentence


def test_undo_of_an_extension_gives_the_deadline_back(scene, operator):
    lock = scene.plain(timeout=60)
    outcome = changed(operator, EXTEND, lock, 5 * MINUTE)

    back = undo(operator, outcome.act.pk)

    assert (back.state, back.code) == ("done", "deadline_back")
    assert 50_000 < scene.redis.pttl(lock.raw_key) <= 60_000
    assert undo(operator, outcome.act.pk).replayed


def test_undo_of_an_extension_whose_old_deadline_has_passed_frees_the_lock(scene, operator):
    lock = scene.plain(timeout=3)
    outcome = changed(operator, EXTEND, lock, 5 * MINUTE)
    wait_until(scene.redis, outcome.act.before["deadline_ms"])

    back = undo(operator, outcome.act.pk)

    assert (back.state, back.code) == ("done", "freed")
    assert scene.value(lock.raw_key) is None


def test_undo_leaves_a_deadline_alone_that_the_holder_moved_itself(scene, operator):
    lock = scene.plain(timeout=60)
    outcome = changed(operator, EXTEND, lock, 5 * MINUTE)
    scene.redis.pexpire(lock.raw_key, 1_000_000)

    back = undo(operator, outcome.act.pk)

    assert (back.state, back.code) == ("refused", "moved")
    assert scene.redis.pttl(lock.raw_key) > 900_000


@pytest.mark.parametrize(("happens", "code"), [("taken", "changed_hands"), ("gone", "already_gone"), ("hash", "not_a_lock")])
@pytest.mark.parametrize(("act", "timeout"), [(EXTEND, 60), (LIMIT, None)])
def test_a_lock_that_is_another_by_now_is_left_alone(scene, admin, act, timeout, happens, code):
    lock = scene.plain(timeout=timeout)
    plan = plan_change(admin, "session", act, lock.id, lock.token_digest, MINUTE)
    scene.redis.delete(lock.raw_key)
    if happens == "taken":
        scene.take(timeout=timeout)
    elif happens == "hash":
        scene.redis.hset(lock.raw_key, "field", "1")
    before = scene.redis.pttl(lock.raw_key)

    outcome = execute_change(admin, "session", act, plan.signed, "because", plan.to_type)

    assert (outcome.state, outcome.code) == ("refused", code)
    assert before - 5_000 <= scene.redis.pttl(lock.raw_key) <= before


def test_a_timeout_is_set_and_undone(scene, admin):
    lock = scene.plain(timeout=None)

    outcome = changed(admin, LIMIT, lock, 20 * MINUTE, typed_name="lock_report_7")

    assert (outcome.state, outcome.code) == ("done", "timeout_set")
    assert 1_190_000 < scene.redis.pttl(lock.raw_key) <= 1_200_000
    assert undo(admin, outcome.act.pk).code == "never_again"
    assert scene.redis.pttl(lock.raw_key) == -1


def test_a_timeout_under_a_holder_that_may_live_needs_the_permission_to_force_and_the_name(scene, operator, admin):
    lock = scene.plain(timeout=None)

    assert plan_change(operator, "session", LIMIT, lock.id, lock.token_digest).obstacle.code == "needs_force"
    with pytest.raises(Refused) as caught:
        changed(admin, LIMIT, lock, typed_name="another")
    assert caught.value.code == "name_differs"
    assert scene.redis.pttl(lock.raw_key) == -1


def test_an_operator_gives_a_lock_that_nobody_holds_a_timeout(scene, operator):
    lock = scene.orphan(timeout=None)

    assert changed(operator, LIMIT, lock).code == "timeout_set"


def test_what_does_not_fit_is_said(scene, admin):
    never, expiring = scene.plain("lock_a", timeout=None), scene.plain("lock_b", timeout=60)
    scene.see(never.raw_key, expiring.raw_key)

    assert plan_change(admin, "session", EXTEND, never.id, never.token_digest).obstacle.code == "never_expires_anyway"
    assert plan_change(admin, "session", LIMIT, expiring.id, expiring.token_digest).obstacle.code == "expires_already"
    assert plan_change(admin, "session", PROTECT, expiring.id, expiring.token_digest).obstacle.code == "nothing_to_protect"


@pytest.mark.parametrize("span", [timedelta(0), timedelta(seconds=-1), timedelta(days=8)])
def test_an_odd_time_is_refused(scene, operator, span):
    lock = scene.plain()

    with pytest.raises(Refused) as caught:
        change_now(operator, EXTEND, lock.id, lock.token_digest, "because", span=span or timedelta(milliseconds=1), origin="api")

    assert caught.value.code == "span_odd"


def test_the_plan_says_what_it_means(scene, operator):
    plan = plan_change(operator, "session", EXTEND, (lock := scene.orphan()).id, lock.token_digest)

    assert [effect.code for effect in plan.effects] == ["extend_until", "extend_orphaned", "change_compared"]


def test_protecting_puts_the_token_of_the_run_back_with_the_time_it_had(scene, operator, overrun):
    outcome = changed(operator, PROTECT, overrun, None)

    assert (outcome.state, outcome.code) == ("done", "protected")
    assert scene.value(overrun.raw_key) == orphan_token(TASK) or scene.see(overrun.raw_key).token_digest == overrun.token_digest
    assert 115_000 < scene.redis.pttl(overrun.raw_key) <= 120_000


def test_undo_of_a_protection_frees_the_lock(scene, operator, overrun):
    outcome = changed(operator, PROTECT, overrun, None)

    assert undo(operator, outcome.act.pk).code == "unprotected"
    assert scene.value(overrun.raw_key) is None


def test_undo_of_a_protection_that_its_run_has_ended_itself_does_nothing(scene, operator, overrun):
    outcome = changed(operator, PROTECT, overrun, None)
    scene.redis.delete(overrun.raw_key)

    assert undo(operator, outcome.act.pk).code == "already_gone"


def test_a_lock_that_was_taken_meanwhile_is_not_protected(scene, operator, overrun):
    plan = plan_change(operator, "session", PROTECT, overrun.id, overrun.token_digest)
    scene.redis.set(overrun.raw_key, "somebody-else", px=60_000)

    outcome = execute_change(operator, "session", PROTECT, plan.signed, "it still writes")

    assert (outcome.state, outcome.code) == ("refused", "taken_again")
    assert scene.value(overrun.raw_key) == b"somebody-else"


def test_without_the_token_nothing_can_be_protected(scene, operator, overrun):
    connections.own().delete(*connections.own().keys("lockhouse:*:expired:*"))

    assert plan_change(operator, "session", PROTECT, overrun.id, overrun.token_digest).obstacle.code == "token_forgotten"


def test_the_same_plan_twice_is_one_extension(scene, operator):
    lock = scene.plain(timeout=60)
    plan = plan_change(operator, "session", EXTEND, lock.id, lock.token_digest, 5 * MINUTE)

    first = execute_change(operator, "session", EXTEND, plan.signed, "because")
    second = execute_change(operator, "session", EXTEND, plan.signed, "because")

    assert (second.act.pk, second.replayed) == (first.act.pk, True)
    assert scene.redis.pttl(lock.raw_key) <= 360_000


def test_a_plan_for_one_change_is_none_for_another(scene, admin):
    lock = scene.plain(timeout=None)
    plan = plan_change(admin, "session", LIMIT, lock.id, lock.token_digest)

    with pytest.raises(Refused) as caught:
        execute_change(admin, "session", EXTEND, plan.signed, "because", plan.to_type)

    assert caught.value.code == "plan_of_another"


@pytest.mark.parametrize("act", [EXTEND, LIMIT, PROTECT])
def test_each_needs_the_permission_and_acts_switched_on(scene, operator, viewer, settings, act):
    lock = scene.plain()
    for user in (viewer, operator):
        settings.LOCKHOUSE = {**settings.LOCKHOUSE, "READ_ONLY": user is operator}
        with pytest.raises(Refused) as caught:
            plan_change(user, "session", act, lock.id, lock.token_digest)
        assert caught.value.code in {"forbidden", "read_only"}
    assert not OperatorAct.objects.exists()


def test_a_token_must_be_named(scene, operator):
    lock = scene.plain()

    assert change_now(operator, EXTEND, lock.id, "", "because", origin="api").code == "changed_hands"
