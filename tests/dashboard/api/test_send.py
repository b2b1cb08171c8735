"""Sending by programs: asked first, sent once under one key, refused in words."""

import pytest
from django.test import Client

from tests.dashboard.acts.scene import make_user
from tests.dashboard.acts.sending import broker, sender
from tests.dashboard.api.calls import bearer, post

__all__ = ["broker", "sender"]
pytestmark = pytest.mark.django_db
BODY = {"task": "main_send_email", "queue": "emails", "args": [7], "kwargs": {"kind": "news"}}


def test_check_answers_and_sends_nothing(broker, sender):
    answer = post(Client(), "/api/v1/send/check", BODY | {"queue": "emials"}, **bearer(sender))

    found = answer.json()
    queue = next(check for check in found["checks"] if check["subject"] == "queue")
    assert found["verdict"] == "will-not-run"
    assert (queue["state"], queue["code"], queue["suggestion"]) == ("fails", "send_queue_unknown", "emails")
    assert "did you mean emails?" in queue["message"]
    assert not broker.exists("emails", "emials")


def test_same_key_sends_once(broker, sender):
    headers = bearer(sender) | {"Idempotency-Key": "k"}

    first, second = (post(Client(), "/api/v1/send", BODY, **headers) for _ in range(2))

    assert (first.status_code, first.json()["state"], second.json()["replayed"]) == (200, "done", True)
    assert first.json()["task_ids"] == second.json()["task_ids"]
    assert broker.llen("emails") == 1


def test_what_will_not_run_is_refused_unless_it_is_meant(broker, sender):
    body = BODY | {"queue": "archive"}

    refused, sent = (post(Client(), "/api/v1/send", one, **bearer(sender)) for one in (body, body | {"anyway": True}))

    assert (refused.status_code, refused.json()["code"]) == (409, "send_anyway_missing")
    assert sent.status_code == 200
    assert broker.llen("archive") == 1


def test_who_may_not_send_is_refused(broker, db):
    answer = post(Client(), "/api/v1/send", BODY, **bearer(make_user("vera", ("view_locks",))))

    assert answer.status_code == 403
    assert not broker.exists("emails")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b'{"task": "a", "queue": "b", "args": 7}', 422, "not a list"),
        (b'{"task": "a", "queue": "b", "args": [NaN]}', 422, "NaN"),
        (b'{"task": "a", "queue": 5}', 422, "another type"),
        (b'{"task": "a", "queue": "b", "arg": []}', 422, "arg"),
        (b'{"task": "a"', 422, "line 1, column"),
        (b"\xff\xfe", 422, "not JSON"),
        (b"[" * 100_000, 422, "nested"),
        (b'{"task": "a", "queue": "b", "args": ["' + b"x" * 1_500_000 + b'"]}', 413, "1 MB"),
        (b'{"task": "a", "queue": "b", "args": ["' + b"x" * 10_000_000 + b'"]}', 413, "2 MB"),
    ],
)
def test_what_is_no_message_is_said_in_words(broker, sender, body, status, said):
    answer = Client().post("/api/v1/send", body, content_type="application/json", headers=bearer(sender))

    assert answer.status_code == status
    assert said in answer.json()["error"]
