"""`manage.py release`: release one lock or several from a terminal; every check of the page is made here as well."""

import getpass
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dashboard.acts.again import release_and_send
from dashboard.acts.bulk import release_many
from dashboard.acts.refusals import Refused
from dashboard.acts.release import Outcome, release_now
from dashboard.api.locks import many_row, release_row
from dashboard.exceptions import SourceUnavailable
from dashboard.management import usage
from dashboard.management.lists import newest_or_survey

REFUSED, USAGE, UNAVAILABLE = 1, 2, 3
SOURCE_AWAY = {"unreachable", "rejected", "no_answer", "record_failed"}


class Command(BaseCommand):
    help = (
        "Release the lock ID, if the token under it is still the one whose digest you saw (`manage.py locks` shows both). "
        "Several: `release ID --digest D ID --digest D …`; each is released by itself, if it is proved that nobody holds it. "
        "Exit status: 0 released, 1 refused or not found (of several: one of them), 2 usage, 3 the cache does not answer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.parse_args = parser.parse_intermixed_args  # type: ignore[method-assign]  # so that each ID may stand before its own --digest
        parser.add_argument("id", metavar="ID", nargs="+", help="the lock's id")
        seen = "the token_digest that you saw: only that token is released; one for each ID"
        parser.add_argument("--digest", type=usage.digest, required=True, action="append", help=seen)
        parser.add_argument("--reason", type=usage.reason, required=True, help="why; kept with the act")
        parser.add_argument("--as", dest="as_user", metavar="USER", help="act as this user, with this user's permissions; else as the one at this terminal")
        parser.add_argument("--force", action="store_true", help="release it although it is not proved that nobody holds it; one lock only")
        parser.add_argument("--send-again", action="store_true", help="then send the run that was lost with it again, if all of it is known; one lock only")
        parser.add_argument("--send-once-more", action="store_true", help="the same, also where that run was sent again before; one lock only")
        parser.add_argument("--json", action="store_true", help="print one JSON object, the same as POST /api/v1/locks/ID/release, or release-many")

    def handle(self, *args: Any, **options: Any) -> None:
        if len(options["id"]) != len(options["digest"]):
            raise CommandError("Give one --digest for each ID, in the same order.", returncode=USAGE)
        if (options["force"] or _is_to_be_sent(options)) and len(options["id"]) > 1:
            raise CommandError("--force, --send-again and --send-once-more go with one lock only: look at each by itself.", returncode=USAGE)
        try:
            outcome = self._release(options)
        except Refused as refusal:
            self._say(options, {"state": "refused", "code": refusal.code, "message": str(refusal), "error": str(refusal)})
            sys.exit(UNAVAILABLE if refusal.code in SOURCE_AWAY else REFUSED)
        except SourceUnavailable as error:
            self._say(options, {"state": "failed", "code": "unreachable", "message": str(error), "error": str(error)})
            sys.exit(UNAVAILABLE)
        if len(options["id"]) == 1:
            row = release_row(outcome)
            self._say(options, row)
            sys.exit(REFUSED if "not_sent_again" in row else status_of_one(outcome))
        self._say_many(options, many_row(outcome))
        sys.exit(_status_of_many(outcome))

    def _release(self, options: dict[str, Any]) -> Outcome:
        user, shell_name, known = user_named(options["as_user"]), f"{getpass.getuser()} (terminal)", newest_or_survey()
        if len(options["id"]) == 1:
            [lock_id], [digest] = options["id"], options["digest"]
            given: dict[str, Any] = {"force": options["force"], "origin": "cli", "shell_name": shell_name, "snapshot": known}
            if _is_to_be_sent(options):
                return release_and_send(user, lock_id, digest, options["reason"], once_more=options["send_once_more"], **given)
            return release_now(user, lock_id, digest, options["reason"], **given)
        picked = list(zip(options["id"], options["digest"], strict=True))
        return release_many(user, picked, options["reason"], origin="cli", shell_name=shell_name, snapshot=known)

    def _say_many(self, options: dict[str, Any], row: dict[str, Any]) -> None:
        if not options["json"]:
            for one in row["locks"]:
                self.stdout.write(f"{one['name']}: {one['message']}\n{undo_line(one)}")
        self._say(options, row)

    def _say(self, options: dict[str, Any], row: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(row, indent=1) if options["json"] else f"{row['message']}\n{undo_line(row)}")
        if not options["json"] and "not_sent_again" in row:
            self.stdout.write(f"Its lost run was not sent again: {row['not_sent_again']}")


def _is_to_be_sent(options: dict[str, Any]) -> bool:
    """Whether the lost run is to be sent again."""
    return bool(options["send_again"] or options["send_once_more"])


def undo_line(row: Mapping[str, Any]) -> str:
    """The command that undoes what came of an act, and until when; empty where it cannot be undone."""
    until = row.get("undo_until")
    return f"Undo until {datetime.fromisoformat(until):%H:%M:%S} UTC: manage.py undo {row['act']}\n" if until else ""


def status_of_one(outcome: Outcome) -> int:
    """0 done, 1 refused, 3 where a source does not answer."""
    if outcome.is_done:
        return 0
    return UNAVAILABLE if outcome.code in SOURCE_AWAY else REFUSED


def _status_of_many(outcome: Outcome) -> int:
    codes = outcome.act.values.get("codes", {})
    if set(codes) == {"released"}:
        return 0
    return UNAVAILABLE if SOURCE_AWAY & set(codes) else REFUSED


def user_named(name: str | None) -> Any:
    """The active user of that name; None where none was named.  Raises: CommandError."""
    if name is None:
        return None
    users = get_user_model()
    found = users._default_manager.filter(**{users.USERNAME_FIELD: name}, is_active=True).first()
    if found is None:
        raise CommandError(f"There is no active user {name!r}.", returncode=USAGE)
    return found
