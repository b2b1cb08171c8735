"""`manage.py timeout`: let a lock that never expires expire, from a terminal; every check of the page is made here as well."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dashboard.acts.lifetime import change_now
from dashboard.acts.registry import LIMIT
from dashboard.management import usage
from dashboard.management.commands import _acting as acting
from dashboard.management.lists import newest_or_survey


class Command(BaseCommand):
    help = f"Give a timeout to the lock ID, which never expires, if the token under it is still the one whose digest you saw. {acting.STATUSES}"

    def add_arguments(self, parser: CommandParser) -> None:
        acting.add_arguments(parser)
        parser.add_argument("--after", type=usage.span, required=True, metavar="SECONDS", help="it expires so long from now")
        parser.add_argument("--force", action="store_true", help="although it is not proved that nobody holds it")

    def handle(self, *args: Any, **options: Any) -> None:
        acting.act_and_exit(self, options, lambda: _limited(options))


def _limited(options: dict[str, Any]) -> Any:
    seen = {"lock_id": options["id"], "token_digest": options["digest"], "reason": options["reason"]}
    return change_now(act=LIMIT, span=options["after"], force=options["force"], snapshot=newest_or_survey(), **seen, **acting.who(options))
