"""`manage.py undo`: undo an act on a lock from a terminal, within 30 s."""

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dashboard.acts.undo import undo
from dashboard.management.commands import _acting as acting


class Command(BaseCommand):
    help = f"Undo the act ACT: a release, an extension, a timeout or a protection, within 30 s. {acting.STATUSES}"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", metavar="ACT", type=uuid.UUID, help="the act's id, as the command that did it prints it")
        acting.add_who(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        acting.act_and_exit(self, options, lambda: undo(act_id=options["act"], **acting.who(options)))
