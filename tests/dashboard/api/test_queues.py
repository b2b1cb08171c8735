import itertools
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from dashboard import connections, snapshot
from dashboard.records import QueueHead
from tests.dashboard.api.calls import bearer
from tests.factories import make_queue, make_snapshot, make_source, make_worker

pytestmark = pytest.mark.django_db
FIELDS = [
    "id", "name", "ready", "ready_by_priority", "unacked", "eta", "consumers", "oldest_age_ms", "oldest_age_is_minimum", "in_per_s", "out_per_s",
    "drains_in_ms", "why", "why_code", "warnings", "warning_codes",
]  # fmt: skip
_versions = itertools.count(1000)


@pytest.fixture
def put(watching):
    """Put a snapshot of this moment with these queues."""

    def put(*queues, **sections):
        now, number = datetime.now(UTC), next(_versions)
        worker = make_worker(last_heard_at=now, answered_at=now, asked_at=now, active=(), active_at=now)
        known = make_snapshot(**({"at": now, "version": number, "queues": queues, "workers": (worker,)} | sections))
        assert snapshot.put(connections.own(), known, dict.fromkeys(snapshot.SECTIONS, number), set(snapshot.SECTIONS), epoch=1)

    return put


def test_queues_are_listed_in_the_form_that_programs_rely_on(put, viewer):
    oldest = datetime.now(UTC) - timedelta(seconds=40)
    put(make_queue(ready=60, ready_by_priority={"0": 60}, unacked=3, eta=1, in_per_s=1.0, out_per_s=3.0, grown=-9, oldest_at=oldest, oldest_is_minimum=True))

    response = Client().get("/api/v1/queues", headers=bearer(viewer))

    answer = response.json()
    [row] = answer["queues"]
    assert response.status_code == 200
    assert list(row) == FIELDS
    assert (row["name"], row["ready"], row["unacked"], row["eta"], row["consumers"]) == ("reports", 60, 3, 1, ["worker-b@web-2"])
    assert 40_000 <= row["oldest_age_ms"] < 45_000
    assert (row["oldest_age_is_minimum"], row["in_per_s"], row["out_per_s"], row["drains_in_ms"]) == (True, 1.0, 3.0, 30_000)
    assert (row["why"], row["warnings"]) == ("it drains: 3.0/s leave it, 1.0/s come in", [])
    assert (answer["unavailable"], answer["total"], answer["next_cursor"]) == ({}, 1, None)
    assert datetime.fromisoformat(answer["as_of"]).tzinfo is not None


def test_what_is_not_known_is_null(put, viewer):
    put(make_queue(ready=1, unacked=None, eta=None, consumers=None))
    [row] = Client().get("/api/v1/queues", headers=bearer(viewer)).json()["queues"]
    assert {row[name] for name in ("unacked", "eta", "consumers", "oldest_age_ms", "in_per_s", "out_per_s", "drains_in_ms")} == {None}


def test_warnings_come_first_in_words_and_codes(put, viewer):
    put(make_queue(), make_queue(name="zzz", ready=1, consumers=(), unread_since=datetime.now(UTC) - timedelta(minutes=1)))
    first = Client().get("/api/v1/queues", headers=bearer(viewer)).json()["queues"][0]
    assert (first["name"], first["warning_codes"], first["why_code"]) == ("zzz", ["no_reader"], "queue_nobody_reads")
    assert "no worker has read it" in first["warnings"][0]


def test_filter_and_pages(put, viewer):
    put(*(make_queue(name=f"q{number}") for number in range(5)))
    client = Client(headers=bearer(viewer))
    page = client.get("/api/v1/queues?limit=2").json()
    rest = client.get(f"/api/v1/queues?limit=10&cursor={page['next_cursor']}").json()
    assert [row["name"] for row in page["queues"] + rest["queues"]] == [f"q{number}" for number in range(5)]
    assert [row["name"] for row in client.get("/api/v1/queues?q=queue:q3").json()["queues"]] == ["q3"]


def test_one_queue_by_its_id(put, viewer):
    put(make_queue())
    client = Client(headers=bearer(viewer))
    assert client.get(f"/api/v1/queues/{make_queue().id}").json()["queue"]["name"] == "reports"
    assert client.get("/api/v1/queues/unknown").status_code == 404


def test_nobody_gets_in_without_the_permission(put, django_user_model):
    put(make_queue())
    assert Client().get("/api/v1/queues").status_code == 401
    assert Client().get("/api/v1/queues", headers=bearer(django_user_model.objects.create_user("bob"))).status_code == 403


def test_hostile_names_are_sent_as_they_are_shown(put, viewer):
    head = QueueHead(priority="0", mark="x", task_name="<b>", problem="not-json")
    put(make_queue(name="<script>\u202e", ready=1, heads=(head,)))
    [row] = Client().get("/api/v1/queues", headers=bearer(viewer)).json()["queues"]
    assert row["name"] == "<script>\u202e"


def test_broker_that_is_away_is_said(put, viewer):
    put(make_queue(), sources=(make_source("broker", ok=False, reason="Connection refused"),))
    assert Client().get("/api/v1/queues", headers=bearer(viewer)).json()["unavailable"] == {"broker": "Connection refused"}
