"""Locks as programs get them: in a form that they rely on, filtered, in pages, and with what is not known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from dashboard.records import Run
from tests.dashboard.acts.scene import WORKER, orphan_token, tell_note
from tests.dashboard.api.calls import bearer

pytestmark = pytest.mark.django_db
FIELDS = [
    "id", "cache", "key", "name", "dialect", "token_digest", "ttl_ms", "acquired_at", "verdict", "flags", "evidence", "evidence_codes", "evidence_facts",
    "holder", "refused_last_hour", "waiting", "lost_last_hour", "counted_since", "blocks", "label", "model", "object_id", "taken_by", "no_release",
    "timeout_ms", "expires_at", "lapsed_at", "seen_at",
]  # fmt: skip


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


def test_one_lock_is_the_token_that_is_under_its_key_now_though_a_run_goes_on_without_it(scene, viewer):
    left = scene.orphan()
    scene.redis.delete(left.raw_key)
    held = scene.plain()
    going = replace(left.claim, pid=900)
    run = Run(task_id=going.task_id, name=going.task_name, worker=WORKER, pid=900, started_at=left.seen_at, last_active_at=left.seen_at)
    scene.put([replace(left, claim=going, lapsed_at=left.seen_at), held], runs=[run])
    client = Client(headers=bearer(viewer))

    listed = client.get("/api/v1/locks").json()["locks"]
    row = client.get(f"/api/v1/locks/{held.id}").json()["lock"]

    assert [one["verdict"] for one in listed] == ["overrun", "unknown"]
    assert (row["token_digest"], row["ttl_ms"] > 0) == (held.token_digest, True)


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


def test_what_a_source_does_not_see_is_said_with_every_list(scene, viewer):
    scene.orphan()
    note = "More than 20,000 locks are held at once in cache shop: those beyond are not listed. Narrow LOCKHOUSE_LOCK_PATTERNS."
    tell_note("cache shop", note)

    answers = [Client().get(f"/api/v1/{noun}", headers=bearer(viewer)).json() for noun in ("locks", "queues", "overview")]

    assert [answer["notes"] for answer in answers] == [{"cache shop": [note]}] * 3
