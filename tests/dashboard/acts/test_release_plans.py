"""The plan of a release: what it says, for whom and how long it holds, and that nothing secret is in it."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing

from dashboard.acts.release import execute, plan_release, release_now
from dashboard.acts.target import target_of
from dashboard.sources.locks import lock_id
from tests.dashboard.acts.scene import OPERATOR, code_of, make_user, orphan_token, release

pytestmark = pytest.mark.django_db


def test_a_plan_says_verdict_evidence_and_effect(scene, operator):
    lock = scene.orphan()

    plan = plan_release(operator, "session", lock.id, lock.token_digest)

    assert plan.judged.verdict == "orphaned"
    assert "process_gone" in [fact.code for fact in plan.judged.evidence]
    assert "orphaned" in [effect.code for effect in plan.effects]
    assert not plan.forced
    assert scene.value(lock.raw_key) is not None


def test_a_lock_that_is_not_proved_orphaned_needs_the_other_permission(scene, operator):
    lock = scene.plain()

    plan = plan_release(operator, "session", lock.id, lock.token_digest)

    assert plan.signed == ""
    assert plan.obstacle.code == "needs_force"


def test_force_needs_the_name_typed(scene, admin):
    lock = scene.plain()

    assert code_of(lambda: release(admin, lock, typed_name="lock_report_8")) == "name_differs"
    assert scene.value(lock.raw_key) is not None

    assert release(admin, lock, typed_name="lock_report_7").code == "released"


def test_a_lock_that_vanished_before_the_plan_is_said_to_be_gone(scene, operator):
    lock = scene.orphan()
    scene.redis.delete(lock.raw_key)

    plan = plan_release(operator, "session", lock.id, lock.token_digest)

    assert plan.obstacle.code == "already_gone"


def test_a_plan_for_a_token_that_is_no_longer_there_says_so(scene, operator):
    lock = scene.orphan()

    plan = plan_release(operator, "session", lock.id, "0" * 16)

    assert plan.obstacle.code == "changed_hands"
    assert plan.signed == ""


def test_the_plan_of_another_person_is_refused(scene, operator):
    lock = scene.orphan()
    other = make_user("otto", OPERATOR)
    plan = plan_release(operator, "session", lock.id, lock.token_digest)

    assert code_of(lambda: execute(other, "session", plan.signed, "gone")) == "plan_of_another"
    assert scene.value(lock.raw_key) is not None


def test_the_plan_of_another_session_is_refused(scene, operator):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)

    assert code_of(lambda: execute(operator, "another", plan.signed, "gone")) == "plan_of_another"


def test_an_expired_plan_is_refused(scene, operator):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)

    assert code_of(lambda: execute(operator, "session", plan.signed, "gone", now=datetime.now(UTC) + timedelta(seconds=61))) == "plan_expired"
    assert scene.value(lock.raw_key) is not None


@pytest.mark.parametrize("forged", ["", "x", "eyJhIjoxfQ:1abc:def", "\x00", "ü" * 1000])
def test_a_forged_plan_is_refused(scene, operator, forged):
    assert code_of(lambda: execute(operator, "session", forged, "gone")) == "plan_forged"


def test_a_changed_plan_is_refused(scene, operator):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)

    assert code_of(lambda: execute(operator, "session", "A" + plan.signed, "gone")) == "plan_forged"


def test_neither_session_key_nor_token_is_in_the_plan(scene, operator):
    token = orphan_token()
    lock = scene.see(scene.take(token=token))

    signed = plan_release(operator, "very-secret-session-key", lock.id, lock.token_digest).signed

    content = str(signing.loads(signed, salt="lockhouse.acts.plan"))
    assert "very-secret-session-key" not in content
    assert token.decode() not in content


def test_a_secret_in_the_name_is_not_in_the_plan_and_the_lock_is_released_all_the_same(scene, operator):
    lock = scene.orphan("lock_https://bob:hunter2secret@db.example/x")

    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    outcome = execute(operator, "session", plan.signed, "its worker died")

    assert base64.b64decode(signing.loads(plan.signed, salt="lockhouse.acts.plan")["key"]) == b""
    assert (outcome.state, outcome.code) == ("done", "released")
    assert scene.value(lock.raw_key) is None


def test_a_name_that_no_keyboard_has_is_confirmed_by_its_id(scene, admin):
    lock = scene.plain("lock_\u202egnp.exe")

    plan = plan_release(admin, "session", lock.id, lock.token_digest)

    assert plan.to_type == lock.id


def test_read_only_refuses_plan_and_execution(scene, operator, settings):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "READ_ONLY": True}

    assert code_of(lambda: plan_release(operator, "session", lock.id, lock.token_digest)) == "read_only"
    assert code_of(lambda: execute(operator, "session", plan.signed, "gone")) == "read_only"
    assert code_of(lambda: release_now(None, lock.id, lock.token_digest, "gone", origin="cli")) == "read_only"
    assert scene.value(lock.raw_key) is not None


def test_a_permission_lost_since_the_plan_is_noticed(scene, operator):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    operator.user_permissions.clear()
    stripped = type(operator).objects.get(pk=operator.pk)

    assert code_of(lambda: execute(stripped, "session", plan.signed, "gone")) == "forbidden"
    assert scene.value(lock.raw_key) is not None


def test_a_verdict_lost_since_the_plan_is_noticed(scene, operator):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    scene.put([], at=datetime.now(UTC) - timedelta(minutes=5))  # the observer fell silent

    outcome = execute(operator, "session", plan.signed, "gone")

    assert (outcome.state, outcome.code) == ("refused", "needs_force")
    assert scene.value(lock.raw_key) is not None


def test_an_id_that_nobody_knows_is_not_known(scene, operator):
    scene.put([])

    assert code_of(lambda: plan_release(operator, "session", "0" * 16, "0" * 16)) == "not_known"


@pytest.mark.parametrize("cache", ["shop", "broker"])
def test_a_key_of_a_lockhouse_is_not_known_though_a_snapshot_has_it(scene, cache):
    key = b"lockhouse:other:expired:0123456789abcdef:0123456789abcdef"
    assert code_of(lambda: target_of(lock_id(cache, key), cache, key)) == "not_known"
