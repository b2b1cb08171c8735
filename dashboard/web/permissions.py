"""What of ours a person may: all that a page or a panel depends on."""

from functools import cache
from typing import Any

from django.apps import apps
from django.contrib.auth import get_permission_codename

APP = "lockhouse"
OURS = f"{APP}."


def permissions_of(user: Any) -> frozenset[str]:
    """Those of our own.  Cost: two queries; none for a superuser, who has all that there are."""
    if user.is_active and getattr(user, "is_superuser", False):
        return _all()
    return frozenset(permission for permission in user.get_all_permissions() if permission.startswith(OURS))


@cache
def _all() -> frozenset[str]:
    metas = [model._meta for model in apps.get_app_config(APP).get_models()]
    own = [codename for meta in metas for codename, _name in meta.permissions]
    usual = [get_permission_codename(action, meta) for meta in metas for action in meta.default_permissions]
    return frozenset(f"{OURS}{codename}" for codename in (*own, *usual))
