"""A release: what it does and records, and what it leaves alone because it is gone, changed hands, or was never a lock."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry

from dashboard.acts.refusals import Refused
from dashboard.acts.release import execute, plan_release, release_now
from dashboard.models import OperatorAct
from tests.dashboard.acts.scene import OPERATOR, PREFIX, code_of, make_user, orphan_token, release

pytestmark = pytest.mark.django_db


def test_an_orphaned_lock_is_released_and_everything_of_it_recorded(scene, operator):
    lock = scene.orphan()

    outcome = release(operator, lock, reason="its worker was killed")

    assert (outcome.state, outcome.code) == ("done", "released")
    assert scene.value(lock.raw_key) is None
    act = OperatorAct.objects.get()
    assert (act.username, act.reason, act.target_name, act.cache, act.origin) == ("olga", "its worker was killed", "lock_report_7", "shop", "page")
    assert act.before["verdict"] == "orphaned"
    assert 0 < act.values["ttl_ms"] <= 60_000
    assert act.finished_at >= act.started_at


def test_the_token_is_in_no_record(scene, operator):
    token = orphan_token()
    lock = scene.see(scene.take(token=token))

    release(operator, lock)

    act = OperatorAct.objects.get()
    assert token.decode() not in str(vars(act))


def test_a_token_that_has_the_form_of_a_task_id_is_on_no_page_and_in_no_record(scene, admin, client):
    token = "d9c26803-1111-4222-8333-444455556666"
    lock = scene.see(scene.take(token=token.encode()))
    client.force_login(admin)

    shown = [client.get(url).content.decode() for url in ("/locks/", f"/locks/{lock.id}/", "/api/v1/locks", f"/api/v1/locks/{lock.id}")]
    outcome = release_now(admin, lock.id, lock.token_digest, "it hangs", force=True, origin="cli")

    assert outcome.code == "released"
    assert not [page for page in shown if token in page or lock.id not in page]
    assert token not in str(OperatorAct.objects.get().__dict__)


def test_a_done_act_is_in_the_admins_log(scene, operator):
    release(operator, scene.orphan(), reason="gone")

    entry = LogEntry.objects.get()
    assert entry.user == operator
    assert "gone" in entry.get_change_message()


def test_a_lock_that_vanished_after_the_plan_is_said_to_be_gone(scene, operator):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    scene.redis.delete(lock.raw_key)

    outcome = execute(operator, "session", plan.signed, "gone")

    assert (outcome.state, outcome.code) == ("refused", "already_gone")


def test_a_lock_taken_anew_between_plan_and_execute_is_left_alone(scene, operator):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    scene.redis.delete(lock.raw_key)
    scene.take(token=b"somebody-else")

    outcome = execute(operator, "session", plan.signed, "gone")

    assert (outcome.state, outcome.code) == ("refused", "changed_hands")
    assert scene.value(lock.raw_key) == b"somebody-else"


def test_since_when_it_changed_hands_is_said_where_the_token_tells(scene, operator):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    scene.redis.delete(lock.raw_key)
    scene.take()  # redis-py's own token carries its time

    outcome = execute(operator, "session", plan.signed, "gone")

    assert "changed hands at" in outcome.sentence


def test_a_second_submission_answers_with_what_came_of_the_first(scene, operator):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)

    first = execute(operator, "session", plan.signed, "gone")
    scene.take(token=orphan_token())
    second = execute(operator, "session", plan.signed, "gone", now=datetime.now(UTC) + timedelta(hours=1))

    assert (second.act.pk, second.code, second.replayed) == (first.act.pk, "released", True)
    assert scene.value(lock.raw_key) is not None
    assert OperatorAct.objects.count() == 1


def test_two_people_release_the_same_lock_and_one_hears_who_did(scene, operator):
    lock = scene.orphan()
    other = make_user("otto", OPERATOR)
    plans = [(user, plan_release(user, user.username, lock.id, lock.token_digest)) for user in (operator, other)]

    first, second = (execute(user, user.username, plan.signed, "gone") for user, plan in plans)

    assert first.code == "released"
    assert second.code == "already_gone"
    assert "olga released it" in second.sentence


def test_a_reason_is_asked_for(scene, operator):
    lock = scene.orphan()

    assert code_of(lambda: release(operator, lock, reason="  ")) == "reason_missing"
    assert scene.value(lock.raw_key) is not None


def test_a_key_of_another_type_is_refused(scene, admin):
    key = PREFIX + b"lock_hash"
    scene.redis.hset(key, "a", "b")
    lock = scene.see(key)

    plan = plan_release(admin, "session", lock.id, lock.token_digest)

    assert (plan.obstacle.code, plan.obstacle.values) == ("not_a_lock", {"kind": "hash"})
    outcome = release_now(admin, lock.id, "0" * 16, "gone", force=True, origin="api")
    assert outcome.code == "not_a_lock"
    assert scene.redis.exists(key)


def test_a_value_too_long_for_a_token_is_refused(scene, admin):
    key = PREFIX + b"lock_long"
    scene.redis.set(key, b"x" * 5000)
    lock = scene.see(key)

    outcome = release_now(admin, lock.id, lock.token_digest, "gone", force=True, origin="api")
    assert outcome.code == "not_a_lock"
    assert outcome.sentence == "Nothing done: what is under this key is not a lock (its value is too long for a token)."
    assert scene.redis.exists(key)


def test_a_key_of_a_megabyte_is_released(scene, operator):
    lock = scene.orphan("lock_" + "x" * 1_000_000)

    outcome = release(operator, lock)

    assert outcome.code == "released"
    assert scene.redis.dbsize() == 0


def test_a_key_that_is_not_utf_8_is_released(scene, operator):
    lock = scene.orphan("lock_\udcff\udcfe")

    outcome = release(operator, lock)

    assert outcome.code == "released"
    assert outcome.act.target_name == r"lock_\xff\xfe"
    assert scene.redis.dbsize() == 0


def test_too_many_releases_within_a_minute_are_refused_and_recorded(scene, operator):
    for number in range(30):
        assert release(operator, scene.orphan(f"lock_{number}")).is_done
    last = scene.orphan("lock_last")

    assert code_of(lambda: release(operator, last)) == "too_many"
    assert scene.value(last.raw_key) is not None
    assert OperatorAct.objects.filter(state="refused", code="too_many").count() == 1


def test_refusal_of_too_many_acts_has_the_status_for_programs():
    assert Refused("too_many", limit=30).status == 429


def test_an_idempotency_key_is_one_act_of_one_user(scene, operator):
    lock = scene.orphan()
    other = make_user("otto", OPERATOR)

    first = release_now(operator, lock.id, lock.token_digest, "gone", origin="api", idempotency_key="k1")
    again = release_now(operator, lock.id, lock.token_digest, "gone", origin="api", idempotency_key="k1")
    others = release_now(other, lock.id, lock.token_digest, "gone", origin="api", idempotency_key="k1")

    assert (first.code, first.replayed) == ("released", False)
    assert (again.act.pk, again.replayed) == (first.act.pk, True)
    assert others.code == "already_gone"
    assert code_of(lambda: release_now(operator, "f" * 16, lock.token_digest, "gone", origin="api", idempotency_key="k1")) == "key_reused"


def test_a_cache_that_does_not_answer_is_said_and_nothing_is_done(scene, operator, settings, watching):
    from dashboard import connections

    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    away = {**settings.LOCKHOUSE["CACHES"]["shop"], "LOCATION": "redis://127.0.0.1:1/1"}
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "CACHES": {"shop": away}}
    connections.forget_connections()

    outcome = execute(operator, "session", plan.signed, "gone")

    assert (outcome.state, outcome.code) == ("failed", "unreachable")
    assert scene.value(lock.raw_key) is not None
