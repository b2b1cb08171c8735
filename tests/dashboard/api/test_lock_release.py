"""Releases by programs: compared, recorded, once under one key, and only by those who may."""

import pytest
from django.test import Client

from dashboard.models import OperatorAct
from tests.dashboard.acts.pages import logged_in
from tests.dashboard.acts.scene import orphan_token
from tests.dashboard.api.calls import bearer, post

pytestmark = pytest.mark.django_db


def test_a_release_by_token_is_done_and_recorded(scene, operator):
    lock = scene.orphan()

    response = post(Client(), f"/api/v1/locks/{lock.id}/release", {"token_digest": lock.token_digest, "reason": "its worker died"}, **bearer(operator))

    answer = response.json()
    assert response.status_code == 200
    assert (answer["state"], answer["code"], answer["replayed"]) == ("done", "released", False)
    assert scene.value(lock.raw_key) is None
    act = OperatorAct.objects.get()
    assert (str(act.pk), act.origin, act.username) == (answer["act"], "api", "olga")


def test_a_release_with_the_id_in_the_body(scene, operator):
    lock = scene.orphan()

    response = post(Client(), "/api/v1/locks/release", {"id": lock.id, "token_digest": lock.token_digest, "reason": "gone"}, **bearer(operator))

    assert response.status_code == 200
    assert scene.value(lock.raw_key) is None


def test_the_same_idempotency_key_is_one_act(scene, operator):
    lock = scene.orphan()
    headers = {**bearer(operator), "Idempotency-Key": "k1"}
    body = {"token_digest": lock.token_digest, "reason": "gone"}

    first = post(Client(), f"/api/v1/locks/{lock.id}/release", body, **headers).json()
    second = post(Client(), f"/api/v1/locks/{lock.id}/release", body, **headers).json()

    assert (second["act"], second["replayed"]) == (first["act"], True)


def test_another_token_is_a_conflict_and_nothing_changes(scene, operator):
    lock = scene.orphan()

    response = post(Client(), f"/api/v1/locks/{lock.id}/release", {"token_digest": "0" * 16, "reason": "gone"}, **bearer(operator))

    assert response.status_code == 409
    assert response.json()["code"] == "changed_hands"
    assert scene.value(lock.raw_key) is not None


def test_a_lock_that_is_gone_is_404(scene, operator):
    lock = scene.orphan()
    scene.redis.delete(lock.raw_key)

    response = post(Client(), f"/api/v1/locks/{lock.id}/release", {"token_digest": lock.token_digest, "reason": "gone"}, **bearer(operator))

    assert (response.status_code, response.json()["code"]) == (404, "already_gone")


def test_force_needs_its_own_permission(scene, operator, admin):
    lock = scene.plain()
    body = {"token_digest": lock.token_digest, "reason": "gone"}
    path = f"/api/v1/locks/{lock.id}/release"

    assert post(Client(), path, body, **bearer(operator)).json()["code"] == "needs_force"
    assert post(Client(), path, {**body, "force": True}, **bearer(operator)).status_code == 403
    assert scene.value(lock.raw_key) is not None
    assert post(Client(), path, {**body, "force": True}, **bearer(admin)).status_code == 200


def test_without_the_permission_it_is_403_in_json(scene, viewer):
    lock = scene.orphan()

    response = post(Client(), f"/api/v1/locks/{lock.id}/release", {"token_digest": lock.token_digest, "reason": "x"}, **bearer(viewer))

    assert response.status_code == 403
    assert "lockhouse.release_lock" in response.json()["error"]
    assert scene.value(lock.raw_key) is not None


def test_a_session_needs_a_csrf_token_to_change_something(scene, operator):
    lock = scene.orphan()
    client = logged_in(operator, enforce_csrf_checks=True)
    body = {"token_digest": lock.token_digest, "reason": "x"}
    path = f"/api/v1/locks/{lock.id}/release"

    assert client.get("/api/v1/locks").status_code == 200
    refused = post(client, path, body)
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["error"]
    assert scene.value(lock.raw_key) is not None

    client.get("/acts/")
    assert post(client, path, body, **{"X-CSRFToken": client.cookies["csrftoken"].value}).status_code == 200


def test_read_only_is_403(scene, operator, settings):
    lock = scene.orphan()
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "READ_ONLY": True}

    response = post(Client(), f"/api/v1/locks/{lock.id}/release", {"token_digest": lock.token_digest, "reason": "x"}, **bearer(operator))

    assert (response.status_code, response.json()["code"]) == (403, "read_only")


def test_several_are_released_each_by_itself(scene, operator):
    from tests.dashboard.acts.test_bulk import seen

    picked = seen(scene, scene.take("lock_a", token=orphan_token()), scene.take("lock_live"))

    response = post(
        Client(),
        "/api/v1/locks/release-many",
        {"locks": [{"id": lock_id, "token_digest": digest} for lock_id, digest in picked], "reason": "died"},
        **bearer(operator),
    )

    answer = response.json()
    assert response.status_code == 200
    assert (answer["state"], answer["code"]) == ("done", "released_some")
    assert [(row["name"], row["state"], row["code"]) for row in answer["locks"]] == [("lock_a", "done", "released"), ("lock_live", "refused", "not_proved")]
    assert [row["id"] for row in answer["locks"]] == [lock_id for lock_id, _digest in picked]


def test_a_viewer_releases_none_of_several(scene, viewer):
    lock = scene.orphan()

    response = post(Client(), "/api/v1/locks/release-many", {"locks": [{"id": lock.id, "token_digest": lock.token_digest}], "reason": "x"}, **bearer(viewer))

    assert response.status_code == 403
    assert scene.value(lock.raw_key) is not None
