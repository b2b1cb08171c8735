"""The filter of runs reaches into the history, and says what it cannot find or does not take."""

import re
from time import time

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from dashboard.history.rows import FAILED, SUCCEEDED, US, Batch
from dashboard.records.identity import identity
from tests.dashboard.api.calls import bearer
from tests.dashboard.api.known_runs import ACTIVE, known, listed
from tests.dashboard.api.test_queues import put
from tests.dashboard.commands.test_locks import run
from tests.dashboard.history.made import BASE_US, made_event, make_row

__all__ = ["known", "put"]
pytestmark = pytest.mark.django_db


def test_a_filter_reaches_into_the_history(known, viewer):
    assert {task_id for task_id, _state in listed(viewer, "state:failed")} == {"run-29", "run-20", "run-10", "run-0"}
    assert [task_id for task_id, _state in listed(viewer, "id:run-17")] == ["run-17"]
    assert {task_id for task_id, _state in listed(viewer, "state:active task:reports")} == {ACTIVE, "run-28"}


WHOLE = "283393be-0000-4000-8000-000000000001"


@pytest.mark.parametrize("query", ["283393be", "id:283393be"])
def test_part_of_an_id_that_finds_nothing_is_said_to_be_no_way_to_the_history(known, viewer, operator, capsys, query):
    known.write(Batch(rows=[make_row(50, task_id=WHOLE)]), BASE_US)
    client = Client()
    client.force_login(operator)

    answer = Client(headers=bearer(viewer)).get(f"/api/v1/runs?q={query}").json()
    page = client.get(f"/runs/?q={query}").content.decode()
    status, out, _err = run(capsys, "runs", "--q", query)

    said = "A run that ended more than 5 minutes ago is found by its whole id only"
    assert (answer["runs"], status) == ([], 0)
    assert all(said in text for text in (answer["note"], page, out))


@pytest.mark.parametrize("query", [WHOLE, f"id:{WHOLE}", identity(WHOLE), f"id:{identity(WHOLE)}"])
def test_whole_id_and_the_id_in_addresses_find_a_run_of_the_history(known, viewer, query):
    known.write(Batch(rows=[make_row(50, task_id=WHOLE)]), BASE_US)

    answer = Client(headers=bearer(viewer)).get(f"/api/v1/runs?q={query}").json()

    assert ([row["task_id"] for row in answer["runs"]], answer["note"]) == ([WHOLE], None)


def test_filter_that_finds_nothing_by_another_word_says_nothing_of_ids(known, viewer):
    assert Client(headers=bearer(viewer)).get("/api/v1/runs?q=nosuch").json()["note"] is None


@pytest.mark.parametrize("query", [ACTIVE, identity(ACTIVE), f"id:{identity(ACTIVE)}"])
def test_run_that_goes_on_is_found_by_the_id_in_addresses(known, viewer, query):
    assert [task_id for task_id, _state in listed(viewer, query)] == [ACTIVE]


def test_runs_that_held_a_lock_are_found_and_one_that_just_ended_is_found_once(known, viewer, operator):
    """What the snapshot has of a run says nothing of a lock that it gave back, be the run ended (29) or active (28)."""
    held = [made_event(n, name="lock_a", task_id=f"run-{run}", us=BASE_US + run * 1000, run=run) for n, run in enumerate((20, 3, 28, 29))]
    known.write(Batch(rows=[make_row(29, outcome=FAILED)], locks=held), BASE_US)
    client = Client()
    client.force_login(operator)

    assert [task_id for task_id, _state in listed(viewer, "lock:lock_a", limit=2)] == ["run-29", "run-28", "run-20", "run-3"]
    assert [task_id for task_id, _state in listed(viewer, "lock_a", limit=2)] == ["run-29", "run-28", "run-20", "run-3"]
    assert [task_id for task_id, _state in listed(viewer, "lock:lock_a state:failed")] == ["run-29", "run-20"]
    assert [task_id for task_id, _state in listed(viewer, "lock:lock_a state:succeeded")] == ["run-3"]
    life = client.get(f"/runs/{identity('run-3')}/").content.decode()
    assert "took the lock lock_a" in re.sub(r"<[^>]+>", "", life)
    assert "lock_a" not in client.get(f"/runs/{identity('run-4')}/").content.decode()


def test_filter_by_a_lock_says_whom_it_finds(known, viewer, operator, capsys):
    client = Client()
    client.force_login(operator)
    said = "that held it, for sure or most likely, as far as an observer saw it"

    texts = [
        Client(headers=bearer(viewer)).get("/api/v1/runs?q=lock:lock_a").json()["note"],
        client.get("/runs/?q=lock:lock_a").content.decode(),
        run(capsys, "runs", "--q", "lock:lock_a")[1],
    ]

    assert [said in text for text in texts] == [True, True, True]
    assert said not in client.get("/runs/?q=reports").content.decode()


@pytest.mark.parametrize(
    ("query", "said"),
    [("since:banana", "since takes 2026-"), ("until:25:61", "until takes 2026-"), ("state:bogus", "state takes active, failed")],
)
def test_value_that_a_field_does_not_take_is_an_error_in_words(known, viewer, operator, query, said):
    client = Client()
    client.force_login(operator)

    answer = Client(headers=bearer(viewer)).get(f"/api/v1/runs?q={query}")
    page = client.get(f"/runs/?q={query}").content.decode()
    with pytest.raises(CommandError, match=said) as refused:
        call_command("runs", "--q", query)

    assert (answer.status_code, refused.value.returncode) == (422, 2)
    assert said in answer.json()["error"] and said in page


def test_field_that_is_none_is_said_where_nothing_is_found(known, viewer):
    client = Client(headers=bearer(viewer))
    assert "the fields of this filter are id, lock" in client.get("/api/v1/runs?q=outcome:refused").json()["note"]
    assert client.get("/api/v1/runs?q=task:reports").json()["note"] is None


@pytest.mark.parametrize("query", ["since:10m", "SINCE:2h", "until:00:00:01", "state:waiting", "state:success", "since:2026-11-26T04:28"])
def test_values_that_fields_take_are_no_error(known, viewer, operator, query):
    client = Client()
    client.force_login(operator)
    assert Client(headers=bearer(viewer)).get(f"/api/v1/runs?q={query}").status_code == 200
    assert "takes 2026-" not in client.get(f"/runs/?q={query}").content.decode()


def test_time_that_hangs_on_now_is_one_in_the_list_and_in_its_file(known, operator):
    now_us = int(time() * US)
    known.write(Batch(rows=[make_row(task_id="lately", id=now_us * 256, heard_us=now_us, received_us=now_us, outcome=SUCCEEDED)]), BASE_US)
    client = Client()
    client.force_login(operator)

    page = client.get("/runs/?q=since:10m").content.decode()
    file = client.get("/runs/?q=since:10m&format=csv").getvalue().decode()

    assert all("lately" in text and "run-20" not in text for text in (page, file))
