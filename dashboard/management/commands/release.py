"""`manage.py release`: release one lock from a terminal; every check of the page is made here as well."""

import getpass
import json
import sys
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dashboard.acts.refusals import Refused
from dashboard.acts.release import Outcome, release_now
from dashboard.api.locks import outcome_row
from dashboard.exceptions import SourceUnavailable
from dashboard.management.lists import newest_or_survey

REFUSED, UNAVAILABLE = 1, 3
SOURCE_AWAY = {"unreachable", "rejected", "no_answer", "record_failed"}


class Command(BaseCommand):
    help = (
        "Release the lock ID, if the token under it is still the one whose digest you saw (`manage.py locks` shows both). "
        "Exit status: 0 released, 1 refused or not found, 2 usage, 3 the cache does not answer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", metavar="ID", help="the lock's id")
        parser.add_argument("--digest", required=True, help="the token_digest that you saw: only that token is released")
        parser.add_argument("--reason", required=True, help="why; kept with the act")
        parser.add_argument("--as", dest="as_user", metavar="USER", help="act as this user, with this user's permissions; else as the one at this terminal")
        parser.add_argument("--force", action="store_true", help="release it although it is not proved that nobody holds it")
        parser.add_argument("--json", action="store_true", help="print one JSON object, the same as POST /api/v1/locks/ID/release")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            outcome = release_now(
                user_named(options["as_user"]),
                options["id"],
                options["digest"],
                options["reason"],
                force=options["force"],
                origin="cli",
                shell_name=f"{getpass.getuser()} (terminal)",
                snapshot=newest_or_survey(),
            )
        except Refused as refusal:
            self._say(options, {"state": "refused", "code": refusal.code, "message": str(refusal), "error": str(refusal)})
            sys.exit(UNAVAILABLE if refusal.code in SOURCE_AWAY else REFUSED)
        except SourceUnavailable as error:
            self._say(options, {"state": "failed", "code": "unreachable", "message": str(error), "error": str(error)})
            sys.exit(UNAVAILABLE)
        self._say(options, outcome_row(outcome))
        sys.exit(_status(outcome))

    def _say(self, options: dict[str, Any], row: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(row, indent=1) if options["json"] else row["message"])


def _status(outcome: Outcome) -> int:
    if outcome.is_done:
        return 0
    return UNAVAILABLE if outcome.code in SOURCE_AWAY else REFUSED


def user_named(name: str | None) -> Any:
    """The active user of that name; None where none was named.  Raises: CommandError."""
    if name is None:
        return None
    users = get_user_model()
    found = users._default_manager.filter(**{users.USERNAME_FIELD: name}, is_active=True).first()
    if found is None:
        raise CommandError(f"There is no active user {name!r}.", returncode=REFUSED)
    return found
