import json

import pytest
from django.test import Client

from dashboard.records.identity import identity
from tests.dashboard.api.calls import bearer
from tests.dashboard.api.test_queues import put
from tests.dashboard.commands.test_locks import run
from tests.factories import make_source

__all__ = ["put"]
pytestmark = pytest.mark.django_db
FIELDS = [
    "id", "name", "state", "pid", "pool", "processes", "concurrency", "busy", "active", "reserved", "scheduled", "processed", "load", "software", "queues",
    "tasks", "locks", "answers", "sends_events", "clock_skew_ms", "first_heard_at", "last_heard_at", "said_offline_at", "connection_gone_at", "evidence",
    "evidence_codes", "warnings", "warning_codes", "before",
]  # fmt: skip


def test_workers_are_listed_in_the_form_that_programs_rely_on(put, viewer):
    put()
    client = Client(headers=bearer(viewer))
    answer = client.get("/api/v1/workers").json()
    [row] = answer["workers"]
    assert list(row) == FIELDS
    assert (row["name"], row["state"], row["busy"], row["reserved"], row["answers"]) == ("worker-b@web-2", "online", 0, None, True)
    assert client.get(f"/api/v1/workers/{identity('worker-b@web-2')}").json()["worker"]["pid"] == 790
    assert client.get("/api/v1/workers/unknown").status_code == 404
    assert client.get("/api/v1/workers?q=state:gone").json()["workers"] == []


def test_nobody_gets_in_without_the_permission(put, django_user_model):
    put()
    assert Client().get("/api/v1/workers").status_code == 401
    assert Client().get("/api/v1/workers", headers=bearer(django_user_model.objects.create_user("bob"))).status_code == 403


def test_command_prints_the_same_and_a_table(put, capsys):
    put()
    status, out, _ = run(capsys, "workers", "--json")
    assert (status, [list(row) for row in json.loads(out)["workers"]]) == (0, [FIELDS])
    status, out, _ = run(capsys, "workers")
    assert status == 0
    assert "worker-b@web-2" in out
    assert "No worker matches the filter; 1 are known." in run(capsys, "workers", "--q", "nosuch")[1]


def test_workers_that_cannot_be_asked_are_status_3(put, capsys):
    put(workers=(), sources=(make_source("workers", ok=False, reason="refused"),))
    status, out, err = run(capsys, "workers")
    assert (status, "Nothing is known of workers" in out, "workers: refused" in err) == (3, True, True)
