"""`manage.py token`: a token for a program."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dashboard.acts.tokens import make_token


class Command(BaseCommand):
    help = (
        "Make a token with which a program calls the API as USER, and print it. It is shown this once: only its hash is kept. "
        "Send it as `Authorization: Bearer <token>`; delete it in the admin, under API tokens."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", metavar="USER", help="the user name; the program may do what this user may do")
        parser.add_argument("--label", default="", help="what it is for, shown in the admin")

    def handle(self, *args: Any, **options: Any) -> None:
        users = get_user_model()
        user = users._default_manager.filter(**{users.USERNAME_FIELD: options["user"]}).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']!r}.", returncode=1)
        self.stdout.write(make_token(user, options["label"][:100]))
