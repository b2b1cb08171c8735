"""Several locks in one plan: each is released or left alone by itself, and each says what came of it."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core import signing
from django.urls import reverse

from dashboard.acts.bulk import execute_bulk, plan_bulk, release_many
from dashboard.acts.history import acts, parts_of
from dashboard.acts.picked import MAX_LOCKS
from dashboard.acts.refusals import Refused
from dashboard.acts.undo import undo, undo_all
from dashboard.models import OperatorAct
from tests.dashboard.acts.pages import logged_in
from tests.dashboard.acts.scene import OPERATOR, PREFIX, make_user, orphan_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def orphans(scene):
    """Three locks left behind, as the page shows them: (id, digest) of each."""
    return seen(scene, *(scene.take(name, token=orphan_token()) for name in ("lock_a", "lock_b", "lock_c")))


def seen(scene, *keys):
    scene.see(*keys)
    from dashboard import snapshot

    return [(lock.id, lock.token_digest) for lock in snapshot.newest().locks]


def carried_out(user, picked, reason="their workers died", session="session"):
    return execute_bulk(user, session, plan_bulk(user, session, picked).signed, reason)


def codes(outcome) -> dict[str, str]:
    return {part.target_name: part.code for part in parts_of(outcome.act)}


def test_all_that_nobody_holds_are_released_with_one_reason_and_an_act_each(scene, operator, orphans):
    outcome = carried_out(operator, orphans)

    assert (outcome.state, outcome.code) == ("done", "released_all")
    assert codes(outcome) == {"lock_a": "released", "lock_b": "released", "lock_c": "released"}
    assert {part.reason for part in parts_of(outcome.act)} == {"their workers died"}
    assert scene.redis.dbsize() == 0
    assert LogEntry.objects.filter(user=operator).count() == 4


def test_no_secret_of_a_name_is_in_the_plan_for_several(scene, operator):
    picked = seen(scene, *(scene.take(name, token=orphan_token()) for name in ("lock_a", "lock_https://bob:hunter2secret@db.example/x")))

    plan = plan_bulk(operator, "session", picked)
    outcome = execute_bulk(operator, "session", plan.signed, "their workers died")

    assert signing.loads(plan.signed, salt="lockhouse.acts.plan")["picked"] == [list(one) for one in picked]
    assert (outcome.state, outcome.code) == ("done", "released_all")


@pytest.mark.parametrize("size", [480, 8000])
def test_a_plan_for_as_many_as_can_be_is_small_whatever_their_names(scene, operator, size):
    keys = [PREFIX + f"lock_{number:04}".encode() + os.urandom(size).hex()[:size].encode() for number in range(MAX_LOCKS)]
    with scene.redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.set(key, orphan_token(), px=600_000)
        pipe.execute()
    picked, client = seen(scene, *keys), logged_in(operator)
    plan = plan_bulk(operator, client.session.session_key, picked)

    ticked = " ".join(f"{lock_id}:{digest}" for lock_id, digest in picked)
    response = client.post(reverse("lockhouse:locks-release"), {"plan": plan.signed, "reason": "", "picked": ticked})

    assert len(plan.ready) == MAX_LOCKS
    assert len(plan.signed) < 100_000
    assert response.status_code == 422
    assert "Say why" in response.content.decode(), "the plan itself was taken"


def test_each_says_what_came_of_it_and_none_waits_for_another(scene, operator):
    names = ("lock_a", "lock_gone", "lock_taken", "lock_hash", "lock_z")
    keys = [scene.take(name, token=orphan_token()) for name in names]
    picked = seen(scene, *keys)
    plan = plan_bulk(operator, "session", picked)
    scene.redis.delete(keys[1], keys[2], keys[3])
    scene.take("lock_taken")
    scene.redis.hset(keys[3], "field", "1")

    outcome = execute_bulk(operator, "session", plan.signed, "their workers died")

    assert codes(outcome) == {"lock_a": "released", "lock_gone": "already_gone", "lock_taken": "changed_hands", "lock_hash": "not_a_lock", "lock_z": "released"}
    assert (outcome.state, outcome.code) == ("done", "released_some")
    assert "2 of 5" in outcome.sentence
    assert scene.value(keys[2]) is not None


def test_a_lock_whose_holder_may_live_is_left_alone_whoever_asks(scene, admin):
    picked = seen(scene, scene.take("lock_a", token=orphan_token()), scene.take("lock_live"))

    plan = plan_bulk(admin, "session", picked)
    outcome = execute_bulk(admin, "session", plan.signed, "their workers died")
    told = release_many(admin, picked, "their workers died", origin="api")

    assert [(line.picked.name, line.obstacle and line.obstacle.code) for line in plan.lines] == [("lock_a", None), ("lock_live", "not_proved")]
    assert codes(outcome) == {"lock_a": "released"}
    assert codes(told)["lock_live"] == "not_proved"
    assert scene.value(b"shop:1:lock_live") is not None


def test_the_same_plan_twice_is_one_act(operator, orphans):
    plan = plan_bulk(operator, "session", orphans)

    first = execute_bulk(operator, "session", plan.signed, "their workers died")
    second = execute_bulk(operator, "session", plan.signed, "their workers died")

    assert (second.act.pk, second.replayed) == (first.act.pk, True)
    assert OperatorAct.objects.count() == 4


def test_two_people_release_each_lock_once(operator, orphans):
    other = make_user("otto", OPERATOR)
    theirs = plan_bulk(other, "other", orphans)
    carried_out(operator, orphans)

    outcome = execute_bulk(other, "other", theirs.signed, "mine as well")

    assert (outcome.state, outcome.code) == ("refused", "released_none")
    assert set(codes(outcome).values()) == {"already_gone"}
    assert "olga released it" in parts_of(outcome.act)[0].values["by"] + " released it"


def test_a_plan_of_another_person_a_forged_one_and_an_old_one_do_nothing(scene, operator, orphans):
    plan = plan_bulk(operator, "session", orphans)
    later = datetime.now(UTC) + timedelta(seconds=61)

    for code, user, text, now in (
        ("plan_of_another", make_user("otto", OPERATOR), plan.signed, None),
        ("plan_forged", operator, plan.signed[:-2] + "xx", None),
        ("plan_expired", operator, plan.signed, later),
    ):
        with pytest.raises(Refused) as caught:
            execute_bulk(user, "session", text, "because", now=now)
        assert caught.value.code == code
    assert scene.redis.dbsize() == 3
    assert not OperatorAct.objects.exists()


def test_it_needs_the_permission_and_acts_switched_on(operator, viewer, orphans, settings):
    for user in (viewer, operator):
        settings.LOCKHOUSE = {**settings.LOCKHOUSE, "READ_ONLY": user is operator}
        with pytest.raises(Refused) as caught:
            plan_bulk(user, "session", orphans)
        assert caught.value.code in {"forbidden", "read_only"}


def test_nothing_and_too_much_are_refused(operator, scene):
    with pytest.raises(Refused, match="No lock was ticked"):
        plan_bulk(operator, "session", [])
    with pytest.raises(Refused, match=str(MAX_LOCKS)):
        plan_bulk(operator, "session", [(f"{number:016x}", "0" * 16) for number in range(MAX_LOCKS + 1)])


def test_a_token_must_be_named(scene, operator, orphans):
    [(lock_id, _), *_] = orphans

    outcome = release_many(operator, [(lock_id, "")], "because", origin="api")

    assert list(codes(outcome).values()) == ["changed_hands"]
    assert scene.redis.dbsize() == 3


def test_undo_of_one_and_of_all(scene, operator, orphans):
    outcome = carried_out(operator, orphans)
    first, *_ = parts_of(outcome.act)

    undo(operator, first.pk)
    done = undo_all(operator, outcome.act.pk)

    assert {one.code for one in done} == {"restored"}
    assert scene.redis.dbsize() == 3


def test_undo_of_all_says_each_that_was_taken_meanwhile(scene, operator, orphans):
    outcome = carried_out(operator, orphans)
    scene.take("lock_b")

    done = undo_all(operator, outcome.act.pk)

    assert sorted(one.code for one in done) == ["restored", "restored", "taken_again"]


def test_undo_of_all_is_too_late_for_all(operator, orphans):
    outcome = carried_out(operator, orphans)

    with pytest.raises(Refused) as caught:
        undo_all(operator, outcome.act.pk, now=datetime.now(UTC) + timedelta(seconds=31))

    assert caught.value.code == "too_late"


def test_the_whole_stands_for_its_parts_in_the_list_and_counts_as_one_against_the_limit(scene, operator):
    picked = seen(scene, *(scene.take(f"lock_{number}", token=orphan_token()) for number in range(40)))
    carried_out(operator, picked)
    lock = scene.orphan("lock_alone")

    outcome = carried_out(operator, [(lock.id, lock.token_digest)])

    assert outcome.code == "released_all"
    assert [act.act for act in acts("", None)] == ["locks-release", "locks-release"]
    assert acts("lock_39", None).paginator.count == 2


def test_a_lock_that_nobody_knows_is_gone(operator, scene):
    scene.orphan()

    outcome = release_many(operator, [("0" * 16, "1" * 16)], "because", origin="api")

    assert list(codes(outcome).values()) == ["already_gone"]


def test_one_idempotency_key_is_one_act_and_no_other_act_may_have_it(operator, orphans):
    first = release_many(operator, orphans, "because", origin="api", idempotency_key="k")
    again = release_many(operator, orphans, "because", origin="api", idempotency_key="k")

    assert (again.act.pk, again.replayed) == (first.act.pk, True)
    with pytest.raises(Refused) as caught:
        release_many(operator, orphans[:1], "because", origin="api", idempotency_key="k")
    assert caught.value.code == "key_reused"
