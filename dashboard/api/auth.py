"""Who calls the API: the user of a token, or of a session (and then with a CSRF token for what changes something)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer, SessionAuth

from dashboard.acts.refusals import Refused
from dashboard.acts.tokens import user_of


class TokenAuth(HttpBearer):
    """`Authorization: Bearer lh_...`, made by `manage.py token`."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """The token's user; None where nobody has it."""
        return user_of(token)


class LoginAuth(SessionAuth):
    """The pages' own session; who is not logged in hears that first, not that a CSRF token is missing."""

    def _get_key(self, request: HttpRequest) -> str | None:
        return super()._get_key(request) if request.user.is_authenticated else None


def needs(permission: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: the operation is only called for users with that permission; others get 403."""

    def decorate(operation: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(operation)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if not caller(request).has_perm(permission):
                raise Refused("forbidden", permission=permission)
            return operation(request, *args, **kwargs)

        return guarded

    return decorate


def caller(request: HttpRequest) -> Any:
    """The user who calls, by whichever way."""
    return request.auth  # type: ignore[attr-defined]  # set by ninja


ANY_OF = [TokenAuth(), LoginAuth(csrf=True)]
