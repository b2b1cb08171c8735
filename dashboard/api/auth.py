"""Who calls the API: the user of a token, or of a session (and then with a CSRF token for what changes something)."""

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer, SessionAuth

from dashboard.acts.refusals import Refused
from dashboard.acts.tokens import user_of


class TokenAuth(HttpBearer):
    """`Authorization: Bearer lh_...`, made by `manage.py token`."""

    def __init__(self, permission: str | None = None) -> None:
        super().__init__()
        self.permission = permission

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """The token's user; None where nobody has it.  Raises: Refused without the permission."""
        return _with_permission(user_of(token), self.permission)


class LoginAuth(SessionAuth):
    """The pages' own session; who is not logged in hears that first, not that a CSRF token is missing."""

    def __init__(self, permission: str | None = None) -> None:
        super().__init__(csrf=True)
        self.permission = permission

    def _get_key(self, request: HttpRequest) -> str | None:
        return super()._get_key(request) if request.user.is_authenticated else None

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        """The session's user; None where nobody is logged in.  Raises: Refused without the permission."""
        return _with_permission(super().authenticate(request, key), self.permission)


def needs(permission: str) -> list[Any]:
    """For `auth=`: the operation is only for users with that permission, and that is checked before its body is read."""
    return [TokenAuth(permission), LoginAuth(permission)]


def caller(request: HttpRequest) -> Any:
    """The user who calls, by whichever way."""
    return request.auth  # type: ignore[attr-defined]  # set by ninja


def _with_permission(user: Any, permission: str | None) -> Any:
    if user is not None and permission is not None and not user.has_perm(permission):
        raise Refused("forbidden", permission=permission)
    return user


ANY_OF = [TokenAuth(), LoginAuth()]
