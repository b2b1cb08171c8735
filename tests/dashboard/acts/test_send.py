"""Sending: what arrives is what every caller's Celery sends, once, by those who may, and only as it was planned."""

import itertools
import json
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery
from django.urls import reverse
from redis import Redis

from dashboard import connections, snapshot
from dashboard.acts.delivery import task_ids
from dashboard.acts.refusals import Refused
from dashboard.acts.send import execute_send, plan_send, send_now
from dashboard.models import OperatorAct
from dashboard.records import ScheduleReading, Sending, Snapshot, SourceState, Worker
from tests.dashboard.acts.scene import make_user
from tests.dashboard.acts.test_pages import found, logged_in
from tests.factories import make_lock, make_queue

pytestmark = pytest.mark.django_db
SENDER = ("view_locks", "send_tasks")
SENDING = Sending(task="main_send_email", queue="emails", args=(7,), kwargs={"kind": "news"})
URL = "/send/"
_versions = itertools.count(time.time_ns())


def put(at=None, **sections):
    """An observer's snapshot: one worker that reads `emails` and knows one task."""
    now, number = at or datetime.now(UTC), next(_versions)
    worker = Worker(name="w@web-1", pid=1, first_heard_at=now, last_heard_at=now, queues=("emails",), tasks=("main_send_email",))
    sources = tuple(SourceState(name=name, ok=True, since=now, last_good_at=now) for name in ("broker", "cache shop", "workers", "events"))
    known = {"workers": (worker,), "queues": (make_queue(name="emails", consumers=("w@web-1",)), make_queue(name="archive", consumers=())), "sources": sources}
    written = Snapshot(at=now, version=number, **(known | sections))
    assert snapshot.put(connections.own(), written, dict.fromkeys(snapshot.SECTIONS, number), set(snapshot.SECTIONS), epoch=1)


@pytest.fixture
def broker(watching, redis) -> Redis:
    put()
    return redis


@pytest.fixture
def sender(db):
    return make_user("sonja", SENDER)


def messages(broker, queue="emails"):
    return [json.loads(raw) for raw in reversed(broker.lrange(queue, 0, -1))]


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


def test_viewer_and_read_only_installation_send_nothing(broker, sender, viewer, settings):
    answer = logged_in(viewer).post(URL, {"step": "send", "task": "main_send_email", "queue": "emails"})
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "READ_ONLY": True}
    page = logged_in(sender).get(URL, {"task": "main_send_email", "queue": "emails"}).content.decode()
    with pytest.raises(Refused) as refusal:
        send_now(sender, SENDING, origin="api")

    assert answer.status_code == 403
    assert refusal.value.code == "read_only"
    assert "Sending is off" in page
    assert "This will run" in page
    assert not broker.exists("emails")


def test_a_get_never_sends(broker, sender):
    plan = plan_send(sender, None, SENDING)

    logged_in(sender).get(URL, {"step": "send", "plan": plan.signed, "task": "main_send_email", "queue": "emails", "args": "[7]"})

    assert not broker.exists("emails")
    assert not OperatorAct.objects.exists()


def test_page_sends_in_two_steps_without_javascript_and_leads_to_the_trace(broker, sender):
    client = logged_in(sender)
    given = {"task": "main_send_email", "queue": "emails", "args": "[7]", "kwargs": "{}"}

    confirmation = client.post(URL, {**given, "step": "plan"}).content.decode()
    plan = found(r'name="plan" value="([^"]+)"', confirmation)
    answer = client.post(URL, {**given, "step": "send", "plan": plan})

    act = OperatorAct.objects.get()
    assert answer.url == reverse("lockhouse:trace", args=[act.pk])
    assert "Sent." in client.get(answer.url).content.decode()
    assert broker.llen("emails") == 1


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ("[1, 2", "{}", "args is not JSON: line 1, column "),
        ("7", "{}", "not a list"),
        ("[]", "[]", "not an object"),
        ("[NaN]", "{}", "NaN"),
        ("[1e999]", "{}", "1e999"),
        ('["\\ud800"]', "{}", "lone surrogate"),
        ("[" * 200 + "]" * 200, "{}", "nested more than 100 deep"),
        ("[]", '{"a": 1, "a": 2}', "twice"),
        ("[" + "9" * 5000 + "]", "{}", "no JSON number"),
        ('["' + "x" * 1_000_001 + '"]', "{}", "larger than 1 MB"),
        ('["' + '\\"' * 400_000, "{}", "is not JSON"),
        ('["' + '\\"' * 400_000 + "\\", "{}", "is not JSON"),
    ],
)
def test_what_is_no_message_is_said_in_words(broker, sender, args, kwargs, said):
    answer = logged_in(sender).post(URL, {"task": "main_send_email", "queue": "emails", "args": args, "kwargs": kwargs, "step": "plan"})

    assert answer.status_code in {413, 422}
    assert said in answer.content.decode()
    assert not broker.exists("emails")


@pytest.mark.parametrize("queue", ["unacked", "_kombu.binding.emails", "lockhouse:test-system:leader", "emails\x06\x163"])
def test_transports_own_keys_are_no_queues(broker, sender, queue):
    with pytest.raises(Refused) as refusal:
        send_now(sender, Sending(task="main_send_email", queue=queue), origin="api", anyway=True)

    assert refusal.value.code == "send_reserved"


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


def test_names_with_markup_are_text(broker, sender):
    name = "<script>alert(1)</script>"

    page = logged_in(sender).post(URL, {"task": name, "queue": name, "args": "[]", "kwargs": "{}", "step": "plan"}).content.decode()

    assert name not in page
    assert "&lt;script&gt;" in page


def test_record_keeps_no_argument(broker, sender):
    outcome = send_now(sender, Sending(task="main_send_email", queue="emails", args=("hunter2",)), origin="api")

    stored = OperatorAct.objects.values().get(pk=outcome.act.pk)
    assert "hunter2" not in json.dumps(stored, default=str)


def test_schedules_arguments_are_sent_unseen_by_who_may_not_see_them(broker, sender):
    put(schedules=(ScheduleReading(id="5c", name="nightly", source="beat_schedule", task="main_send_email", args='["hunter2"]', queue="emails"),))
    client = logged_in(sender)

    form = client.get(URL, {"schedule": "5c"}).content.decode()
    given = {"schedule": "5c", "task": "main_send_email", "queue": "emails"}
    check = client.post("/send/check/", given).content.decode()
    asked_otherwise = [client.post(URL, {**given, "step": step, "mode": "json"}).content.decode() for step in ("json", "fields", "form", "check", "")]
    confirmation = client.post(URL, {**given, "step": "plan"}).content.decode()
    client.post(URL, {**given, "step": "send", "plan": found(r'name="plan" value="([^"]+)"', confirmation)})

    assert "hunter2" not in form + check + confirmation + "".join(asked_otherwise)
    assert "as they are written" in form
    assert messages(broker)[0]["headers"]["argsrepr"] == "('hunter2',)"


def test_lock_of_unseen_arguments_is_told_by_its_pattern(broker, sender, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "LOCKS": {"lock_mail_{who}": {"owner": "main_send_email"}}}
    entry = ScheduleReading(id="5c", name="nightly", source="beat_schedule", task="main_send_email", args='["hunter2"]', queue="emails")
    put(schedules=(entry,), locks=(make_lock(name="lock_mail_hunter2", claim=None, expires_at=None),))
    client, given = logged_in(sender), {"schedule": "5c", "task": "main_send_email", "queue": "emails"}

    pages = [client.post("/send/check/", given), client.get(URL, given), client.post(URL, {**given, "step": "plan"})]

    assert all("hunter2" not in page.content.decode() and "lock_mail_{who} is held" in page.content.decode() for page in pages)


def test_schedule_that_changed_after_it_was_planned_is_not_sent(broker, sender):
    entry = ScheduleReading(id="5c", name="nightly", source="beat_schedule", task="main_send_email", args="[1]", queue="emails")
    put(schedules=(entry,))
    client, given = logged_in(sender), {"schedule": "5c", "task": "main_send_email", "queue": "emails"}
    plan = found(r'name="plan" value="([^"]+)"', client.post(URL, {**given, "step": "plan"}).content.decode())
    put(schedules=(replace(entry, args="[2]"),))

    answer = client.post(URL, {**given, "step": "send", "plan": plan})

    assert "not what was planned" in answer.content.decode()
    assert not broker.exists("emails")


def test_parameters_are_missed_only_once_a_task_is_named(broker, sender):
    client, said = logged_in(sender), "This process does not have the task"

    assert said not in client.get(URL).content.decode()
    assert said in client.get(URL, {"task": "main_send_email"}).content.decode()


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
