"""What is written wrong on a command line is wrong usage, status 2, as the README says; nothing is read or done for it."""

import pytest
from django.core.management import execute_from_command_line

from dashboard.models import OperatorAct

pytestmark = pytest.mark.django_db
ACTS = {"release": (), "extend": ("--by", "60"), "timeout": ("--after", "60"), "protect": (), "revoke": ()}
ID = DIGEST = "0123456789abcdef"


def ended(capsys, *arguments) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        execute_from_command_line(["manage.py", *arguments])
    printed = capsys.readouterr()
    return int(caught.value.code or 0), printed.out + printed.err


@pytest.mark.parametrize("digest", ["ffff", "0123456789ABCDEF", "0123456789abcdef0", "", "0123456789abcde "])
@pytest.mark.parametrize("command", ACTS)
def test_a_digest_that_is_none_did_not_change_hands(scene, capsys, command, digest):
    lock = scene.plain()

    status, said = ended(capsys, command, lock.id, "--digest", digest, "--reason", "x", *ACTS[command])

    assert (status, "16 hex digits" in said) == (2, True)
    assert not OperatorAct.objects.exists()


@pytest.mark.parametrize("reason", ["", "  "])
@pytest.mark.parametrize("command", ACTS)
def test_a_reason_that_says_nothing_is_none(scene, capsys, command, reason):
    status, said = ended(capsys, command, ID, "--digest", DIGEST, "--reason", reason, *ACTS[command])

    assert (status, "--reason" in said) == (2, True)


@pytest.mark.parametrize("span", ["-5", "0", "604801", "x", "1.5"])
@pytest.mark.parametrize(("command", "option"), [("extend", "--by"), ("timeout", "--after"), ("protect", "--for")])
def test_a_time_that_is_none_is_said(scene, capsys, command, option, span):
    status, said = ended(capsys, command, ID, "--digest", DIGEST, "--reason", "x", option, span)

    assert (status, "a whole number of seconds from 1 to 604800" in said) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [
        *((command, ID, "--digest", DIGEST, "--reason", "x", *more) for command, more in ACTS.items()),
        ("undo", "12345678-1234-4234-8234-123456789abc"),
        ("send", "main_send_email", "--queue", "emails"),
    ],
    ids=lambda arguments: arguments[0],
)
@pytest.mark.parametrize("name", ["nobody", ""])
def test_somebody_who_is_not_there_cannot_act(scene, capsys, arguments, name):
    status, said = ended(capsys, *arguments, "--as", name)

    assert (status, f"no active user {name!r}" in said) == (2, True)


def test_a_deadline_that_is_no_time_is_said(scene, capsys):
    status, said = ended(capsys, "extend", ID, "--digest", DIGEST, "--reason", "x", "--by", "60", "--expected-deadline", "soon")

    assert (status, "a time such as" in said) == (2, True)
