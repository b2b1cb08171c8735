"""`manage.py send`: send a task from a terminal, or ask only whether it would run; every check of the page is made here as well."""

import getpass
import json
import sys
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dashboard.acts.json_text import Malformed
from dashboard.acts.preflight import layout, look
from dashboard.acts.refusals import Refused
from dashboard.acts.send import send_now
from dashboard.acts.send_words import UNREADABLE
from dashboard.acts.sending import sending_of
from dashboard.api.queue_rows import queue_sources_away
from dashboard.api.rows import unavailable
from dashboard.api.send_rows import check_row, sent_row
from dashboard.management.commands.release import REFUSED, UNAVAILABLE, user_named
from dashboard.management.lists import newest_or_survey
from dashboard.records import Sending, Snapshot
from dashboard.words import visible

USAGE = 2
AWAY = {"send_unreachable", "send_no_answer", "sent_some_unknown", "record_failed"}


class Command(BaseCommand):
    help = (
        "Send the task NAME to a queue, after asking whether it will run. With --check only that is answered. "
        "Exit status: 0 sent, or the check found nothing against it; 1 refused, or a check fails; 2 usage; 3 the broker does not answer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("task", metavar="NAME", help="the task's name")
        parser.add_argument("--queue", required=True, help="the queue: it is always named")
        parser.add_argument("--args", dest="positional", default="", metavar="JSON", help="a JSON list")
        parser.add_argument("--kwargs", default="", metavar="JSON", help="a JSON object")
        parser.add_argument("--countdown", default="", metavar="SECONDS")
        parser.add_argument("--eta", default="", metavar="TIME", help="not before, such as 2026-11-25T14:00:00Z")
        parser.add_argument("--expires", default="", metavar="SECONDS|TIME")
        parser.add_argument("--priority", default="", metavar="N", help="0 to 9, lower ones are read first")
        parser.add_argument("--result", action="store_true", help="keep what it returns in the result back end")
        parser.add_argument("--count", default="", metavar="N", help="so many at once, 100 at most")
        parser.add_argument("--check", action="store_true", help="only say whether it would run")
        parser.add_argument("--anyway", action="store_true", help="send it although by what is known it will not run")
        parser.add_argument("--reason", default="", help="kept with the act")
        parser.add_argument("--as", dest="as_user", metavar="USER", help="act as this user, with this user's permissions; else as the one at this terminal")
        parser.add_argument("--json", action="store_true", help="print one JSON object, the same as POST /api/v1/send")

    def handle(self, *args: Any, **options: Any) -> None:
        user, known = user_named(options["as_user"]), newest_or_survey()
        try:
            sending = sending_of(_given(options), layout())
            if options["check"]:
                sys.exit(self._check(sending, known, options))
            outcome = send_now(
                user,
                sending,
                origin="cli",
                reason=options["reason"],
                anyway=options["anyway"],
                shell_name=f"{getpass.getuser()} (terminal)",
                snapshot=known,
            )
        except Refused as refusal:
            sys.exit(self._refused(refusal, options))
        row = sent_row(outcome)
        self.stdout.write(json.dumps(row, indent=1) if options["json"] else f"{row['message']}\n" + "\n".join(row["task_ids"]))
        sys.exit(0 if outcome.is_done else UNAVAILABLE if outcome.code in AWAY else REFUSED)

    def _check(self, sending: Sending, known: Snapshot, options: dict[str, Any]) -> int:
        now = datetime.now(UTC)
        row, away = check_row(look(sending, known, now), now), unavailable(known, now)
        if options["json"]:
            self.stdout.write(json.dumps({**row, "unavailable": away}, indent=1))
        else:
            lines = [f"{check['state']:8} {check['subject']:10} {check['message']}" for check in row["checks"]]
            self.stdout.write("\n".join([row["message"], *lines]))
        if row["verdict"] == "will-not-run":
            return REFUSED
        return UNAVAILABLE if queue_sources_away(away) else 0

    def _refused(self, refusal: Refused, options: dict[str, Any]) -> int:
        row = {"state": "refused", "code": refusal.code, "message": str(refusal), "error": str(refusal)}
        place = refusal.place if isinstance(refusal, Malformed) else ""
        self.stdout.write(json.dumps(row, indent=1) if options["json"] else f"{refusal}" + (f"\n{visible(place)}" if place else ""))
        return USAGE if refusal.code in UNREADABLE else UNAVAILABLE if refusal.code in AWAY else REFUSED


def _given(options: dict[str, Any]) -> dict[str, str]:
    """The options as texts; Django keeps "args" for itself."""
    texts = {name: value for name, value in options.items() if isinstance(value, str)}
    return {**texts, "args": options["positional"], "result": "1" if options["result"] else ""}
