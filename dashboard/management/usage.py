"""What may be written after an act's options: each function reads one, or says what it should be, which is wrong usage (status 2)."""

import re
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta

from dashboard.acts.lifetime import LONGEST, SHORTEST

SECOND = timedelta(seconds=1)


def digest(text: str) -> str:
    """A lock's token_digest.  Raises: ArgumentTypeError, as do the others."""
    if re.fullmatch("[0-9a-f]{16}", text) is None:
        raise ArgumentTypeError("a token_digest has 16 hex digits: `manage.py locks` shows it")
    return text


def reason(text: str) -> str:
    """Why somebody acts."""
    if not text.strip():
        raise ArgumentTypeError("say why: the reason is kept with the act")
    return text


def span(text: str) -> timedelta:
    """For how long."""
    if re.fullmatch("[0-9]{1,9}", text) is None or not SHORTEST <= (asked := timedelta(seconds=int(text))) <= LONGEST:
        raise ArgumentTypeError(f"a whole number of seconds from {SHORTEST // SECOND} to {LONGEST // SECOND}")
    return asked


def instant(text: str) -> datetime:
    """A time, in UTC where it names no zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("a time such as 2026-11-25T14:00:00.250Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
