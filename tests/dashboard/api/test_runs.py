import pytest
from django.test import Client

from dashboard.records.identity import identity
from tests.dashboard.api.calls import bearer
from tests.dashboard.api.test_queues import put
from tests.factories import ago, make_run, make_source

__all__ = ["put"]
pytestmark = pytest.mark.django_db
FIELDS = [
    "id", "run", "task_id", "task", "state", "retries", "redelivered", "worker", "pid", "queue", "origin", "parent_id", "root_id", "sent_at", "eta_at",
    "expires_at", "received_at", "started_at", "ended_at", "runtime_ms", "args", "kwargs", "result", "error", "locks", "refused_by", "refused_lock_id",
    "evidence", "evidence_codes", "clock_skew_ms", "seen_at",
]  # fmt: skip
RUN = make_run(kwargs="{'password': 'hunter2'}")


def test_runs_are_listed_in_the_form_that_programs_rely_on(put, operator):
    put(runs=(RUN,))
    answer = Client().get("/api/v1/runs", headers=bearer(operator)).json()
    [row] = answer["runs"]
    assert list(row) == FIELDS
    assert (row["id"], row["state"], row["worker"], row["args"]) == (identity(RUN.task_id), "active", "worker-b@web-2", "(12,)")
    assert "hunter2" not in row["kwargs"]
    assert (answer["unavailable"], answer["total"], answer["next_cursor"], answer["more"]) == ({}, 1, None, 0)


def test_arguments_are_null_without_their_permission(put, viewer):
    put(runs=(RUN,))
    [row] = Client().get("/api/v1/runs", headers=bearer(viewer)).json()["runs"]
    assert (row["args"], row["kwargs"], row["result"]) == (None, None, None)


def test_filter_and_pages(put, viewer):
    put(runs=tuple(make_run(task_id=f"run-{number}") for number in range(5)))
    client = Client(headers=bearer(viewer))
    page = client.get("/api/v1/runs?limit=2").json()
    rest = client.get(f"/api/v1/runs?limit=10&cursor={page['next_cursor']}").json()
    assert [row["task_id"] for row in page["runs"] + rest["runs"]] == [f"run-{number}" for number in range(5)]
    assert [row["task_id"] for row in client.get("/api/v1/runs?q=id:run-3").json()["runs"]] == ["run-3"]


def test_one_run_comes_with_the_tries_before_it(put, viewer):
    put(runs=(make_run(retries=1), make_run(outcome="RETRY", ended_at=RUN.started_at)))
    client = Client(headers=bearer(viewer))
    answer = client.get(f"/api/v1/runs/{identity(RUN.task_id)}").json()
    assert (answer["run"]["retries"], [row["state"] for row in answer["before"]]) == (1, ["retried"])
    assert client.get("/api/v1/runs/unknown").status_code == 404


def test_tries_and_deliveries_of_one_task_share_their_id_and_have_a_run_of_their_own(put, viewer):
    first = make_run(outcome="RETRY", started_at=ago(seconds=90), ended_at=ago(seconds=85))
    again = make_run(retries=1, worker="a@web-1", started_at=ago(seconds=80), ended_at=ago(seconds=70))
    put(runs=(first, again, make_run(retries=1, worker="b@web-2", started_at=ago(seconds=60), redelivered=True)))

    rows = Client().get("/api/v1/runs", headers=bearer(viewer)).json()["runs"]

    assert len(rows) == 3
    assert {row["id"] for row in rows} == {identity(RUN.task_id)}
    assert sorted(row["run"] for row in rows) == [f"{identity(RUN.task_id)}-{end}" for end in ("0", "1", "1-1")]


def test_nobody_gets_in_without_the_permission(put, django_user_model):
    put()
    assert Client().get("/api/v1/runs").status_code == 401
    assert Client().get("/api/v1/runs", headers=bearer(django_user_model.objects.create_user("bob"))).status_code == 403


def test_events_that_cannot_be_received_are_said(put, viewer):
    put(sources=(make_source("events", ok=False, reason="refused"),))
    assert Client().get("/api/v1/runs", headers=bearer(viewer)).json()["unavailable"] == {"events": "refused"}
