"""Who may not see an act cannot undo it either, by whichever way; who did it can, and who may view all acts can."""

import time

import pytest
from django.core.cache import CacheHandler
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from dashboard import connections, snapshot
from dashboard.acts.refusals import Refused
from dashboard.acts.results import execute_delete, plan_delete, restore
from dashboard.acts.undo import undo
from dashboard.models import OperatorAct
from dashboard.observer.survey import survey
from tests.dashboard.acts.pages import logged_in
from tests.dashboard.acts.scene import make_user, orphan_token, release
from tests.dashboard.api.calls import bearer, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(db):
    return make_user("otto", ("view_locks", "release_lock"))


@pytest.fixture
def released(scene, admin):
    """An act of somebody else, and the key of its lock."""
    token = orphan_token()
    lock = scene.see(scene.take(token=token))
    return release(admin, lock).act, lock.raw_key, token


def by_page(other, act):
    return logged_in(other).post(reverse("lockhouse:act-undo", args=[act.pk])).status_code


def by_api(other, act):
    return post(Client(), f"/api/v1/acts/{act.pk}/undo", {}, **bearer(other)).status_code


def by_command(other, act):
    with pytest.raises(SystemExit) as ended:
        call_command("undo", str(act.pk), "--as", other.username)
    return {0: 200, 1: 403}[ended.value.code]


@pytest.mark.parametrize("way", [by_page, by_api, by_command])
def test_an_act_that_somebody_may_not_see_is_not_undone_by_them(scene, other, released, way):
    act, key, _token = released
    assert logged_in(other).get(reverse("lockhouse:act", args=[act.pk])).status_code == 403

    status = way(other, act)

    assert status == 403
    assert scene.value(key) is None
    assert OperatorAct.objects.get() == act


def test_whoever_may_view_all_acts_undoes_that_of_another(scene, operator, released):
    act, key, token = released

    assert undo(operator, act.pk).code == "restored"
    assert scene.value(key) == token


def test_whoever_did_it_undoes_it_without_the_right_to_view_those_of_others(scene, other):
    act = release(other, scene.orphan()).act

    assert undo(other, act.pk).code == "restored"


def test_who_is_at_the_terminal_undoes_any(scene, released):
    act, _key, _token = released

    assert undo(None, act.pk, origin="cli", shell_name="root (terminal)").code == "restored"


def test_a_result_that_another_deleted_is_not_restored_by_who_may_not_see_that(watching, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "INSPECT": False, "RESULTS": {"server_{id}": {"task": "servers_retrieve_info"}}}
    cache = CacheHandler(settings.LOCKHOUSE["CACHES"])["shop"]
    cache.set("server_7", 1, 300)
    known = survey()
    snapshot.put(connections.own(), known, dict.fromkeys(snapshot.SECTIONS, time.time_ns()), set(snapshot.SECTIONS), epoch=1)
    mine, others = (make_user(name, ("view_locks", "delete_result")) for name in ("dora", "otto"))
    done = execute_delete(mine, "session", plan_delete(mine, "session", known.results[0].id).signed, "stale")

    with pytest.raises(Refused) as caught:
        restore(others, done.act.pk)

    assert caught.value.code == "forbidden"
    assert cache.get("server_7") is None
    assert restore(mine, done.act.pk).code == "result_restored"
