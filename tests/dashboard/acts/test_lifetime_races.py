"""A lock that is taken anew at the very moment in which its lifetime is changed is left alone: the token is compared where it is changed."""

from datetime import timedelta

import pytest

from dashboard.acts.lifetime import execute_change, plan_change
from dashboard.acts.registry import EXTEND, LIMIT, PROTECT
from dashboard.acts.undo import undo
from tests.dashboard.acts.test_lifetime import changed, overrun
from tests.dashboard.acts.test_settle import proxied, scene, server

pytestmark = pytest.mark.django_db
__all__ = ["overrun", "proxied", "scene", "server"]
ANOTHER = b"somebody-else"
OF_SAME_LENGTH = b"f" * 32


@pytest.mark.parametrize("token", [ANOTHER, OF_SAME_LENGTH], ids=["of another length", "as long"])
def test_a_lock_taken_anew_between_the_last_look_and_the_extension_keeps_its_deadline(scene, proxied, operator, token):
    lock = scene.plain(timeout=60)
    plan = plan_change(operator, "session", EXTEND, lock.id, lock.token_digest, timedelta(minutes=5))
    proxied.on_eval = lambda: scene.redis.set(lock.raw_key, token, px=60_000)

    outcome = execute_change(operator, "session", EXTEND, plan.signed, "it takes longer")

    assert (outcome.state, outcome.code) == ("refused", "changed_hands")
    assert scene.value(lock.raw_key) == token
    assert scene.redis.pttl(lock.raw_key) <= 60_000


def test_a_lock_taken_anew_between_the_last_look_and_the_timeout_never_expires_as_before(scene, proxied, admin):
    lock = scene.plain(timeout=None)
    plan = plan_change(admin, "session", LIMIT, lock.id, lock.token_digest, timedelta(minutes=5))
    proxied.on_eval = lambda: scene.redis.set(lock.raw_key, ANOTHER)

    outcome = execute_change(admin, "session", LIMIT, plan.signed, "it hangs", plan.to_type)

    assert (outcome.state, outcome.code) == ("refused", "changed_hands")
    assert (scene.value(lock.raw_key), scene.redis.pttl(lock.raw_key)) == (ANOTHER, -1)


def test_a_lock_taken_between_the_last_look_and_the_protection_stays_its_takers(scene, proxied, operator, overrun):
    plan = plan_change(operator, "session", PROTECT, overrun.id, overrun.token_digest)
    proxied.on_eval = lambda: scene.redis.set(overrun.raw_key, ANOTHER, px=60_000)

    outcome = execute_change(operator, "session", PROTECT, plan.signed, "it still writes")

    assert (outcome.state, outcome.code) == ("refused", "taken_again")
    assert scene.value(overrun.raw_key) == ANOTHER
    assert scene.redis.pttl(overrun.raw_key) <= 60_000


@pytest.mark.parametrize(("act", "timeout"), [(EXTEND, 60), (LIMIT, None)])
def test_a_lock_taken_anew_just_before_the_undo_of_a_change_is_left_alone(scene, proxied, admin, act, timeout):
    lock = scene.plain(timeout=timeout)
    done = changed(admin, act, lock, timedelta(minutes=5), typed_name="lock_report_7").act
    proxied.on_eval = lambda: taken_with_the_same_deadline(scene, lock, done)

    outcome = undo(admin, done.pk)

    assert (outcome.state, outcome.code) == ("refused", "changed_hands")
    assert scene.value(lock.raw_key) == ANOTHER
    assert 200_000 < scene.redis.pttl(lock.raw_key) <= 360_000


def test_a_lock_taken_anew_just_before_the_undo_of_a_protection_is_left_alone(scene, proxied, operator, overrun):
    done = changed(operator, PROTECT, overrun, None).act
    proxied.on_eval = lambda: taken_with_the_same_deadline(scene, overrun, done)

    outcome = undo(operator, done.pk)

    assert (outcome.state, outcome.code) == ("refused", "changed_hands")
    assert scene.value(overrun.raw_key) == ANOTHER


def taken_with_the_same_deadline(scene, lock, done):
    """By it alone nothing can be told apart: only the token can."""
    scene.redis.set(lock.raw_key, ANOTHER, pxat=done.after["deadline_ms"])
