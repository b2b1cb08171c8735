"""What machines ask for: who reads metrics, and health that never hangs and tells strangers no more than names."""

import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from dashboard import connections
from dashboard.snapshot import Reader
from dashboard.web.readiness import Probe, observed
from tests.dashboard.acts.scene import VIEWER, make_user
from tests.dashboard.api.calls import bearer
from tests.dashboard.api.test_queues import put
from tests.factories import NOW, ago, make_snapshot, make_source
from tests.system import wait_for

__all__ = ["put"]


@pytest.fixture
def allow(settings, watching):
    def allow(*networks):
        settings.LOCKHOUSE = {**settings.LOCKHOUSE, "METRICS_ALLOW": networks}

    return allow


@pytest.mark.django_db
def test_metrics_are_for_tokens_of_those_who_may_look(put):
    put()
    answer = Client().get("/metrics", headers=bearer(make_user("vera", VIEWER)))
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b'celery_worker_up{hostname="web-2"} 1.0' in answer.content
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_metrics_are_for_nobody_else(watching, client):
    assert Client().get("/metrics").status_code == 401
    assert Client().get("/metrics")["WWW-Authenticate"] == "Bearer"
    assert Client().get("/metrics", headers={"Authorization": "Bearer lh_wrong"}).status_code == 401
    assert Client().get("/metrics", headers=bearer(make_user("bob"))).status_code == 403
    client.force_login(make_user("vera", VIEWER))
    assert client.get("/metrics").status_code == 401, "a session is for pages"
    assert client.post("/metrics").status_code == 405


@pytest.mark.parametrize(("networks", "address"), [(["10.2.0.0/16"], "10.2.3.4"), (["127.0.0.1"], "::ffff:127.0.0.1"), (["::1", "fe80::/10"], "fe80::7")])
def test_addresses_that_the_settings_allow_need_no_token(allow, django_assert_num_queries, networks, address):
    allow(*networks)
    assert Client(REMOTE_ADDR=address).get("/metrics").status_code == 200


@pytest.mark.parametrize("address", ["10.3.0.1", "", "unix", "::1"])
def test_other_addresses_do(allow, address):
    allow("10.2.0.0/16", "127.0.0.1")
    assert Client(REMOTE_ADDR=address).get("/metrics").status_code == 401


def test_what_came_by_a_proxy_that_nobody_named_has_no_address_of_its_own(allow, settings):
    allow("127.0.0.1")
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 401
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 200


@pytest.mark.django_db
def test_wrong_token_is_not_made_good_by_an_address(allow):
    allow("127.0.0.1")
    assert Client().get("/metrics", headers={"Authorization": "Bearer lh_wrong"}).status_code == 401


def test_metrics_send_nothing_to_the_watched_redis(allow, put, redis):
    allow("127.0.0.1")
    put()
    redis.config_resetstat()
    for _ in range(5):
        assert Client().get("/metrics").status_code == 200
    asked = {name.removeprefix("cmdstat_").partition("|")[0] for name in redis.info("commandstats")}
    assert asked <= {"config", "info", "client", "hello", "select", "hget", "hmget"}, "only our own snapshot is read"


def test_process_that_lives_says_so_to_anybody_and_asks_nothing(watching, redis):
    redis.config_resetstat()
    answer = Client().get("/healthz")  # no database: the test would fail
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert set(redis.info("commandstats")) <= {"cmdstat_config|resetstat", "cmdstat_info"}
    assert Client().post("/healthz").status_code == 405


def readiness(put, broker, **sections):
    """The answer that says this of the broker, by what was put just now; one of before is given for a second."""

    def answer():
        put(**sections)
        found = Client().get("/readyz")
        return found.json()["sources"].get("broker") == broker and found

    return wait_for(answer, every=0.2, said=broker)


@pytest.mark.django_db(transaction=True)
def test_ready_means_that_every_source_answers(put):
    answer = readiness(put, "ok")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "sources": {"database": "ok", "lockhouse": "ok", "observer": "ok", "broker": "ok", "cache default": "ok", "workers": "ok", "events": "ok"},
    }


@pytest.mark.django_db(transaction=True)
def test_strangers_hear_names_and_no_reasons(put):
    sources = make_source("broker", ok=False, reason="redis://secret-host refused", url="redis://secret-host"), make_source("events")
    answer = readiness(put, "away", sources=sources)
    assert answer.status_code == 503
    assert b"secret" not in answer.content


@pytest.mark.django_db(transaction=True)
def test_silent_observer_is_said_and_nothing_else_is_called_away(put):
    put(at=datetime.now(UTC) - timedelta(minutes=1), sources=(make_source("broker"),))
    answer = wait_for(lambda: (found := Client().get("/readyz").json()) and found["sources"].get("broker") == "unknown" and found, every=0.2)
    assert answer["ready"] is False
    assert answer["sources"] == {"database": "ok", "lockhouse": "ok", "observer": "away", "broker": "unknown"}
    assert answer["says"] == "The observer is silent, so nothing is known of the sources that it reads."


def test_silent_observer_makes_every_source_unknown():
    known = make_snapshot(at=ago(minutes=1), sources=(make_source("broker"), make_source("lockhouse")))
    assert observed(known, NOW) == {"observer": False, "broker": None}
    assert observed(make_snapshot(sources=(make_source("broker"),)), NOW) == {"observer": True, "broker": True}


def test_probe_that_hangs_is_not_waited_for_nor_asked_twice():
    go_on, asked = threading.Event(), []
    probe = Probe(lambda: asked.append(1) or go_on.wait(20))
    for _ in range(3):
        probe.start()
        assert probe.answer(0.01) is None
    assert asked == [1]
    go_on.set()
    assert probe.answer(20)


def test_redis_of_ours_that_hangs_is_away(watching, settings):
    with socket.create_server(("127.0.0.1", 0)) as black_hole:
        settings.LOCKHOUSE = {**settings.LOCKHOUSE, "REDIS_URL": f"redis://127.0.0.1:{black_hole.getsockname()[1]}/0"}
        connections.forget_connections()
        known = Reader().newest()
    assert [source.name for source in known.sources if not source.ok] == ["lockhouse"]
    assert observed(known, datetime.now(UTC) + timedelta(seconds=1))["observer"] is False
