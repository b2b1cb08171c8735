"""`manage.py extend`: give one lock more time from a terminal; every check of the page is made here as well."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dashboard.acts.lifetime import change_now
from dashboard.acts.registry import EXTEND
from dashboard.management import usage
from dashboard.management.commands import _acting as acting
from dashboard.management.lists import newest_or_survey


class Command(BaseCommand):
    help = f"Add time to the lock ID, if the token under it is still the one whose digest you saw. {acting.STATUSES}"

    def add_arguments(self, parser: CommandParser) -> None:
        acting.add_arguments(parser)
        parser.add_argument("--by", type=usage.span, required=True, metavar="SECONDS", help="how much is added to what is left")
        parser.add_argument(
            "--expected-deadline", type=usage.instant, metavar="TIME", help="its expires_at as you saw it: where it was moved since, nothing is done"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        acting.act_and_exit(self, options, lambda: _extended(options))


def _extended(options: dict[str, Any]) -> Any:
    return change_now(
        act=EXTEND,
        lock_id=options["id"],
        token_digest=options["digest"],
        reason=options["reason"],
        span=options["by"],
        expected_deadline=options["expected_deadline"],
        snapshot=newest_or_survey(),
        **acting.who(options),
    )
