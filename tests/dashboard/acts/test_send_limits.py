"""What is not sent, however it is asked for: more than the limit of a minute, and into a key that is no queue."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.acts.refusals import Refused
from dashboard.acts.send import plan_send, send_now
from dashboard.models import OperatorAct
from dashboard.records import Sending
from tests.dashboard.acts.pages import logged_in
from tests.dashboard.acts.scene import make_user
from tests.dashboard.acts.sending import SENDER, SENDING, broker, messages, put, sender
from tests.factories import make_lock, make_queue

__all__ = ["broker", "sender"]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("queue", ["unacked", "_kombu.binding.emails", "lockhouse:test-system:leader", "emails\x06\x163"])
def test_transports_own_keys_are_no_queues(broker, sender, queue):
    with pytest.raises(Refused) as refusal:
        send_now(sender, Sending(task="main_send_email", queue=queue), origin="api", anyway=True)

    assert refusal.value.code == "send_reserved"


def test_messages_are_limited_within_a_minute_however_many_acts_they_are(broker, sender, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "SEND_LIMIT": 5}
    for count in (3, 1):
        assert send_now(sender, replace(SENDING, count=count), origin="api").is_done

    with pytest.raises(Refused) as refusal:
        send_now(sender, replace(SENDING, count=2), origin="api")
    last = send_now(sender, SENDING, origin="api")

    assert (refusal.value.code, refusal.value.status) == ("too_many_messages", 429)
    assert "you sent 4 within the last minute, and this would be 2 more" in str(refusal.value)
    assert last.is_done
    assert broker.llen("emails") == 5
    assert OperatorAct.objects.filter(state="refused", code="too_many_messages").count() == 1


def test_limit_is_for_one_person_and_for_one_minute(broker, sender, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "SEND_LIMIT": 1}
    send_now(sender, SENDING, origin="api", idempotency_key="first")

    send_now(make_user("otto", SENDER), SENDING, origin="api")
    with pytest.raises(Refused):
        send_now(sender, SENDING, origin="api", idempotency_key="second")
    OperatorAct.objects.update(started_at=datetime.now(UTC) - timedelta(seconds=61))
    again = send_now(sender, SENDING, origin="api", idempotency_key="second")

    assert (again.is_done, again.replayed) == (True, False)
    assert broker.llen("emails") == 3


def test_all_people_together_have_a_limit_too(broker, sender, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "SEND_LIMIT_ALL": 3}
    send_now(sender, replace(SENDING, count=2), origin="api")

    with pytest.raises(Refused) as refusal:
        send_now(make_user("otto", SENDER), replace(SENDING, count=2), origin="api")

    assert (refusal.value.code, refusal.value.status) == ("too_many_messages_of_all", 429)
    assert "2 were sent within the last minute, and this would be 2 more" in str(refusal.value)
    assert broker.llen("emails") == 2


@pytest.mark.parametrize("queue", ["shop:1:lock_report_7", "shop:1:anything", "lock_report_7", "free-7", "redbeat"])
def test_key_of_a_lock_is_no_queue_where_the_cache_shares_the_brokers_database(broker, sender, settings, server_url, queue):
    shop = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": f"{server_url}/0", "KEY_PREFIX": "shop"}
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "CACHES": {"shop": shop}, "LOCKS": {"free-{n}": {}}}
    put(locks=(make_lock(cache="broker", name="redbeat", raw_key=b"redbeat"),))
    sending = Sending(task="main_send_email", queue=queue)

    for send in (lambda: send_now(sender, sending, origin="api", anyway=True), lambda: plan_send(sender, "session", sending)):
        with pytest.raises(Refused) as refusal:
            send()
        assert refusal.value.code == "send_key_of_lock"
    assert not broker.exists(queue)


def test_queue_that_is_read_may_be_called_like_a_lock(broker, sender):
    put(queues=(make_queue(name="lock_checks", consumers=("w@web-1",)),))
    assert send_now(sender, replace(SENDING, queue="lock_checks"), origin="api", anyway=True).is_done


def test_what_did_not_reach_the_broker_counts_for_nothing(broker, sender, settings, server_url):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "SEND_LIMIT": 1}
    broker.hset("emails", "a", "b")
    send_now(sender, SENDING, origin="api")
    broker.delete("emails")

    assert send_now(sender, SENDING, origin="api").is_done


@pytest.mark.parametrize("queue", ["a\x00b", "a\x1b[31mb", "a\u202eb", "a*[b]?"])
def test_queue_names_with_control_characters_and_glob_signs_are_that_very_queue_and_shown_spelled_out(broker, sender, queue):
    page = logged_in(sender).post("/send/check/", {"task": "main_send_email", "queue": queue}).content.decode()

    outcome = send_now(sender, Sending(task="main_send_email", queue=queue), origin="api", anyway=True)

    assert outcome.is_done
    assert len(messages(broker, queue)) == 1
    assert not {"\x00", "\x1b", "\u202e"} & set(page)
    assert "no queue a" in page
