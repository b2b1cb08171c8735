"""Who is not known, what is not there and what is not understood: a status and a sentence in JSON."""

import pytest
from django.test import Client

from tests.dashboard.api.calls import bearer, post

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "body", [{}, {"token_digest": "x", "reason": "y"}, {"token_digest": "0" * 16, "reason": ""}, [], "x", {"token_digest": 1, "reason": None}]
)
def test_a_wrong_body_is_422_with_a_sentence(scene, operator, body):
    lock = scene.orphan()

    response = post(Client(), f"/api/v1/locks/{lock.id}/release", body, **bearer(operator))

    assert response.status_code == 422
    assert "error" in response.json()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("limit=many", "limit is a whole number"),
        ("limit=99999999999999999999999999", "limit is 1000 at most"),
        ("limit=0", "limit is 1 at least"),
        ("limit=1.5", "limit is a whole number"),
    ],
)
def test_parameter_that_is_wrong_is_said_in_words(scene, operator, query, sentence):
    response = Client().get(f"/api/v1/queues?{query}", headers=bearer(operator))
    assert (response.status_code, response.json()) == (422, {"error": sentence})


@pytest.mark.parametrize("path", ["", "nonesuch", "nonesuch/", "queues/", "queues/../x", "locks/0123456789abcdef/nonesuch"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_operation_that_is_not_there_is_404_in_json(scene, db, path, method):
    response = Client(enforce_csrf_checks=True).generic(method, f"/api/v1/{path}", "{}", content_type="application/json")
    assert (response.status_code, response.headers["Content-Type"]) == (404, "application/json")
    assert response.json() == {"error": "There is nothing here; /api/v1/docs tells what there is."}


def test_method_that_is_not_there_is_405_in_json(scene, operator):
    response = Client().delete("/api/v1/queues", headers=bearer(operator))
    assert (response.status_code, response.json(), response.headers["Allow"]) == (405, {"error": "Possible here: GET."}, "GET")


def test_a_body_that_is_no_json_is_400(scene, operator):
    response = Client().post("/api/v1/locks/release", "{", content_type="application/json", headers=bearer(operator))

    assert response.status_code == 400
    assert "error" in response.json()


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nobody"}, {"Authorization": "Basic eA=="}, {"Authorization": "Bearer \udcff"}])
def test_anonymous_is_401_in_json(scene, db, headers):
    lock = scene.orphan()

    answers = [Client().get("/api/v1/locks", headers=headers), post(Client(), f"/api/v1/locks/{lock.id}/release", {}, **headers)]

    for response in answers:
        assert response.status_code == 401
        assert "token" in response.json()["error"]
    assert scene.value(lock.raw_key) is not None


def test_the_token_of_somebody_who_may_no_longer_log_in_is_401(scene, viewer):
    headers = bearer(viewer)
    viewer.is_active = False
    viewer.save()

    assert Client().get("/api/v1/locks", headers=headers).status_code == 401
