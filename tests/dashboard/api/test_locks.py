import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from dashboard.acts.tokens import make_token
from dashboard.models import ApiToken, OperatorAct
from tests.dashboard.acts.scene import orphan_token, tell_note
from tests.dashboard.acts.test_pages import logged_in

pytestmark = pytest.mark.django_db
FIELDS = [
    "id", "cache", "key", "name", "dialect", "token_digest", "ttl_ms", "acquired_at", "verdict", "flags", "evidence", "evidence_codes", "evidence_facts",
    "holder", "refused_last_hour", "waiting", "lost_last_hour", "blocks", "label", "model", "object_id", "taken_by", "no_release", "timeout_ms",
    "lapsed_at", "seen_at",
]  # fmt: skip


def bearer(user) -> dict[str, str]:
    return {"Authorization": f"Bearer {make_token(user, 'test')}"}


def post(client: Client, path: str, body: object, **headers):
    return client.post(path, json.dumps(body), content_type="application/json", headers=headers)


def test_locks_are_listed_in_the_form_that_programs_rely_on(scene, viewer):
    lock = scene.orphan()

    response = Client().get("/api/v1/locks", headers=bearer(viewer))

    answer = response.json()
    [row] = answer["locks"]
    assert response.status_code == 200
    assert list(row) == FIELDS
    assert (row["id"], row["token_digest"], row["verdict"], row["name"]) == (lock.id, lock.token_digest, "orphaned", "lock_report_7")
    assert row["acquired_at"].endswith("Z")
    assert datetime.fromisoformat(answer["as_of"]).tzinfo is not None
    assert 0 < row["ttl_ms"] <= 60_000
    assert row["holder"]["certainty"] == "exact"
    assert row["evidence"][-1].startswith("run d9c26803") or any("pid 815" in sentence for sentence in row["evidence"])
    assert answer["unavailable"] == answer["notes"] == {}
    assert answer["total"] == 1
    assert answer["next_cursor"] is None


def test_a_lock_that_never_expires_has_no_ttl(scene, viewer):
    scene.plain(timeout=None)

    [row] = Client().get("/api/v1/locks", headers=bearer(viewer)).json()["locks"]

    assert row["ttl_ms"] is None
    assert row["verdict"] == "never-expires"


def test_the_token_leaves_in_no_answer(scene, viewer):
    token = orphan_token()
    lock = scene.see(scene.take(token=token))
    client = Client(headers=bearer(viewer))

    for path in ("/api/v1/locks", f"/api/v1/locks/{lock.id}"):
        assert token not in client.get(path).content


def test_one_lock_and_one_that_is_not_there(scene, viewer):
    lock = scene.orphan()
    client = Client(headers=bearer(viewer))

    assert client.get(f"/api/v1/locks/{lock.id}").json()["lock"]["id"] == lock.id
    missing = client.get("/api/v1/locks/" + "0" * 16)
    assert missing.status_code == 404
    assert "error" in missing.json()


def test_pages_go_on_after_the_last_row_that_was_sent(scene, viewer):
    keys = [scene.take(f"lock_{number}") for number in range(5)]
    scene.see(*keys)
    client = Client(headers=bearer(viewer))

    first = client.get("/api/v1/locks", {"limit": 2}).json()
    second = client.get("/api/v1/locks", {"limit": 2, "cursor": first["next_cursor"]}).json()
    third = client.get("/api/v1/locks", {"limit": 2, "cursor": second["next_cursor"]}).json()

    assert len({row["id"] for page in (first, second, third) for row in page["locks"]}) == 5
    assert third["next_cursor"] is None
    assert client.get("/api/v1/locks", {"cursor": "none of ours"}).status_code == 422


def test_the_filter_is_the_pages(scene, viewer):
    scene.see(scene.take("lock_a", token=orphan_token()), scene.take("lock_b"))
    client = Client(headers=bearer(viewer))

    found = [
        client.get("/api/v1/locks", {"q": q}).json()["total"] for q in ("lock_", "lock_a", "verdict:orphaned", "verdict:held", "worker:web-1 task:reports_")
    ]

    assert found == [2, 1, 1, 0, 1]


def test_a_silent_observer_is_said(scene, viewer):
    scene.put([], at=datetime.now(UTC) - timedelta(minutes=1))

    assert "observer" in Client().get("/api/v1/locks", headers=bearer(viewer)).json()["unavailable"]


def test_without_any_observer_nothing_is_claimed(watching, viewer):
    answer = Client().get("/api/v1/locks", headers=bearer(viewer)).json()

    assert answer["as_of"] is None
    assert "observer" in answer["unavailable"]


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


@pytest.mark.parametrize("path", ["nonesuch", "nonesuch/", "queues/", "queues/../x", "locks/0123456789abcdef/nonesuch"])
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


def test_a_token_is_kept_as_a_hash_and_its_use_is_noted(watching, viewer):
    token = make_token(viewer, "grafana")

    Client().get("/api/v1/locks", headers={"Authorization": f"Bearer {token}"})

    kept = ApiToken.objects.get()
    assert token not in str(vars(kept))
    assert kept.last_used_at is not None


def test_the_documentation_needs_no_other_host(watching, db):
    page = Client().get("/api/v1/docs").content.decode()
    openapi = Client().get("/api/v1/openapi.json").json()

    assert "http://" not in page
    assert "https://" not in page
    assert finders.find(re.search(r"static/(ninja/swagger-ui-bundle\.js)", page)[1])
    assert {"/api/v1/locks", "/api/v1/locks/{lock_id}", "/api/v1/locks/{lock_id}/release", "/api/v1/locks/release"} <= set(openapi["paths"])


def test_what_is_not_there_is_404_in_json(watching, viewer):
    response = Client().get("/api/v1/nothing", headers=bearer(viewer))

    assert response.status_code == 404


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


def test_what_a_source_does_not_see_is_said_with_every_list(scene, viewer):
    scene.orphan()
    note = "More than 20,000 locks are held at once in cache shop: those beyond are not listed. Narrow LOCKHOUSE_LOCK_PATTERNS."
    tell_note("cache shop", note)

    answers = [Client().get(f"/api/v1/{noun}", headers=bearer(viewer)).json() for noun in ("locks", "queues", "overview")]

    assert [answer["notes"] for answer in answers] == [{"cache shop": [note]}] * 3
