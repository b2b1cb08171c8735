"""`manage.py protect`: put back the token of a run that outlived its lock, from a terminal; every check of the page is made here as well."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dashboard.acts.lifetime import change_now
from dashboard.acts.registry import PROTECT
from dashboard.management import usage
from dashboard.management.commands import _acting as acting
from dashboard.management.lists import newest_or_survey


class Command(BaseCommand):
    help = (
        "Put back the token of the lock ID, which expired while its run goes on, with the time that it had or another, while nobody has taken it. "
        f"Needs an observer that saw it expire. {acting.STATUSES}"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        acting.add_arguments(parser)
        parser.add_argument("--for", type=usage.span, metavar="SECONDS", help="how long it lasts from now; without it for the time that it had")

    def handle(self, *args: Any, **options: Any) -> None:
        acting.act_and_exit(self, options, lambda: _protected(options))


def _protected(options: dict[str, Any]) -> Any:
    seen = {"lock_id": options["id"], "token_digest": options["digest"], "reason": options["reason"]}
    return change_now(act=PROTECT, span=options["for"], snapshot=newest_or_survey(), **seen, **acting.who(options))
