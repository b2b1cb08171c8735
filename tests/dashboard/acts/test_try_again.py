"""A Redis that hangs before an act, or before its plan: nothing is done, and the way back to the plan stands there."""

import os
import re
import signal
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from dashboard import connections
from dashboard.models import OperatorAct
from tests.dashboard.acts.scene import Scene
from tests.system import running_server

pytestmark = pytest.mark.django_db
DIALOG = {"HX-Request": "true", "HX-Target": "lh-dialog"}


class Frozen:
    """The server of the cache, which can be stopped and let go on."""

    def __init__(self, url: str) -> None:
        self.redis = Redis.from_url(f"{url}/1", socket_timeout=30)
        self._pid = self.redis.info("server")["process_id"]

    def stop(self) -> None:
        os.kill(self._pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._pid, signal.SIGCONT)
        self.redis.ping()


@pytest.fixture
def cache(settings, watching):
    """The cache is on a server of this test's own; our own Redis is elsewhere."""
    with running_server() as started:
        shop = {**settings.LOCKHOUSE["CACHES"]["shop"], "LOCATION": f"{started.connection_url}/1"}
        settings.LOCKHOUSE = {**settings.LOCKHOUSE, "CACHES": {"shop": shop}}
        connections.forget_connections()
        server = Frozen(started.connection_url)
        try:
            yield server
        finally:
            server.go_on()


@pytest.fixture
def lock(cache):
    return Scene(redis=cache.redis).orphan()


@pytest.fixture
def client(operator):
    found = Client()
    found.force_login(operator)
    return found


def only(pattern: str, page: str) -> str:
    [found] = re.findall(pattern, page)
    return unescape(found)


def test_an_act_that_redis_did_not_hear_of_can_be_tried_again_from_its_answer(cache, lock, client):
    url, given = reverse("lockhouse:lock-release", args=[lock.id]), {"digest": lock.token_digest}
    plan = only(r'name="plan" value="([^"]+)"', client.get(url, given).content.decode())
    cache.stop()

    page = client.post(url, {**given, "plan": plan, "reason": "its worker died"}, headers=DIALOG).content.decode()

    assert OperatorAct.objects.get().code == "unreachable"
    assert page.count("does not answer") == 1, "once is enough"
    again = only(r'href="([^"]+)" data-dialog>Try again…<', page)
    cache.go_on()
    plan = only(r'name="plan" value="([^"]+)"', client.get(again, headers=DIALOG).content.decode())
    client.post(url, {**given, "plan": plan, "reason": "its worker died"}, headers=DIALOG)
    assert sorted(OperatorAct.objects.values_list("code", flat=True)) == ["released", "unreachable"]


def test_what_was_done_or_came_too_late_for_that_token_is_not_tried_again(lock, client, cache):
    url, given = reverse("lockhouse:lock-release", args=[lock.id]), {"digest": lock.token_digest}
    plan, late = (only(r'name="plan" value="([^"]+)"', client.get(url, given).content.decode()) for _ in range(2))

    pages = [client.post(url, {**given, "plan": one, "reason": "its worker died"}, headers=DIALOG).content.decode() for one in (plan, late)]

    assert sorted(OperatorAct.objects.values_list("code", flat=True)) == ["already_gone", "released"]
    assert not any("Try again" in page for page in pages)


@pytest.mark.parametrize("act", ["release", "extend"])
def test_a_plan_that_could_not_be_made_can_be_asked_for_again(cache, lock, client, act):
    url = reverse("lockhouse:lock-release", args=[lock.id]) if act == "release" else reverse("lockhouse:lock-change", args=[lock.id, act])
    cache.stop()

    response = client.get(url, {"digest": lock.token_digest}, headers=DIALOG)

    page = response.content.decode()
    assert response.status_code == 503
    assert "cache shop does not answer" in page
    cache.go_on()
    again = client.get(only(r'href="([^"]+)" data-dialog>Try again<', page), headers=DIALOG)
    assert again.status_code == 200
    assert 'name="plan"' in again.content.decode()
