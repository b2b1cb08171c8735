"""The page that sends: in two steps, in words where it is no message, and without telling arguments to whoever may not see them."""

from dataclasses import replace

import pytest
from django.urls import reverse

from dashboard.acts.refusals import Refused
from dashboard.acts.send import plan_send, send_now
from dashboard.models import OperatorAct
from dashboard.records import ScheduleReading
from tests.dashboard.acts.pages import found, logged_in
from tests.dashboard.acts.sending import SENDING, URL, broker, messages, put, sender
from tests.factories import make_lock

__all__ = ["broker", "sender"]
pytestmark = pytest.mark.django_db


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


def test_names_with_markup_are_text(broker, sender):
    name = "<script>alert(1)</script>"

    page = logged_in(sender).post(URL, {"task": name, "queue": name, "args": "[]", "kwargs": "{}", "step": "plan"}).content.decode()

    assert name not in page
    assert "&lt;script&gt;" in page


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
