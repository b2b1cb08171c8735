from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from tests.dashboard.api.calls import bearer
from tests.dashboard.api.test_queues import put
from tests.factories import make_schedule, make_source

__all__ = ["put"]
pytestmark = pytest.mark.django_db
FIELDS = [
    "id", "name", "source", "task", "args", "kwargs", "can_be_sent", "queue", "schedule", "interval_ms", "is_enabled", "is_one_off", "starts_at", "ends_at",
    "state", "why", "warnings", "warning_codes", "last_sent_at", "last_is_from", "last_task_id", "next_at", "missed", "origin", "senders", "seen_count",
    "seen_since",
]  # fmt: skip


def overdue(**changes):
    last = datetime.now(UTC) - timedelta(seconds=35)
    known = {"origin": "gen1@web", "last_sent_at": last, "next_at": last + timedelta(seconds=10), "due_by": last + timedelta(seconds=12), "missed": 2}
    return make_schedule(**(known | changes))


def test_schedules_are_listed_in_the_form_that_programs_rely_on(put, operator):
    put(schedules=(overdue(kwargs='{"password": "hunter2"}'),))

    answer = Client().get("/api/v1/schedules", headers=bearer(operator)).json()

    [row] = answer["schedules"]
    assert list(row) == FIELDS
    assert (row["state"], row["missed"], row["schedule"], row["interval_ms"], row["args"]) == ("missed", 2, "every 10 s", 10_000, "[42]")
    assert "hunter2" not in row["kwargs"]
    assert [(beat["name"], beat["overdue"]) for beat in answer["silent_beats"]] == [("gen1@web", 1)]
    assert (answer["unavailable"], answer["total"], answer["next_cursor"]) == ({}, 1, None)


def test_arguments_are_null_without_their_permission(put, viewer):
    put(schedules=(overdue(),))

    [row] = Client().get("/api/v1/schedules", headers=bearer(viewer)).json()["schedules"]

    assert (row["args"], row["kwargs"]) == (None, None)


def test_what_is_not_known_is_null(put, viewer):
    put(schedules=(make_schedule(queue=None, interval=None),))

    [row] = Client().get("/api/v1/schedules", headers=bearer(viewer)).json()["schedules"]

    assert {row[name] for name in ("queue", "interval_ms", "last_sent_at", "last_task_id", "next_at", "missed", "origin", "seen_since")} == {None}
    assert row["state"] == "untold"


def test_filter_and_pages(put, viewer):
    put(schedules=tuple(make_schedule(name=f"entry {number}", id=f"{number:016x}") for number in range(5)))
    client = Client(headers=bearer(viewer))

    page = client.get("/api/v1/schedules?limit=2").json()
    rest = client.get(f"/api/v1/schedules?limit=10&cursor={page['next_cursor']}").json()

    assert [row["name"] for row in page["schedules"] + rest["schedules"]] == [f"entry {number}" for number in range(5)]
    assert client.get("/api/v1/schedules", {"q": '"entry 3"'}).json()["total"] == 1


def test_source_that_is_away_is_said(put, viewer):
    put(schedules=(overdue(),), sources=(make_source("events", ok=False, reason="refused"),))

    answer = Client().get("/api/v1/schedules", headers=bearer(viewer)).json()

    assert answer["unavailable"] == {"events": "refused"}
    assert (answer["schedules"][0]["state"], answer["silent_beats"]) == ("untold", [])


def test_nobody_reads_schedules_unasked():
    assert Client().get("/api/v1/schedules").status_code == 401
