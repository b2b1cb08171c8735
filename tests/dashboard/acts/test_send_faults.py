"""A broker that hangs, breaks off or comes late while something is sent: nothing is sent twice, and what came of it is found out."""

import os
import signal
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from dashboard import connections
from dashboard.acts.delivery import connection_name
from dashboard.acts.send import send_now
from dashboard.acts.settle import settle
from dashboard.records import Sending
from tests.dashboard.acts.proxy import Proxy
from tests.dashboard.acts.test_send import SENDING, broker, put, sender
from tests.factories import make_queue
from tests.system import running_server, wait_for

__all__ = ["broker", "sender"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own_broker(broker, settings):
    """A broker of its own, which a test may stop; what Lockhouse keeps is on another server."""
    with running_server() as server:
        settings.LOCKHOUSE = {**settings.LOCKHOUSE, "BROKER_URL": f"{server.connection_url}/0"}
        connections.forget_connections()
        yield server


def through_proxy(settings, server) -> Proxy:
    at = urlsplit(server.connection_url)
    proxy = Proxy(at.hostname, at.port, marks=(b"LPUSH",))
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "BROKER_URL": f"redis://127.0.0.1:{proxy.port}/0"}
    connections.forget_connections()
    return proxy


def pid_of(redis) -> int:
    return int(redis.info("server")["process_id"])


def test_frozen_broker_is_answered_for_and_gets_nothing(own_broker, sender):
    redis = connections.look_broker()
    pid = pid_of(redis)
    os.kill(pid, signal.SIGSTOP)
    try:
        outcome = send_now(sender, SENDING, origin="api")
    finally:
        os.kill(pid, signal.SIGCONT)

    assert (outcome.state, outcome.code) == ("failed", "send_unreachable")
    assert redis.llen("emails") == 0


def test_broker_that_freezes_at_the_message_takes_it_later_and_once(own_broker, sender, settings):
    pid = pid_of(connections.look_broker())
    proxy = through_proxy(settings, own_broker)
    proxy.on_eval = lambda: os.kill(pid, signal.SIGSTOP)

    outcome = send_now(sender, SENDING, origin="api", idempotency_key="k")
    again = send_now(sender, SENDING, origin="api", idempotency_key="k")
    os.kill(pid, signal.SIGCONT)
    redis = connections.look_broker()
    wait_for(lambda: redis.llen("emails"))

    told = (outcome.state, outcome.code)
    settled = settle(outcome.act)

    assert told == ("unknown", "send_no_answer")
    assert again.replayed
    assert (settled.state, settled.code) == ("done", "sent_since")
    assert redis.llen("emails") == 1
    proxy.close()


def test_what_never_arrived_is_settled_as_not_sent(own_broker, sender, settings):
    proxy = through_proxy(settings, own_broker)
    proxy.cuts_request = True
    outcome = send_now(sender, SENDING, origin="api")
    told = outcome.state
    wait_for(lambda: all(one["name"] != connection_name(outcome.act.pk) for one in connections.look_broker().client_list()))
    put(queues=(make_queue(name="emails", consumers=()),))

    first = settle(outcome.act)
    state_at_first = first.state
    put(queues=(make_queue(name="emails", consumers=()),), at=datetime.now(UTC) + timedelta(seconds=6))
    second = settle(outcome.act)

    assert told == "unknown"
    assert state_at_first == "unknown"
    assert (second.state, second.code) == ("failed", "send_never_arrived")
    proxy.close()


def test_part_that_was_sent_is_said_exactly(own_broker, sender, settings):
    proxy = through_proxy(settings, own_broker)
    proxy.cuts_request, proxy.passes = True, 2

    outcome = send_now(sender, Sending(task="main_send_email", queue="emails", count=5), origin="api")

    assert (outcome.state, outcome.code) == ("unknown", "sent_some_unknown")
    assert outcome.sentence.startswith("2 of 5 sent")
    assert connections.look_broker().llen("emails") == 2
    proxy.close()
