"""The demo's three users: what a viewer, an operator and an administrator may do comes from Lockhouse's own groups."""

import os
import secrets

from django.contrib.auth.models import Group, User
from django.utils.translation import gettext as _

GROUPS = {"viewer": "Viewers", "operator": "Operators", "admin": "Administrators"}
PASSWORD_VARIABLE = "LOCKHOUSE_DEMO_PASSWORD"  # noqa: S105  # a variable's name


def make_logins() -> dict[str, str]:
    """Create the three users; returns their passwords by name."""
    return {name: _make_login(name, group) for name, group in GROUPS.items()}


def _make_login(name: str, group: str) -> str:
    password = os.environ.get(PASSWORD_VARIABLE) or secrets.token_urlsafe(9)
    is_admin = name == "admin"
    user = User.objects.create_user(name, password=password, is_staff=is_admin, is_superuser=is_admin)
    user.groups.add(*Group.objects.filter(name=group))
    return password


def shown_logins(passwords: dict[str, str]) -> list[str]:
    """A line for each login; a password that somebody chose is not repeated."""
    if os.environ.get(PASSWORD_VARIABLE):
        passwords = dict.fromkeys(passwords, _("(from %(variable)s)") % {"variable": PASSWORD_VARIABLE})
    return [f"  {name:<10}{password}" for name, password in passwords.items()]
