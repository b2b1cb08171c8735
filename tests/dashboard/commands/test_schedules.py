import json

from tests.dashboard.api.test_queues import put
from tests.dashboard.api.test_schedules import FIELDS, overdue
from tests.dashboard.commands.test_locks import run
from tests.factories import make_schedule, make_source

__all__ = ["put"]


def test_schedules_as_json_are_what_the_api_gives(put, capsys):
    put(schedules=(overdue(),))
    status, out, _ = run(capsys, "schedules", "--json")
    assert status == 0
    assert [list(row) for row in json.loads(out)["schedules"]] == [FIELDS]


def test_silent_beat_comes_before_the_table_which_hides_what_a_terminal_would_obey(put, capsys):
    put(schedules=(overdue(), overdue(name="a\x1b[31m\u202egnp", id="e" * 16)))
    status, out, _ = run(capsys, "schedules")
    assert status == 0
    assert out.startswith("beat: gen1@web has sent nothing since ")
    assert "2 overdue" in out
    assert "missed 2" in out
    assert "\x1b[31m" not in out
    assert "\u202e" not in out


def test_filter_that_nothing_matches_says_how_many_there_are(put, capsys):
    put(schedules=(make_schedule(),))
    assert "No schedule matches the filter; 1 is known." in run(capsys, "schedules", "--q", "nosuch")[1]


def test_events_that_are_away_are_status_3(put, capsys):
    put(sources=(make_source("events", ok=False, reason="refused"),))
    status, out, err = run(capsys, "schedules")
    assert status == 3
    assert "not every source answered" in out
    assert "events: refused" in err


def test_without_an_observer_one_look_tells_what_is_written_down(watching, settings, capsys):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "INSPECT": False}
    status, out, _ = run(capsys, "schedules")
    assert status == 0
    assert "No schedule is known." in out
