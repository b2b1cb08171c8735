"""What the Send page says of a message while it is written: it stays true though nobody types, and stands still while nothing new is known."""

import re
from dataclasses import replace

import pytest

from dashboard import connections, snapshot
from tests.dashboard.acts.pages import logged_in
from tests.dashboard.acts.scene import OPERATOR, make_user, scene

pytestmark = pytest.mark.django_db
__all__ = ["scene"]
CHECK, PART = "/send/check/", {"HX-Request": "true", "HX-Target": "send-check"}
GIVEN = {"task": "main_send_email", "queue": "reports", "shown_for": "main_send_email", "mode": "json", "args": "[]", "kwargs": "{}"}


@pytest.fixture
def client(db):
    return logged_in(make_user("olga", OPERATOR))


def asked(client, given, page: str):
    """The part asks again, as it does every few seconds, with what it shows."""
    [seen] = re.findall(r'id="send-seen" name="seen" value="([^"]*)"', page)
    return client.post(CHECK, {**given, "seen": seen}, headers=PART)


def tell_tasks(*tasks: str) -> None:
    """The one worker tells which tasks it knows."""
    known = snapshot.newest()
    again = replace(known, version=known.version + 1_000_000, workers=tuple(replace(worker, tasks=tasks) for worker in known.workers))
    assert snapshot.put(connections.own(), again, dict.fromkeys(snapshot.SECTIONS, again.version), set(snapshot.SECTIONS), epoch=1)


def test_what_a_worker_tells_later_is_said_though_nobody_types(client, scene):
    scene.put([])
    page = client.get("/send/", GIVEN).content.decode()
    assert "0 of 1 living worker" in page

    tell_tasks("main_send_email")
    answer = asked(client, GIVEN, page)

    assert answer.status_code == 200
    assert "known to 1 of 1 living worker" in answer.content.decode()
    assert asked(client, GIVEN, answer.content.decode()).status_code == 204


@pytest.mark.parametrize("given", [GIVEN, {**GIVEN, "task": "", "shown_for": "", "queue": ""}, {**GIVEN, "queue": ""}, {**GIVEN, "args": "[1,"}])
def test_what_is_still_so_is_not_said_again(client, scene, given):
    scene.put([])
    page = client.get("/send/", given).content.decode()

    answer = asked(client, given, page)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["Cache-Control"] == "no-store"


def test_blank_form_is_asked_nothing(client, scene):
    scene.put([])
    blank = {**GIVEN, "task": "", "queue": ""}

    said = client.post(CHECK, {**blank, "seen": "of what was there before"}, headers=PART).content.decode()

    assert "Name a task and a queue" in said
    assert "Not to be sent like this" not in said


def test_fields_of_another_task_come_though_the_answer_is_the_same(client, scene):
    scene.put([])
    page = client.get("/send/", GIVEN).content.decode()

    answer = asked(client, {**GIVEN, "shown_for": "main_other"}, page)

    assert answer.status_code == 200
    assert 'id="send-arguments"' in answer.content.decode()


def test_refusal_of_the_page_stands_beside_what_is_asked_again(client, scene):
    scene.put([])

    page = client.get("/send/", {"schedule": "none-like-this"}).content.decode()

    assert re.search(r'<p class="errornote" role="alert">[^<]+</p>', page)
    assert asked(client, {"task": "", "queue": "", "shown_for": ""}, page).status_code == 204


def test_login_leads_back_to_the_page_and_not_to_its_part(client, scene):
    client.logout()
    page = {"HX-Current-URL": "http://testserver/send/?task=main_send_email"}

    assert client.post(CHECK, GIVEN, headers={**PART, **page})["HX-Redirect"] == "/login/?next=/send/%3Ftask%3Dmain_send_email"
    assert client.post(CHECK, GIVEN, headers={**PART, "HX-Current-URL": "http://elsewhere/send/"})["HX-Redirect"] == "/login/?next=/send/check/"


def test_page_that_is_left_open_asks_on_after_another_login(scene):
    scene.put([])
    client = logged_in(make_user("olga", OPERATOR), enforce_csrf_checks=True)

    assert client.post(CHECK, GIVEN, headers=PART).status_code == 200
    refused = client.post("/send/", {**GIVEN, "step": "plan", "csrfmiddlewaretoken": "x" * 32})

    assert refused.status_code == 403
    assert "This page is older than your last login: load it again" in refused.content.decode()


def test_permission_that_was_taken_away_meanwhile_is_said_inside_the_part(scene):
    client = logged_in(make_user("vera", ()))

    said = client.post(CHECK, GIVEN, headers=PART)

    assert (said.status_code, said["HX-Reswap"]) == (403, "innerHTML")
    assert "lacks the permission lockhouse.send_tasks" in said.content.decode()
    assert "<html" not in said.content.decode()


def test_schedule_that_is_gone_meanwhile_is_said_once(client, scene):
    scene.put([])
    given = {**GIVEN, "schedule": "5c"}

    said = client.post(CHECK, given, headers=PART)

    assert "5c" not in said.content.decode()
    assert 'role="alert"' in said.content.decode()
    assert asked(client, given, said.content.decode()).status_code == 204
