"""A revoke whose worker did not answer, or whose process died in the middle, is settled by what became of the lock, or said to be never known."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.acts import parts
from dashboard.acts.history import act_for
from dashboard.acts.ledger import Outcome
from dashboard.acts.revoke import revoke_now
from dashboard.acts.settle import settle
from dashboard.models import OperatorAct
from tests.dashboard.acts.test_effects import held_by_a_run

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["unheard", "died"])
def revoked(request, scene, operator):
    """A revoke that no worker answered, a minute ago; or one whose process was ended before it could say so."""
    lock = held_by_a_run(scene, timeout=600)
    act = revoke_now(operator, lock.id, lock.token_digest, "it hangs", terminate=False, origin="api").act
    assert (act.state, act.code) == ("unknown", "revoke_unheard")
    act.started_at -= MINUTE
    if request.param == "died":
        act.state, act.code, act.values, act.finished_at = "intent", "", {}, None
    act.save()
    return lock, act


def test_while_its_run_goes_on_it_is_not_known_and_after_ten_minutes_that_is_final(revoked, operator):
    _lock, act = revoked
    before = act.state

    assert settle(act).state == before
    later = act.started_at + 11 * MINUTE
    assert (settle(act, now=later).state, act.code) == ("unknown", "revoke_never_known")
    finished_at = act.finished_at
    assert settle(act, now=later + MINUTE).finished_at == finished_at
    assert "revoke it again" in Outcome(act=act_for(operator, act.pk)).sentence


def test_a_lock_that_is_gone_since_leaves_nothing_to_do(scene, revoked):
    lock, act = revoked
    scene.redis.delete(lock.raw_key)

    assert (settle(act).state, act.code) == ("done", "revoke_gone_since")


def test_a_lock_that_the_observer_has_no_more_is_gone_as_well(scene, revoked):
    lock, act = revoked
    scene.redis.delete(lock.raw_key)
    scene.put([])

    assert (settle(act).state, act.code) == ("done", "revoke_gone_since")


def test_a_lock_that_is_anothers_since_is_said(scene, revoked):
    lock, act = revoked
    scene.redis.set(lock.raw_key, "somebody-else", px=60_000)

    assert (settle(act).state, act.code) == ("done", "revoke_taken_since")


def test_a_cache_that_does_not_answer_leaves_it_open(scene, revoked, settings):
    from dashboard import connections

    _lock, act = revoked
    away = {**settings.LOCKHOUSE["CACHES"]["shop"], "LOCATION": "redis://127.0.0.1:1/1"}
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "CACHES": {"shop": away}}
    connections.forget_connections()
    before = act.state

    assert settle(act).state == before


def abandoned(lock, **changes):
    now = datetime.now(UTC)
    known = {"act": "lock-revoke", "target_id": lock.id, "cache": "shop", "username": "olga", "token_digest": lock.token_digest, "origin": "page"}
    times = {"planned_at": now - MINUTE, "started_at": now - MINUTE}
    return OperatorAct.objects.create(**(known | times | {"nonce": "n", "before": {"worker": "celery@web-1", "terminate": True}} | changes))


def test_a_run_that_has_ended_leaves_a_lock_to_be_released(scene):
    act = abandoned(scene.orphan())

    assert (settle(act).state, act.code) == ("failed", "revoke_ended_not_released")


@pytest.mark.parametrize(("state", "code", "told"), [("done", "released", "revoked_released"), ("refused", "changed_hands", "revoked_not_released")])
def test_one_that_came_as_far_as_its_release_says_what_came_of_that(scene, state, code, told):
    lock = scene.orphan()
    act = abandoned(lock)
    abandoned(lock, act="lock-release", nonce=parts.nonce_of(act.pk, lock.id, lock.token_digest), state=state, code=code)

    assert (settle(act).state, act.code) == ("done", told)


def test_one_whose_release_is_open_waits_for_it(scene):
    lock = scene.orphan()
    act = abandoned(lock)
    part = {"nonce": parts.nonce_of(act.pk, lock.id, lock.token_digest), "started_at": datetime.now(UTC)}
    abandoned(lock, act="lock-release", **part)

    assert settle(act).state == "intent"


def test_one_that_may_still_be_under_way_is_left_alone(scene):
    now = datetime.now(UTC)
    act = abandoned(scene.orphan(), started_at=now - timedelta(seconds=20))

    assert settle(act, now=now).state == "intent"
