import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.dashboard.api.test_queues import put
from tests.dashboard.api.test_runs import FIELDS
from tests.dashboard.commands.test_locks import run
from tests.factories import ago, make_lock, make_run, make_source

__all__ = ["put"]
pytestmark = pytest.mark.django_db  # it reads the history


def test_runs_as_json_are_what_the_api_gives(put, capsys):
    put(runs=(make_run(),))
    status, out, _ = run(capsys, "runs", "--json")
    answer = json.loads(out)
    assert status == 0
    assert [list(row) for row in answer["runs"]] == [FIELDS]


def test_runs_as_a_table_hide_what_a_terminal_would_obey(put, capsys):
    put(runs=(make_run(name="a\x1b[31m\u202egnp"), make_run(task_id="other", outcome="SUCCESS", refused_by="lock_a")))
    status, out, _ = run(capsys, "runs")
    assert status == 0
    assert "refused by lock_a" in out
    assert "\x1b[31m" not in out
    assert "\u202e" not in out


def test_dead_run_left_its_lock_and_holds_it_no_more(put, capsys):
    run_ended = make_run(outcome="FAILURE", ended_at=ago(seconds=20), runtime=timedelta(seconds=75))
    put(runs=(run_ended,), locks=(make_lock(expires_at=datetime.now(UTC) + timedelta(seconds=811.9)),))

    _, runs_out, _ = run(capsys, "runs")
    _, locks_out, _ = run(capsys, "locks")

    assert "left lock_report_12" in runs_out
    assert "holds" not in runs_out
    assert "1 m 15 s" in runs_out
    assert "13 m 3" in locks_out


def test_filter_that_nothing_matches_says_how_many_there_are(put, capsys):
    put(runs=(make_run(),))
    status, out, _ = run(capsys, "runs", "--q", "nosuch")
    assert status == 0
    assert "No run matches the filter; 1 are known." in out


def test_workers_that_cannot_be_asked_are_status_3_and_no_empty_list(put, capsys):
    put(runs=(), sources=(make_source("workers", ok=False, reason="refused"),))
    status, out, err = run(capsys, "runs")
    assert status == 3
    assert "Nothing is known of runs" in out
    assert "workers: refused" in err
