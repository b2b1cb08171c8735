"""Sending: what arrives is what every caller's Celery sends, once, by those who may, and only as it was planned."""

import json
import socket
from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery

from dashboard import connections
from dashboard.acts.delivery import task_ids
from dashboard.acts.refusals import Refused
from dashboard.acts.send import execute_send, plan_send, send_now
from dashboard.models import OperatorAct
from dashboard.records import Sending
from tests.dashboard.acts.scene import make_user
from tests.dashboard.acts.sending import SENDER, SENDING, broker, messages, sender

__all__ = ["broker", "sender"]
pytestmark = pytest.mark.django_db


def planned_and_sent(user, sending=SENDING, **given):
    return execute_send(user, "session", plan_send(user, "session", sending).signed, sending, **given)


def test_message_is_what_any_callers_celery_sends(broker, sender, server_url):
    caller = Celery("caller", broker=f"{server_url}/0", set_as_current=False)
    caller.send_task("main_send_email", args=(7,), kwargs={"kind": "news"}, queue="emails", ignore_result=True)

    planned_and_sent(sender)

    theirs, ours = messages(broker)
    for message in (theirs, ours):
        for name in ("id", "root_id", "origin"):
            del message["headers"][name]
        for name in ("correlation_id", "reply_to", "delivery_tag"):
            del message["properties"][name]
    assert ours == theirs


def test_ids_follow_from_the_act(broker, sender):
    outcome = send_now(sender, Sending(task="main_send_email", queue="emails", count=3), origin="api")

    assert outcome.sentence == "Sent: all 3."
    assert [message["headers"]["id"] for message in messages(broker)] == task_ids(outcome.act.pk, 3)


def test_prefix_steps_and_another_exchange_are_respected(broker, sender, settings, server_url):
    options = {"global_keyprefix": "shop:", "priority_steps": [0, 5]}
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "BROKER_TRANSPORT_OPTIONS": options}
    connections.forget_connections()
    broker.sadd("shop:_kombu.binding.mail", "mail.#\x06\x16\x06\x16emails")

    planned_and_sent(sender, Sending(task="main_send_email", queue="emails", priority=7))

    assert broker.llen("shop:emails\x06\x165") == 1
    assert broker.smembers("shop:_kombu.binding.mail") == {b"mail.#\x06\x16\x06\x16emails"}
    assert not broker.exists("shop:_kombu.binding.emails")


def test_same_submission_sends_once(broker, sender):
    plan = plan_send(sender, "session", SENDING)

    first, second = (execute_send(sender, "session", plan.signed, SENDING) for _ in range(2))

    assert second.replayed
    assert first.act == second.act
    assert broker.llen("emails") == 1


def test_same_idempotency_key_sends_once_and_another_message_under_it_is_refused(broker, sender):
    for _ in range(2):
        send_now(sender, SENDING, origin="api", idempotency_key="k")

    with pytest.raises(Refused) as refusal:
        send_now(sender, Sending(task="main_send_email", queue="emails"), origin="api", idempotency_key="k")

    assert refusal.value.code == "key_reused"
    assert broker.llen("emails") == 1


def test_plan_is_for_one_person_one_session_one_minute_and_one_message(broker, sender):
    other, signed = make_user("otto", SENDER), plan_send(sender, "session", SENDING).signed
    late = datetime.now(UTC) + timedelta(seconds=61)

    refused = []
    for user, session, sending, now in [
        (other, "session", SENDING, None),
        (sender, "another", SENDING, None),
        (sender, "session", SENDING, late),
        (sender, "session", Sending(task="main_send_email", queue="emails", args=(8,)), None),
    ]:
        with pytest.raises(Refused) as refusal:
            execute_send(user, session, signed, sending, now=now)
        refused.append(refusal.value.code)

    assert refused == ["plan_of_another", "plan_of_another", "plan_expired", "send_changed"]
    assert broker.llen("emails") == 0


def test_what_will_not_run_is_sent_only_when_it_is_meant(broker, sender):
    sending = Sending(task="main_send_email", queue="archive")
    with pytest.raises(Refused) as refusal:
        planned_and_sent(sender, sending)

    outcome = planned_and_sent(sender, sending, anyway=True)

    assert refusal.value.code == "send_anyway_missing"
    assert outcome.act.before["failing"] == ["send_queue_unread"]
    assert broker.llen("archive") == 1


def test_many_at_once_are_confirmed_by_the_name(broker, sender):
    sending = Sending(task="main_send_email", queue="emails", count=11)
    with pytest.raises(Refused) as refusal:
        planned_and_sent(sender, sending)

    planned_and_sent(sender, sending, typed="main_send_email")

    assert refusal.value.code == "name_differs"
    assert broker.llen("emails") == 11


def test_broker_that_is_away_has_got_nothing(broker, sender, settings):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "BROKER_URL": f"redis://127.0.0.1:{port}/0"}
    connections.forget_connections()

    outcome = send_now(sender, SENDING, origin="api")

    assert (outcome.state, outcome.code) == ("failed", "send_unreachable")
    assert outcome.sentence.startswith("Nothing was sent: the broker does not answer")


def test_queue_that_is_another_type_meanwhile_is_refused_by_redis(broker, sender):
    broker.hset("emails", "a", "b")

    outcome = send_now(sender, SENDING, origin="api")

    assert (outcome.state, outcome.code) == ("failed", "send_rejected")


def test_record_keeps_no_argument(broker, sender):
    outcome = send_now(sender, Sending(task="main_send_email", queue="emails", args=("hunter2",)), origin="api")

    stored = OperatorAct.objects.values().get(pk=outcome.act.pk)
    assert "hunter2" not in json.dumps(stored, default=str)
