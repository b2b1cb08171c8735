import itertools
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from dashboard import connections, snapshot
from dashboard.records import Minute, RememberedRun
from dashboard.records.identity import identity
from tests.dashboard.api.calls import bearer
from tests.factories import make_snapshot, make_source, make_task, make_worker

pytestmark = pytest.mark.django_db
NAME = "reports_prepare_massive_report"
FIELDS = [
    "id", "name", "prefix", "states", "known_from", "registered_on", "not_registered_on", "not_told_by", "queues", "origins", "schedules", "locks", "active",
    "per_minute", "counted_since", "missed_since", "missed_until",
    "received_last_hour", "succeeded_last_hour", "failed_last_hour", "refused_last_hour", "retried_last_hour",
    "revoked_last_hour", "thrown_away_last_hour", "median_runtime_ms", "p95_runtime_ms", "last_worked", "last_failed", "last_refused", "first_seen_at",
    "last_sent_at", "nearest", "warnings", "warning_codes",
]  # fmt: skip
_versions = itertools.count(5000)


@pytest.fixture
def put(watching):
    """Put a snapshot of this moment with these tasks."""

    def put(*tasks, **sections):
        now, number = datetime.now(UTC), next(_versions)
        worker = make_worker(last_heard_at=now, answered_at=now, asked_at=now, active=())
        known = make_snapshot(**({"at": now, "version": number, "tasks": tasks, "workers": (worker,), "runs": (), "locks": ()} | sections))
        assert snapshot.put(connections.own(), known, dict.fromkeys(snapshot.SECTIONS, number), set(snapshot.SECTIONS), epoch=1)

    return put


def test_tasks_are_listed_in_the_form_that_programs_rely_on(put, viewer):
    now = datetime.now(UTC)
    worked = RememberedRun(task_id="d9", at=now, worker="worker-b@web-2", runtime=timedelta(seconds=38))
    failed = RememberedRun(task_id="d8", at=now, error="ValueError('customer 12')")
    put(make_task(minutes=(Minute(int(now.timestamp()) // 60, 5, 3, 1, 1),), worked=worked, failed=failed, counted_since=now - timedelta(hours=1)))

    response = Client().get("/api/v1/tasks", headers=bearer(viewer))

    answer = response.json()
    [row] = answer["tasks"]
    assert response.status_code == 200
    assert list(row) == FIELDS
    assert (row["name"], row["prefix"], row["registered_on"], row["queues"]) == (NAME, "reports_", ["worker-b@web-2"], ["reports"])
    assert [row[f"{kind}_last_hour"] for kind in ("received", "succeeded", "failed", "refused")] == [5, 3, 1, 1]
    assert (row["last_worked"]["task_id"], row["last_worked"]["runtime_ms"], row["last_failed"]["error"]) == ("d9", 38_000, "ValueError")
    assert (answer["unavailable"], answer["total"], answer["next_cursor"]) == ({}, 1, None)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("SoftTimeLimitExceeded()", "SoftTimeLimitExceeded"),
        ("billiard.exceptions.WorkerLostError: Worker exited, job 7", "billiard.exceptions.WorkerLostError"),
        ("KeyboardInterrupt", "KeyboardInterrupt"),
        ("<Denied for customer 12, password=hunter2>", None),
        ("customer 12 has no password", None),
    ],
)
def test_failure_is_told_by_its_kind_whatever_its_repr_says(put, viewer, error, told):
    put(make_task(failed=RememberedRun(task_id="d8", at=datetime.now(UTC), error=error)))
    [row] = Client().get("/api/v1/tasks", headers=bearer(viewer)).json()["tasks"]
    assert row["last_failed"]["error"] == told


def test_what_is_not_known_is_null(put, viewer):
    put(make_task(counted_since=None))
    [row] = Client().get("/api/v1/tasks", headers=bearer(viewer)).json()["tasks"]
    unknown = ["counted_since", "per_minute", "received_last_hour", "failed_last_hour", "refused_last_hour", "median_runtime_ms", "last_worked"]
    assert {row[name] for name in unknown} == {None}


def test_unknown_name_comes_first_with_the_nearest(put, viewer):
    put(make_task(), make_task(name="reports_prepare_massive_reprot", last_sent_at=datetime.now(UTC)))
    first = Client().get("/api/v1/tasks", headers=bearer(viewer)).json()["tasks"][0]
    assert (first["name"], first["nearest"], first["warning_codes"]) == ("reports_prepare_massive_reprot", [NAME], ["task_unknown", "task_near"])


def test_filter_and_pages(put, viewer):
    put(*(make_task(name=f"t_{number}") for number in range(5)))
    client = Client(headers=bearer(viewer))
    page = client.get("/api/v1/tasks?limit=2&q=task:t_").json()
    rest = client.get(f"/api/v1/tasks?limit=10&q=task:t_&cursor={page['next_cursor']}").json()
    assert [row["name"] for row in page["tasks"] + rest["tasks"]] == [f"t_{number}" for number in range(5)]


def test_one_task_by_its_id(put, viewer):
    put(make_task())
    client = Client(headers=bearer(viewer))
    assert client.get(f"/api/v1/tasks/{identity(NAME)}").json()["task"]["name"] == NAME
    assert client.get("/api/v1/tasks/unknown").status_code == 404


def test_nobody_gets_in_without_the_permission(put, django_user_model):
    put(make_task())
    assert Client().get("/api/v1/tasks").status_code == 401
    assert Client().get("/api/v1/tasks", headers=bearer(django_user_model.objects.create_user("bob"))).status_code == 403


def test_source_that_is_away_is_said(put, viewer):
    put(make_task(), sources=(make_source("workers", ok=False, reason="could not be asked"),))
    assert Client().get("/api/v1/tasks", headers=bearer(viewer)).json()["unavailable"] == {"workers": "could not be asked"}
