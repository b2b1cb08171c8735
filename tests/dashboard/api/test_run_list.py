"""Runs of the snapshot and of the history as one list: everything once, the newer word of the two, and no page that counts."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from time import time

import pytest
from django.test import Client

from dashboard.history import names_read
from dashboard.history.rows import SUCCEEDED, US, Batch
from dashboard.models import TaskRun
from dashboard.records import Observer
from dashboard.records.identity import identity
from tests.dashboard.api.calls import bearer
from tests.dashboard.api.known_runs import ACTIVE, ENDED, known, listed
from tests.dashboard.api.test_queues import put
from tests.dashboard.history.made import BASE_US, make_row
from tests.factories import make_run

__all__ = ["known", "put"]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 32, 100])
def test_every_run_is_listed_once_whatever_the_pages(known, viewer, limit):
    found = listed(viewer, limit=limit)

    assert [state for _id, state in found[:2]] == ["active", "active"]
    assert found[2:4] == [(ENDED, "succeeded"), ("run-29", "failed")]
    assert [task_id for task_id, _state in found[4:]] == [f"run-{number}" for number in reversed(range(28))]


@pytest.mark.parametrize("path", ["runs", "workers", "queues", "locks/0000000000000000/history"])
def test_cursor_that_no_answer_gave_is_an_error(known, viewer, path):
    answer = Client(headers=bearer(viewer)).get(f"/api/v1/{path}?cursor=zzz")
    assert (answer.status_code, answer.json()) == (422, {"error": "cursor takes the next_cursor of the page before"})


def test_what_the_snapshot_says_otherwise_is_not_found_by_what_was_written(known, viewer):
    assert listed(viewer, "state:unknown") == [], "the history does not know yet how run-29 ended; the snapshot does"


def test_a_run_that_nobody_followed_to_its_end_is_not_called_going(known, viewer, put):
    put(runs=())

    assert ("run-28", "unknown") in listed(viewer)


def test_a_run_that_was_written_before_the_snapshot_has_it_goes_on(known, viewer):
    """The history is read after the snapshot, and may be ahead of it."""
    now_us = int(time() * US)
    known.write(Batch(rows=[make_row(task_id="new", id=now_us * 256, received_us=now_us, started_us=now_us, heard_us=now_us)]), now_us)

    assert ("new", "active") in listed(viewer)
    assert "new" not in dict(listed(viewer, "state:unknown"))


@pytest.mark.parametrize("received_us", [0, 3])
def test_a_run_that_the_snapshot_had_before_it_was_written_is_listed_once(known, viewer, put, received_us):
    now = datetime.now(UTC)
    at_us = round(now.timestamp() * US)
    known.write(Batch(rows=[make_row(task_id="new", id=at_us * 256, received_us=at_us, heard_us=at_us)]), at_us)
    put(runs=(make_run(task_id="new", row=0, received_at=now + timedelta(microseconds=1) if received_us else None),))

    assert [task_id for task_id, _state in listed(viewer)].count("new") == 1


def test_another_delivery_of_a_run_that_is_not_written_yet_is_another_run(known, viewer, put):
    put(runs=(make_run(task_id="run-20", row=0, received_at=datetime.now(UTC)),))

    assert [task_id for task_id, _state in listed(viewer)].count("run-20") == 2


def test_a_run_for_which_the_snapshot_has_no_room_goes_on_as_far_as_was_told(known, viewer, put):
    now = datetime.now(UTC)
    since = Observer(leader="ours:1", since=now - timedelta(minutes=10))
    minute_us = int((now.timestamp() - 60) * US)
    rows = [make_row(task_id="beyond", id=minute_us * 256, received_us=minute_us, heard_us=minute_us)]
    known.write(Batch(rows=rows), minute_us)
    put(runs=(), more_runs=1, observer=since)

    found = dict(listed(viewer))

    assert (found["beyond"], found["run-28"]) == ("received", "unknown"), "the latter was heard of before this observer began"
    [row] = [one for one in Client(headers=bearer(viewer)).get("/api/v1/runs").json()["runs"] if one["task_id"] == "beyond"]
    assert row["evidence"] == ["as the history has it, for more go on than are at hand"]


def test_one_run_of_the_history_has_its_page_and_its_whole_life(known, operator):
    client = Client(headers=bearer(operator))
    answer = client.get(f"/api/v1/runs/{identity('run-20')}").json()
    assert (answer["run"]["state"], answer["run"]["task"], answer["before"]) == ("failed", "reports", [])
    client.force_login(operator)

    page = client.get(f"/runs/{identity('run-20')}/")

    assert page.status_code == 200 and b"celery@web-1" in page.content


def test_the_page_has_the_history_the_gap_and_the_way_to_older_ones(known, operator):
    TaskRun.objects.filter(id__lte=make_row(5)[0]).delete()
    known.write(Batch(rows=[make_row(number, outcome=SUCCEEDED) for number in range(100, 260)]), BASE_US)
    client = Client()
    client.force_login(operator)
    first = client.get("/runs/").content.decode()
    assert "No observer was heard from" in first
    older = first.partition("before=")[2].partition('"')[0]

    second = client.get(f"/runs/?before={older}").content.decode()

    on = [{number for number in range(300) if f">run-{number}<" in page or f'"run-{number}"' in page} for page in (first, second)]
    assert on[0] | on[1] == {*range(6, 30), *range(100, 260)} and not on[0] & on[1]
    assert "The newest" in second and "before=" not in second.partition("runs-older")[2]
    said = "Sorted are the runs of this page alone"
    assert said not in first and said in client.get("/runs/?o=-runtime").content.decode()


def test_chips_count_what_the_rows_show_and_say_where_there_is_more(known, operator, monkeypatch):
    client = Client()
    client.force_login(operator)
    whole = chips_of(client.get("/runs/").content.decode())
    monkeypatch.setattr("dashboard.web.panels.runs.PAGE", 7)
    monkeypatch.setattr("dashboard.web.panels.runs.MOMENT", timedelta(0))  # the longer page of a moment ago is not this one
    first = chips_of(client.get("/runs/").content.decode())

    assert (whole["All"], whole["Active"], whole["Failed"], whole["Succeeded"]) == ("32", "2", "4", "26")
    assert (first["All"], first["Active"], first["Failed"], first["Succeeded"]) == ("4+", "2", "1+", "1+")
    assert first["Refused"] == "", "none among those that were counted says nothing of the others"


def chips_of(page):
    chips = page.partition('id="runs-chips"')[2].partition("</nav>")[0]
    return dict(re.findall(r"lh-chip[^>]*>([^<]+?) *(?:<b[^>]*>([^<]*)</b>)?</a>", chips))


def test_the_export_streams_all_of_the_history_that_the_filter_leaves(known, operator):
    client = Client()
    client.force_login(operator)
    response = client.get("/runs/?format=csv&q=task:reports")

    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))

    assert len(rows) == 32 and len({row["task_id"] for row in rows}) == 32


def test_without_tables_what_is_remembered_is_listed_and_the_reason_said(known, viewer):
    from django.db import connection

    with connection.schema_editor() if connection.vendor != "sqlite" else connection.cursor() as cursor:
        cursor.execute("ALTER TABLE lockhouse_historyname RENAME TO away")
    names_read.forget()
    try:
        answer = Client(headers=bearer(viewer)).get("/api/v1/runs").json()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO lockhouse_historyname")

    assert {row["task_id"] for row in answer["runs"]} == {"run-28", "run-29", ACTIVE, ENDED}
    assert "manage.py migrate" in answer["unavailable"]["history"]
