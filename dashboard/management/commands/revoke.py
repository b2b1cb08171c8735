"""`manage.py revoke`: revoke the run that holds a lock, and release the lock once the run was seen to end; every check of the page is made here as well."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dashboard.acts.revoke import revoke_now
from dashboard.management.commands import _acting as acting


class Command(BaseCommand):
    help = (
        "Revoke the run that holds the lock ID, told to its own worker alone, and release the lock once that run was seen to end; where it was not, "
        f"the lock stays. Needs an observer. {acting.STATUSES} A lock that was not released is 1 as well."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        acting.add_arguments(parser)
        parser.add_argument("--terminate", action="store_true", help="end its process (SIGTERM); without it a run that is under way goes on")

    def handle(self, *args: Any, **options: Any) -> None:
        acting.act_and_exit(self, options, lambda: _revoked(options))


def _revoked(options: dict[str, Any]) -> Any:
    seen = {"lock_id": options["id"], "token_digest": options["digest"], "reason": options["reason"]}
    return revoke_now(terminate=options["terminate"], **seen, **acting.who(options))
