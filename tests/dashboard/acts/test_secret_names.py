"""A secret in a name is in no record, and its lock or result is released, changed, put back and settled all the same."""

import base64
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.cache import CacheHandler

from dashboard import connections, snapshot
from dashboard.acts.lifetime import execute_change, plan_change
from dashboard.acts.registry import EXTEND
from dashboard.acts.release import execute, plan_release
from dashboard.acts.results import execute_delete, plan_delete, restore
from dashboard.acts.settle import settle
from dashboard.acts.undo import undo
from dashboard.models import OperatorAct
from dashboard.observer.survey import survey
from tests.dashboard.acts.scene import make_user, orphan_token, release
from tests.dashboard.acts.test_settle import proxied, scene, server, wait_past

pytestmark = pytest.mark.django_db
__all__ = ["proxied", "scene", "server"]
NAME = "lock_https://bob:hunter2secret@db.example/x"
RESULT = "report_https://bob:hunter2secret@db.example/x"
LONG_AGO = timedelta(minutes=5)


def secret_lock(scene, token=None):
    return scene.see(scene.take(NAME, token=token or orphan_token()))


def no_secret_is_kept():
    said = [{name: str(value) for name, value in vars(act).items()} for act in OperatorAct.objects.all()]
    raw = [base64.b64decode(act.before.get("key", "")) for act in OperatorAct.objects.all()]
    return said and "hunter2secret" not in str(said) and not any(raw)


def test_a_release_and_its_undo_keep_no_secret_and_work(scene, operator):
    token = orphan_token()
    lock = secret_lock(scene, token)

    released = release(operator, lock)
    back = undo(operator, released.act.pk)

    assert (released.code, back.code) == ("released", "restored")
    assert scene.value(lock.raw_key) == token
    assert no_secret_is_kept()


def test_a_release_keeps_no_secret_that_the_token_names(scene, operator):
    token = orphan_token("password=hunter2secret")

    released = release(operator, scene.see(scene.take(token=token)))

    assert released.code == "released"
    assert "hunter2secret" not in str(vars(released.act)) and "••••••" in str(released.act.before["holder"])


def test_an_extension_and_its_undo_keep_no_secret_and_work(scene, operator):
    lock = secret_lock(scene)
    plan = plan_change(operator, "session", EXTEND, lock.id, lock.token_digest, timedelta(minutes=5))

    extended = execute_change(operator, "session", EXTEND, plan.signed, "it takes longer")
    back = undo(operator, extended.act.pk)

    assert (extended.code, back.code) == ("extended", "deadline_back")
    assert scene.redis.pttl(lock.raw_key) <= 60_000
    assert no_secret_is_kept()


@pytest.fixture
def unanswered(scene, proxied, operator):
    """A release whose answer was lost on its way; it was carried out."""
    lock = secret_lock(scene)
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    proxied.on_eval = lambda: setattr(proxied, "drops_answers", True)
    outcome = execute(operator, "session", plan.signed, "its worker died")
    proxied.drops_answers = False
    assert outcome.state == "unknown"
    assert no_secret_is_kept()
    return outcome.act


def test_what_came_of_it_without_an_answer_is_known_by_what_is_kept_for_an_undo(scene, unanswered):
    wait_past(scene.redis, unanswered)

    assert (settle(unanswered).state, unanswered.code) == ("done", "gone_since")


def test_when_that_is_kept_no_more_the_observer_tells_that_the_lock_is_gone_and_nothing_is_scanned(scene, unanswered):
    connections.own().delete(*connections.own().keys("*:undo:*"))
    scene.put([])
    unanswered.started_at -= LONG_AGO
    scans = scan_calls(scene)

    assert (settle(unanswered).state, unanswered.code) == ("done", "gone_since")
    assert scan_calls(scene) == scans


def test_while_the_observer_cannot_see_that_cache_the_act_stays_unknown(scene, unanswered):
    connections.own().delete(*connections.own().keys("*:undo:*"))
    scene.put([])
    known = snapshot.newest()
    away = tuple(replace(source, ok=False) for source in known.sources)
    version = known.version + 1000
    snapshot.put(connections.own(), replace(known, version=version, sources=away), dict.fromkeys(snapshot.SECTIONS, version), {"sources"}, epoch=1)
    unanswered.started_at -= LONG_AGO

    assert settle(unanswered).state == "unknown"


def scan_calls(scene):
    return scene.redis.info("commandstats").get("cmdstat_scan", {"calls": 0})["calls"]


@pytest.fixture
def cache(watching, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "INSPECT": False, "RESULT_PATTERNS": ["report_*"]}
    handled = CacheHandler(settings.LOCKHOUSE["CACHES"])["shop"]
    handled.set(RESULT, {"a": 1}, 300)
    return handled


@pytest.fixture
def deleted(cache):
    user, known = make_user("dora", ("view_locks", "delete_result", "view_acts")), survey()
    snapshot.put(connections.own(), known, dict.fromkeys(snapshot.SECTIONS, time.time_ns()), set(snapshot.SECTIONS), epoch=1)
    [result] = known.results
    done = execute_delete(user, "session", plan_delete(user, "session", result.id).signed, "stale")
    assert done.code == "result_deleted"
    left = survey()
    snapshot.put(connections.own(), left, dict.fromkeys(snapshot.SECTIONS, time.time_ns()), set(snapshot.SECTIONS), epoch=1)
    return user, done.act


def test_a_result_is_deleted_and_put_back_without_its_secret_in_a_record(cache, deleted):
    user, act = deleted

    assert cache.get(RESULT) is None
    assert restore(user, act.pk).code == "result_restored"
    assert cache.get(RESULT) == {"a": 1}
    assert no_secret_is_kept()


def test_what_came_of_putting_it_back_without_an_answer_is_known_as_well(cache, deleted):
    user, act = deleted
    back = restore(user, act.pk).act
    back.state, back.before = "unknown", {**back.before, "valid_until_ms": 0}

    assert (settle(back).state, back.code) == ("done", "result_restored")


def test_a_result_whose_key_cannot_be_remembered_is_not_deleted(cache, settings):
    user, known = make_user("dora", ("view_locks", "delete_result", "view_acts")), survey()
    snapshot.put(connections.own(), known, dict.fromkeys(snapshot.SECTIONS, time.time_ns()), set(snapshot.SECTIONS), epoch=1)
    plan = plan_delete(user, "session", known.results[0].id)
    connections.own().config_set("maxmemory", "1")

    try:
        done = execute_delete(user, "session", plan.signed, "stale")
    finally:
        connections.own().config_set("maxmemory", "0")

    assert (done.state, done.code) == ("failed", "unreachable")
    assert cache.get(RESULT) == {"a": 1}
