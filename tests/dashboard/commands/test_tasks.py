import json

from tests.dashboard.api.test_tasks import FIELDS, NAME, put
from tests.dashboard.commands.test_locks import run
from tests.factories import make_source, make_task

__all__ = ["put"]


def test_tasks_as_json_are_what_the_api_gives(put, capsys):
    put(make_task())
    status, out, _ = run(capsys, "tasks", "--json")
    answer = json.loads(out)
    assert status == 0
    assert [list(row) for row in answer["tasks"]] == [FIELDS]
    assert set(answer) == {"tasks", "as_of", "unavailable", "notes"}


def test_tasks_as_a_table_say_where_they_are_known(put, capsys):
    put(make_task(counted_since=None))
    status, out, _ = run(capsys, "tasks")
    assert status == 0
    assert NAME in out
    assert "1 of 1" in out
    assert "?" in out


def test_filter_leaves_the_others_out(put, capsys):
    put(make_task(), make_task(name="main_send_email"))
    _, out, _ = run(capsys, "tasks", "--json", "--q", "email")
    assert [row["name"] for row in json.loads(out)["tasks"]] == ["main_send_email"]


def test_without_an_observer_one_look_is_taken_which_counts_no_runs(watching, redis, settings, capsys):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "INSPECT": False}
    message = {"body": "W1tdLCB7fSwge31d", "content-type": "application/json", "content-encoding": "utf-8", "headers": {"task": "mail_send", "id": "x"},
               "properties": {"delivery_info": {"exchange": "", "routing_key": "mail"}, "delivery_tag": "t", "body_encoding": "base64"}}  # fmt: skip
    redis.lpush("celery", json.dumps(message))
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "QUEUES": ["celery"]}
    status, out, _ = run(capsys, "tasks", "--json")
    [row] = json.loads(out)["tasks"]
    assert status == 0
    assert (row["name"], row["queues"], row["received_last_hour"], row["warnings"]) == ("mail_send", ["celery"], None, [])


def test_workers_that_cannot_be_asked_are_status_3_and_no_empty_list(put, capsys):
    put(sources=(make_source("workers", ok=False, reason="Connection refused"),), workers=())
    status, out, err = run(capsys, "tasks")
    assert status == 3
    assert "Nothing is known of tasks" in out
    assert "Connection refused" in err


def test_what_a_terminal_would_obey_is_spelled_out(put, capsys):
    put(make_task(name="t\x1b[31m\u202egnp"))
    _, out, _ = run(capsys, "tasks")
    assert "\x1b[31m" not in out
    assert "\u202e" not in out
