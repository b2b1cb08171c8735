import json

from tests.dashboard.api.test_queues import FIELDS, put
from tests.dashboard.commands.test_locks import run
from tests.factories import make_queue, make_source

__all__ = ["put"]


def test_queues_as_json_are_what_the_api_gives(put, capsys):
    put(make_queue(ready=3))
    status, out, _ = run(capsys, "queues", "--json")
    answer = json.loads(out)
    assert status == 0
    assert [list(row) for row in answer["queues"]] == [FIELDS]
    assert set(answer) == {"queues", "as_of", "unavailable", "notes"}


def test_queues_as_a_table_say_why(put, capsys):
    put(make_queue(ready=3, consumers=()), make_queue(name="mail", consumers=None))
    status, out, _ = run(capsys, "queues")
    assert status == 0
    assert "nobody reads it" in out
    assert "mail" in out
    assert "?" in out


def test_filter_leaves_the_others_out(put, capsys):
    put(make_queue(), make_queue(name="mail"))
    _, out, _ = run(capsys, "queues", "--json", "--q", "mail")
    assert [row["name"] for row in json.loads(out)["queues"]] == ["mail"]


def test_without_an_observer_one_look_is_taken_which_tells_no_rates(watching, redis, settings, capsys):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "INSPECT": False, "QUEUES": ["reports"]}
    redis.lpush("reports", "{}")
    status, out, _ = run(capsys, "queues", "--json")
    [row] = json.loads(out)["queues"]
    assert status == 0
    assert (row["name"], row["ready"], row["in_per_s"], row["consumers"]) == ("reports", 1, None, None)


def test_broker_that_does_not_answer_is_status_3_and_no_empty_list(put, capsys):
    put(sources=(make_source("broker", ok=False, reason="Connection refused"),))
    status, out, err = run(capsys, "queues")
    assert status == 3
    assert "Nothing is known of queues" in out
    assert "Connection refused" in err


def test_what_a_terminal_would_obey_is_spelled_out(put, capsys):
    put(make_queue(name="q\x1b[31m\u202egnp"))
    _, out, _ = run(capsys, "queues")
    assert "\x1b[31m" not in out
    assert "\u202e" not in out
