"""Tokens of programs: made once for a user, known again by their hash."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from dashboard.models import ApiToken

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PREFIX = "lh_"  # so that a scanner of secrets knows what it found
NOTED_EVERY = timedelta(minutes=1)  # one write a minute, however often a token is used


def make_token(user: "User", label: str = "") -> str:
    """A new token of that user; it is returned here and kept nowhere."""
    token = PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(user=user, digest=ApiToken.digest_of(token), label=label)
    return token


def user_of(token: str) -> "User | None":
    """Whose token that is; None for one that is not known, or whose user may no longer log in."""
    found = ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(token)).first()
    if found is None or not found.user.is_active:
        return None
    now = datetime.now(UTC)
    unnoted = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED_EVERY)
    ApiToken.objects.filter(unnoted, pk=found.pk).update(last_used_at=now)
    return found.user
