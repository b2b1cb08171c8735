import json

from tests.dashboard.api.test_overview import OBSERVER, unread
from tests.dashboard.api.test_queues import put
from tests.dashboard.commands.test_locks import run
from tests.factories import make_queue, make_source

__all__ = ["put"]


def test_overview_as_json_is_what_the_api_gives(put, capsys):
    put(unread(), observer=OBSERVER)
    status, out, _ = run(capsys, "overview", "--json")
    answer = json.loads(out)
    assert status == 0
    assert set(answer) == {"overview", "counts", "no_locks", "attention", "events", "observer", "as_of", "unavailable", "notes"}
    assert answer["events"]["per_s"] == 2.5


def test_overview_in_words(put, capsys):
    put(unread(), observer=OBSERVER)
    status, out, _ = run(capsys, "overview")
    assert status == 0
    assert "no reader: mail holds 2 messages, and no worker has read it" in out
    assert "queues 1" in out
    assert "12 received, 1 dropped, 2.5 a second, 200 ms late" in out


def test_calm_is_said_only_where_everything_answered(put, capsys):
    put(make_queue(), locks=())
    assert run(capsys, "overview")[1].startswith("Nothing needs attention.")
    put(locks=(), sources=(make_source("cache default", ok=False, reason="Connection refused"),))
    status, out, err = run(capsys, "overview")
    assert status == 3
    assert "cache default" in out
    assert "Connection refused" in err


def test_without_an_observer_one_look_is_taken(watching, redis, settings, capsys):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "INSPECT": False, "QUEUES": ["reports"]}
    redis.lpush("reports", "{}")
    status, out, _ = run(capsys, "overview", "--json")
    answer = json.loads(out)
    assert status == 0
    assert answer["counts"]["queues"] == 1
    assert answer["observer"]["leader"] is None


def test_what_a_terminal_would_obey_is_spelled_out(put, capsys):
    put(unread(raw_name=b"x"), sources=(make_source("broker", ok=False, reason="\x1b[31m no"),))
    _, out, err = run(capsys, "overview")
    assert "\x1b[31m" not in out + err
