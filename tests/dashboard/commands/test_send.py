"""`manage.py send` in a terminal."""

import json

import pytest
from django.core.management import call_command

from tests.dashboard.acts.sending import broker, messages

__all__ = ["broker"]
pytestmark = pytest.mark.django_db


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        call_command("send", *arguments)
    return end.value.code, capsys.readouterr().out


def test_sends_and_prints_the_ids(broker, capsys):
    status, said = run(capsys, "main_send_email", "--queue", "emails", "--args", "[7]", "--kwargs", '{"kind": "news"}', "--count", "2")

    assert status == 0
    assert said.startswith("Sent: all 2.")
    assert [message["headers"]["id"] for message in messages(broker)] == said.split()[3:]


def test_check_says_what_stands_against_it(broker, capsys):
    status, said = run(capsys, "main_send_email", "--queue", "emials", "--check")

    assert status == 1
    assert "This will not run" in said
    assert "did you mean emails?" in said
    assert not broker.exists("emials")


def test_check_with_nothing_against_it_is_zero(broker, capsys):
    status, said = run(capsys, "main_send_email", "--queue", "emails", "--check", "--json")

    assert status == 0
    assert json.loads(said)["verdict"] == "will-run"


def test_malformed_json_is_usage_and_shows_the_place(broker, capsys):
    status, said = run(capsys, "main_send_email", "--queue", "emails", "--args", "[1,, 2]")

    assert status == 2
    assert "line 1, column 4" in said
    assert "[1,▸, 2]" in said


def test_what_will_not_run_is_refused(broker, capsys):
    status, said = run(capsys, "main_send_email", "--queue", "archive")

    assert status == 1
    assert "will not run" in said
