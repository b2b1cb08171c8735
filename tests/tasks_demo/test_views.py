"""The demo's pages in this process, on a real Valkey: what they show, what they send and what they refuse."""

import copy
import pickle
from pathlib import Path

import pytest
import yaml
from django.contrib.auth.models import Group
from django.core.cache import caches
from django.test import Client
from redis import Redis

from tasks_demo import views
from tasks_demo.environment import demo_environment
from tasks_demo.scenes import SceneNotSent
from tasks_demo.settings import SERIALIZER, demo_settings

pytestmark = pytest.mark.django_db
FACTS = {"id": 3, "name": "web-3", "cores": 8, "load_percent": 11}
PAGE, ASK, SCENE = "/demo/servers/3/", "/demo/servers/3/ask/", "/demo/scenes/unread-queue/"


class Planted:
    """What writes a file when somebody unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture(autouse=True)
def _demo(settings, watching):
    """The demo's settings and pages beside Lockhouse's."""
    settings.CACHES = demo_settings(settings.LOCKHOUSE, settings.CACHES)["CACHES"]
    settings.ROOT_URLCONF = "tests.tasks_demo.urls"
    templates = copy.deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"].insert(0, settings.BASE_DIR / "tasks_demo" / "templates")
    templates[0]["OPTIONS"]["libraries"] = {"demo_scenes": "tasks_demo.templatetags.demo_scenes"}
    settings.TEMPLATES = templates


@pytest.fixture
def sent(monkeypatch) -> list:
    """What is sent instead of to a broker."""
    sent: list = []
    monkeypatch.setattr("tasks_demo.views.send", sent.append)
    monkeypatch.setattr("tasks_demo.views.play", sent.append)
    return sent


@pytest.fixture
def shop(server_url):
    with Redis.from_url(f"{server_url}/1") as client:
        yield client


@pytest.fixture
def log_in(django_user_model):
    """Logs a user of that group in; csrf is checked only when asked for."""

    def log_in(group: str, enforce_csrf_checks: bool = False) -> Client:
        user = django_user_model.objects.create_user("olga")
        user.groups.set(Group.objects.filter(name=group))
        client = Client(enforce_csrf_checks=enforce_csrf_checks)
        client.force_login(user)
        return client

    return log_in


def text(response) -> str:
    return response.content.decode()


def test_pickle_in_the_cache_is_a_sentence_and_runs_nothing(log_in, shop, tmp_path):
    ran = tmp_path / "ran"
    shop.set("shop:1:server_3", pickle.dumps(Planted(ran)))

    page = log_in("Viewers").get(PAGE)

    assert page.status_code == 200
    assert 'id="server-unreadable"' in text(page)
    assert not ran.exists()
    pickle.loads(shop.get("shop:1:server_3"))  # what would have happened
    assert ran.exists()


@pytest.mark.parametrize("value", [b"", b"\xff\xfe", b"5", b"[1]", b"{}", b'{"name": 1}', b"[" * 200_000])
def test_value_that_is_no_server_is_a_sentence(log_in, shop, value):
    shop.set("shop:1:server_3", value)

    page = log_in("Viewers").get(PAGE)

    assert page.status_code == 200
    assert 'id="server-unreadable"' in text(page)


def test_key_of_another_type_is_a_sentence(log_in, shop):
    shop.rpush("shop:1:server_3", "a")

    assert 'id="server-unreadable"' in text(log_in("Viewers").get(PAGE))


@pytest.mark.parametrize("alias", ["shop", "plain"])
def test_values_are_json_wherever_the_caches_are_made(alias, settings, tmp_path):
    compose = yaml.safe_load((settings.BASE_DIR / "docker-compose.yml").read_text())["services"]["web"]["environment"]["LOCKHOUSE_CACHES"]
    of_demo = demo_environment(tmp_path, settings.BASE_DIR)["LOCKHOUSE_CACHES"]
    bare = demo_settings({"CACHES": {alias: {"LOCATION": "redis://127.0.0.1:9/1"}}}, {})["CACHES"]

    for made in (yaml.safe_load(compose), yaml.safe_load(of_demo), bare):
        assert made[alias]["OPTIONS"]["SERIALIZER"] == SERIALIZER


def test_facts_are_shown(log_in):
    caches["shop"].set("server_3", FACTS)

    page = text(log_in("Viewers").get(PAGE))

    assert "web-3" in page
    assert "Ask the server" not in page


def test_looking_sends_nothing_and_asking_sends_once(log_in, sent):
    client = log_in("Operators")

    before = text(client.get(PAGE))
    assert "Ask the server" in before
    assert " disabled" not in before.split("servers/3/ask/")[1].split("</form>")[0]
    assert sent == []
    assert client.post(ASK)["Location"] == PAGE
    client.post(ASK)

    assert [(sending.task, sending.args) for sending in sent] == [("servers_retrieve_info", (3,))]
    after = text(client.get(PAGE))
    assert "Being retrieved, please wait." in after
    assert 'http-equiv="refresh"' in after


def test_broker_that_takes_nothing_is_told_and_can_be_asked_again(log_in, monkeypatch):
    def fail(_sending):
        raise SceneNotSent

    monkeypatch.setattr("tasks_demo.views.send", fail)

    page = text(log_in("Operators").post(ASK, follow=True))

    assert "the broker did not take it" in page
    assert "Ask the server" in page


def test_viewer_sees_why_asking_is_off_and_cannot_ask(log_in, sent):
    client = log_in("Viewers")

    page = text(client.get(PAGE))

    assert 'disabled aria-describedby="server-why"' in page
    assert "lockhouse.send_tasks" in page
    assert client.post(ASK).status_code == 403
    assert sent == []


def test_user_without_permissions_sees_no_server(log_in):
    client = log_in("Nobody")

    assert [client.get(path).status_code for path in (PAGE, "/demo/servers/")] == [403, 403]


def test_asking_needs_a_post_with_a_token_for_a_server_that_exists(log_in, sent):
    client = log_in("Operators", enforce_csrf_checks=True)

    assert client.get(ASK).status_code == 405
    assert client.post(ASK).status_code == 403
    client.handler.enforce_csrf_checks = False
    assert client.post(PAGE).status_code == 405
    assert client.post("/demo/servers/99/ask/").status_code == 404
    assert sent == []


@pytest.mark.parametrize("path", [ASK, SCENE])
def test_read_only_sends_nothing_and_says_so(log_in, settings, sent, path):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "READ_ONLY": True}
    client = log_in("Operators")

    refused = client.post(path)

    assert refused.status_code == 403
    assert "LOCKHOUSE_READ_ONLY" in text(refused)
    assert sent == []
    assert 'disabled aria-describedby="server-why"' in text(client.get(PAGE))
    assert text(client.get("/")).count('disabled aria-describedby="demo-scenes-why"') == 4


def test_what_is_not_said_is_read_only(settings):
    settings.LOCKHOUSE = {}

    assert views.is_read_only()
