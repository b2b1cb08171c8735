"""Deleting a result and putting it back: planned, compared, recorded; nothing is lost for a day."""

import time

import pytest
from django.core.cache import CacheHandler
from django.urls import reverse

from dashboard import connections, snapshot
from dashboard.acts import scripts, trash
from dashboard.acts.refusals import Refused
from dashboard.acts.results import execute_delete, plan_delete, restore
from dashboard.acts.settle import settle
from dashboard.models import OperatorAct
from dashboard.observer.survey import survey
from dashboard.sources.results import place_of
from tests.dashboard.acts.scene import make_user

MAY = ("view_locks", "delete_result", "view_acts")
pytestmark = pytest.mark.django_db


@pytest.fixture
def cache(watching, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "INSPECT": False, "RESULTS": {"server_{id}": {"task": "servers_retrieve_info"}}}
    return CacheHandler(settings.LOCKHOUSE["CACHES"])["shop"]


@pytest.fixture
def user(db):
    return make_user("dora", MAY)


def see():
    """What an observer knows now; ids by name."""
    known = survey()
    assert snapshot.put(connections.own(), known, dict.fromkeys(snapshot.SECTIONS, time.time_ns()), set(snapshot.SECTIONS), epoch=1)
    return {result.name: result.id for result in known.results}


def raw(cache):
    return cache.client.get_client()


def delete(user, result_id, reason="stale"):
    return execute_delete(user, "session", plan_delete(user, "session", result_id).signed, reason)


def test_plan_says_what_deleting_means(cache, user):
    cache.set("server_7", {"a": 1}, 300)

    plan = plan_delete(user, "session", see()["server_7"])

    assert [effect.code for effect in plan.effects] == ["result_written_again", "result_to_trash", "result_compared"]
    assert plan.signed
    assert cache.get("server_7") == {"a": 1}


def test_deleted_result_is_gone_and_recorded_and_comes_back_with_the_time_that_was_left(cache, user):
    cache.set("server_7", {"a": 1}, 300)
    ids = see()

    done = delete(user, ids["server_7"])

    assert (done.state, done.code) == ("done", "result_deleted")
    assert cache.get("server_7") is None
    assert (done.act.act, done.act.username, done.act.reason) == ("result-delete", "dora", "stale")
    assert raw(cache).pttl(trash.place_in_trash(done.act.pk)) > 23 * 3600 * 1000

    back = restore(user, done.act.pk)

    assert (back.state, back.code) == ("done", "result_restored")
    assert cache.get("server_7") == {"a": 1}
    assert 290 < cache.ttl("server_7") <= 300
    assert not raw(cache).exists(trash.place_in_trash(done.act.pk))
    assert restore(user, done.act.pk).replayed


def test_result_that_never_expired_comes_back_never_expiring(cache, user):
    cache.set("report_1", "x", None)

    done = delete(user, see()["report_1"])
    restore(user, done.act.pk)

    assert raw(cache).pttl("shop:1:report_1") == -1


def test_result_that_was_written_anew_is_not_deleted(cache, user):
    cache.set("server_7", "old", 300)
    plan = plan_delete(user, "session", see()["server_7"])
    cache.set("server_7", "new", 300)

    done = execute_delete(user, "session", plan.signed, "stale")

    assert (done.state, done.code) == ("refused", "result_changed")
    assert cache.get("server_7") == "new"


def test_script_compares_by_itself_and_beyond_what_is_read(cache, user):
    raw(cache).set("shop:1:report_big", b"a" * 200_000)
    see()
    target_id = see()["report_big"]
    plan = plan_delete(user, "session", target_id)
    raw(cache).append("shop:1:report_big", b"b")

    assert execute_delete(user, "session", plan.signed, "x").code == "result_changed"
    assert delete(user, target_id).code == "result_deleted"


def test_what_was_written_meanwhile_is_not_overwritten_by_putting_back(cache, user):
    cache.set("server_7", "old", 300)
    done = delete(user, see()["server_7"])
    cache.set("server_7", "new", 300)

    back = restore(user, done.act.pk)

    assert (back.state, back.code) == ("refused", "result_taken")
    assert cache.get("server_7") == "new"
    cache.delete("server_7")
    assert restore(user, done.act.pk).code == "result_restored"


def test_trash_that_was_emptied_says_so(cache, user):
    cache.set("server_7", 1, 300)
    done = delete(user, see()["server_7"])
    raw(cache).delete(trash.place_in_trash(done.act.pk))

    assert restore(user, done.act.pk).code == "trash_empty"


def test_same_plan_twice_is_one_act(cache, user):
    cache.set("server_7", 1, 300)
    plan = plan_delete(user, "session", see()["server_7"])

    first = execute_delete(user, "session", plan.signed, "stale")
    second = execute_delete(user, "session", plan.signed, "stale")

    assert (first.act.pk, second.replayed) == (second.act.pk, True)
    assert OperatorAct.objects.count() == 1


@pytest.mark.parametrize("code", ["read_only", "forbidden", "result_not_known", "plan_of_another", "reason_missing"])
def test_refusals_before_anything_is_done(cache, user, settings, code):
    cache.set("server_7", 1, 300)
    result_id = see()["server_7"]
    plan = plan_delete(user, "session", result_id)
    if code == "read_only":
        settings.LOCKHOUSE = {**settings.LOCKHOUSE, "READ_ONLY": True}
    who = make_user("vera", ("view_locks",)) if code == "forbidden" else user

    tries = {
        "result_not_known": lambda: plan_delete(user, "session", "0" * 16),
        "plan_of_another": lambda: execute_delete(user, "other", plan.signed, "stale"),
        "reason_missing": lambda: execute_delete(user, "session", plan.signed, " "),
    }
    with pytest.raises(Refused) as refused:
        tries.get(code, lambda: plan_delete(who, "session", result_id))()

    assert refused.value.code == code
    assert cache.get("server_7") == 1


def test_gone_result_and_another_type_are_obstacles(cache, user):
    cache.set("server_7", 1, 300)
    raw(cache).hset("shop:1:server_9", "a", "b")
    ids = see()
    cache.delete("server_7")

    assert plan_delete(user, "session", ids["server_7"]).obstacle.code == "result_already_gone"
    assert plan_delete(user, "session", ids["server_9"]).obstacle.code == "result_other_type"


def test_lock_is_no_result_whatever_its_id(cache, user):
    raw(cache).set("shop:1:lock_report_7", "token", px=60_000)
    see()

    with pytest.raises(Refused):
        plan_delete(user, "session", "lock_report_7")


@pytest.mark.parametrize("was_done", [True, False])
def test_act_whose_answer_was_lost_is_settled_by_what_is_there(cache, user, was_done):
    cache.set("server_7", 1, 300)
    result_id = see()["server_7"]
    done = delete(user, result_id)
    if not was_done:
        raw(cache).rename(trash.place_in_trash(done.act.pk), "shop:1:server_7")
    act = done.act
    act.state, act.code, act.after, act.values = "unknown", "no_answer", {}, {}
    act.before["valid_until_ms"] -= 2 * scripts.VALID_MS
    act.save()

    settled = settle(act)

    assert (settled.state, settled.code) == (("done", "result_deleted_since") if was_done else ("failed", "result_not_done"))


def test_pages_plan_delete_and_put_back(cache, user, client):
    cache.set("server_7", 1, 300)
    result_id = see()["server_7"]
    client.force_login(user)
    url = reverse("lockhouse:result-delete", args=[result_id])

    page = client.get(url, headers={"HX-Request": "true"})
    again = client.post(url, {"plan": page.context["plan"].signed, "reason": ""}, headers={"HX-Request": "true"})
    answer = client.post(url, {"plan": again.context["plan"].signed, "reason": "stale"}, follow=True)
    act = OperatorAct.objects.get(state="done")

    assert "servers_retrieve_info" in page.content.decode()
    assert again.status_code == 422
    assert "in the trash for a day" in answer.content.decode()
    assert cache.get("server_7") is None
    assert f'action="/acts/{act.pk}/restore/"' in answer.content.decode()
    assert client.get(reverse("lockhouse:result-restore", args=[act.pk])).status_code == 405
    back = client.post(reverse("lockhouse:result-restore", args=[act.pk]), follow=True)
    assert "Put back" in back.content.decode()
    assert cache.get("server_7") == 1


def test_pages_are_for_those_with_the_permission(cache, client):
    cache.set("server_7", 1, 300)
    url = reverse("lockhouse:result-delete", args=[see()["server_7"]])

    assert client.get(url).status_code == 302
    client.force_login(make_user("vera", ("view_locks",)))
    assert client.get(url).status_code == 403
    assert client.post(url, {"plan": "x", "reason": "x"}).status_code == 403


def test_place_that_does_not_answer_is_said(cache, user, settings):
    cache.set("server_7", 1, 300)
    plan = plan_delete(user, "session", see()["server_7"])
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "CACHES": {"shop": {**settings.LOCKHOUSE["CACHES"]["shop"], "LOCATION": "redis://127.0.0.1:9/1"}}}
    connections.forget_connections()
    assert place_of("shop")

    done = execute_delete(user, "session", plan.signed, "stale")

    assert (done.state, done.code) == ("failed", "unreachable")
