"""A broker that hangs, breaks off or comes late while something is sent: nothing is sent twice, and what came of it is found out."""

import json
import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from dashboard import connections
from dashboard.acts.delivery import connection_name, task_ids
from dashboard.acts.send import send_now
from dashboard.acts.settle import settle
from dashboard.models import OperatorAct
from dashboard.records import Sending, SourceState, Traced
from tests.dashboard.acts.pages import logged_in
from tests.dashboard.acts.proxy import Proxy
from tests.dashboard.acts.scene import AUDITOR, make_user
from tests.dashboard.acts.sending import SENDING, broker, put, sender
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
    put(queues=(make_queue(name="emails", consumers=()),), traces=(followed(outcome.act),))

    first = settle(outcome.act)
    state_at_first = first.state
    put(queues=(make_queue(name="emails", consumers=()),), traces=(followed(outcome.act),), at=datetime.now(UTC) + timedelta(seconds=6))
    second = settle(outcome.act)

    assert told == "unknown"
    assert state_at_first == "unknown"
    assert (second.state, second.code) == ("failed", "send_never_arrived")
    proxy.close()


def never_arrived(settings, server, sender, **options):
    """An act of which the broker did not say anything, and whose connection is over."""
    proxy = through_proxy(settings, server)
    proxy.cuts_request = True
    act = send_now(sender, replace(SENDING, **options), origin="api").act
    proxy.close()
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "BROKER_URL": f"{server.connection_url}/0"}
    connections.forget_connections()
    wait_for(lambda: all(one["name"] != connection_name(act.pk) for one in connections.look_broker().client_list()))
    settle(act)  # remembers that it is over
    return act


def followed(act, **changes):
    """As an observer follows it that has looked for it from the beginning."""
    known = {"act_id": str(act.pk), "task": act.target_name, "queue": "emails", "count": act.before["count"], "sent_at": act.started_at}
    return Traced(**(known | {"since": act.started_at + timedelta(seconds=1), "looked_at": datetime.now(UTC)} | changes))


def later(seconds=6, **sections):
    put(at=datetime.now(UTC) + timedelta(seconds=seconds), **sections)


@pytest.mark.parametrize(
    "break_in_what_is_known",
    [
        {"traces": lambda act: ()},
        {"traces": lambda act: (followed(act, since=act.started_at + timedelta(seconds=60)),)},
        {"queues": lambda act: (make_queue(name="emails", out_per_s=None),)},
        {"sources": lambda act: (SourceState(name="events", ok=True, since=act.started_at + timedelta(seconds=3)),)},
    ],
)
def test_what_may_have_been_taken_unheard_is_never_said_to_be_not_sent(own_broker, sender, settings, break_in_what_is_known):
    act = never_arrived(settings, own_broker, sender)
    whole = {
        "traces": (followed(act),),
        "queues": (make_queue(name="emails", out_per_s=0.5),),
        "sources": (SourceState(name="events", ok=True, since=act.started_at - timedelta(hours=1)),),
    }
    later(**(whole | {name: section(act) for name, section in break_in_what_is_known.items()}))
    with_a_break = settle(act).state
    later(**whole)

    assert with_a_break == "unknown"
    assert (settle(act).state, act.code) == ("failed", "send_never_arrived")


def test_message_that_was_seen_once_was_sent_though_its_run_is_forgotten(own_broker, sender, settings):
    act = never_arrived(settings, own_broker, sender, count=2)

    later(traces=(followed(act, seen=(0, 1)),))

    assert (settle(act).state, act.code) == ("done", "sent_all_since")


def test_after_an_hour_it_is_said_that_nobody_will_know(own_broker, sender, settings):
    act = never_arrived(settings, own_broker, sender)
    later()

    settled = settle(act, now=act.started_at + timedelta(minutes=61))

    assert (settled.state, settled.code) == ("unknown", "send_never_known")
    later(traces=(followed(act),), queues=(make_queue(name="emails", consumers=()),))
    assert settle(act).code == "send_never_known", "what is known by then proves nothing"


def test_list_of_acts_settles_what_is_open(own_broker, sender, settings):
    act = never_arrived(settings, own_broker, sender)
    connections.look_broker().lpush("emails", json.dumps({"headers": {"id": task_ids(act.pk, 1)[0]}}))

    page = logged_in(make_user("aldo", AUDITOR)).get("/acts/").content.decode()

    assert "Sent: the broker took it, though it did not say so at the time." in page
    assert OperatorAct.objects.get(pk=act.pk).state == "done"


def test_part_that_was_sent_is_said_exactly(own_broker, sender, settings):
    proxy = through_proxy(settings, own_broker)
    proxy.cuts_request, proxy.passes = True, 2

    outcome = send_now(sender, Sending(task="main_send_email", queue="emails", count=5), origin="api")

    assert (outcome.state, outcome.code) == ("unknown", "sent_some_unknown")
    assert outcome.sentence.startswith("2 of 5 sent")
    assert connections.look_broker().llen("emails") == 2
    proxy.close()
