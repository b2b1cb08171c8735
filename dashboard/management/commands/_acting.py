"""What the commands that act on one lock share: who acts, what is printed, and the exit status."""

import getpass
import json
import sys
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dashboard.acts.ledger import Outcome
from dashboard.acts.refusals import Refused
from dashboard.api.locks import outcome_row
from dashboard.exceptions import SourceUnavailable
from dashboard.management import usage
from dashboard.management.commands.release import SOURCE_AWAY, UNAVAILABLE, status_of_one, undo_line, user_named

STATUSES = "Exit status: 0 done, 1 refused or not found, 2 usage, 3 the cache does not answer."


def add_arguments(parser: CommandParser) -> None:
    """The lock, the token that was seen, the reason, and who acts."""
    parser.add_argument("id", metavar="ID", help="the lock's id")
    parser.add_argument("--digest", type=usage.digest, required=True, help="the token_digest that you saw: only that token is changed")
    parser.add_argument("--reason", type=usage.reason, required=True, help="why; kept with the act")
    add_who(parser)


def add_who(parser: CommandParser) -> None:
    """Who acts, and how the answer is printed."""
    parser.add_argument("--as", dest="as_user", metavar="USER", help="act as this user, with this user's permissions; else as the one at this terminal")
    parser.add_argument("--json", action="store_true", help="print one JSON object, the same as the API's")


def who(options: dict[str, Any]) -> dict[str, Any]:
    """The arguments of an act that say who is at this terminal."""
    return {"user": user_named(options["as_user"]), "origin": "cli", "shell_name": f"{getpass.getuser()} (terminal)"}


def act_and_exit(command: BaseCommand, options: dict[str, Any], do: Callable[[], Outcome]) -> None:
    """Do it, print what came of it, and end with the status that says so."""
    try:
        outcome = do()
    except Refused as refusal:
        _say(command, options, {"state": "refused", "code": refusal.code, "message": str(refusal), "error": str(refusal)})
        sys.exit(UNAVAILABLE if refusal.code in SOURCE_AWAY else 1)
    except SourceUnavailable as error:
        _say(command, options, {"state": "failed", "code": "unreachable", "message": str(error), "error": str(error)})
        sys.exit(UNAVAILABLE)
    _say(command, options, outcome_row(outcome))
    sys.exit(status_of_one(outcome))


def _say(command: BaseCommand, options: dict[str, Any], row: dict[str, Any]) -> None:
    command.stdout.write(json.dumps(row, indent=1) if options["json"] else f"{row['message']}\n{undo_line(row)}")
