"""A key that is too long for a snapshot is looked for at an easy pace, once for a plan and its act, and not for ever."""

import time
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from dashboard import connections, snapshot
from dashboard.acts import long_keys
from dashboard.acts.long_keys import find_long_key
from dashboard.exceptions import SourceUnavailable
from dashboard.observer.survey import survey
from tests.dashboard.acts.pages import logged_in, plan_in, release_url
from tests.dashboard.acts.scene import make_user, orphan_token

pytestmark = pytest.mark.django_db
NAME = "lock_" + "z" * 9000
OTHERS = 40_000
FILL = f"for number = 1, {OTHERS} do redis.call('SET', 'filler:' .. number, 'x') end"


@pytest.fixture
def lock(scene):
    """One with a very long name among many keys."""
    scene.redis.eval(FILL, 0)
    return scene.see(scene.take(NAME, token=orphan_token()))


@pytest.fixture(autouse=True)
def _pauses_are_long_enough_to_be_told_from_the_rest(monkeypatch):
    monkeypatch.setattr(long_keys, "PAUSE_S", 0.005)


def scans(scene):
    return scene.redis.info("commandstats").get("cmdstat_scan", {"calls": 0})["calls"]


def test_a_whole_pass_goes_at_an_easy_pace(scene, lock):
    before, began = scans(scene), time.monotonic()

    found = find_long_key(connections.watched_one("shop"), "0" * 16)

    took, calls = time.monotonic() - began, scans(scene) - before
    assert found is None
    assert calls > 100
    assert took > calls * long_keys.PAUSE_S


def test_the_page_of_a_release_looks_for_it_and_its_act_not_again(scene, operator, lock):
    client, before = logged_in(operator), scans(scene)

    page = client.get(release_url(lock), {"digest": lock.token_digest})
    calls = scans(scene) - before

    assert calls
    answer = client.post(release_url(lock), {"plan": plan_in(page), "reason": "its worker died"}, follow=True)
    assert "Released." in answer.content.decode()
    assert scans(scene) - before == calls


def test_opened_again_the_page_does_not_look_again(scene, operator, lock):
    client = logged_in(operator)
    client.get(release_url(lock))
    before = scans(scene)

    assert client.get(release_url(lock)).status_code == 200
    assert scans(scene) == before


def test_what_is_remembered_under_its_id_is_another_key_only_if_somebody_forged_it(scene, lock):
    connections.own().set(f"lockhouse:test-system:long-key:{lock.id}", b"shop:1:another")

    assert find_long_key(connections.watched_one("shop"), lock.id) == b"shop:1:" + NAME.encode()


def test_it_is_not_looked_for_for_ever(scene, operator, lock, monkeypatch):
    monkeypatch.setattr(long_keys, "PATIENCE_S", 0.0)

    with pytest.raises(SourceUnavailable, match="so many names"):
        find_long_key(connections.watched_one("shop"), lock.id)
    assert logged_in(operator).get(release_url(lock)).status_code == 503


def test_a_result_with_a_very_long_name_is_looked_for_once_as_well(scene, settings, watching):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "INSPECT": False, "RESULT_PATTERNS": ["report_*"]}
    connections.forget_connections()
    scene.redis.eval(FILL, 0)
    scene.redis.set("shop:1:report_" + "z" * 9000, '{"a": 1}', px=60_000)
    known = survey()
    version = round(datetime.now(UTC).timestamp() * 1000)
    snapshot.put(connections.own(), known, dict.fromkeys(snapshot.SECTIONS, version), set(snapshot.SECTIONS), epoch=1)
    client = logged_in(make_user("dora", ("view_locks", "view_payloads", "delete_result")))
    url, before = reverse("lockhouse:result-delete", args=[known.results[0].id]), scans(scene)

    assert client.get(url).status_code == 200
    calls = scans(scene) - before
    assert client.get(url).status_code == 200

    assert calls
    assert scans(scene) - before == calls
