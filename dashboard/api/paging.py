"""Pages of a list that changes while it is read."""

import base64
import binascii
from collections.abc import Sequence

from dashboard.records import JudgedLock


def after(found: Sequence[JudgedLock], cursor: str | None) -> int:
    """Where the next page starts: after the last lock that was sent, or where it stood if it is gone; 0 for a cursor that is none of ours."""
    if not cursor:
        return 0
    try:
        position, _, last_id = base64.urlsafe_b64decode(cursor).decode().partition(":")
        stood = int(position)
    except (binascii.Error, ValueError):
        return 0
    return next((index + 1 for index, one in enumerate(found) if one.lock.id == last_id), max(0, stood))


def cursor_of(found: Sequence[JudgedLock], end: int) -> str | None:
    """The cursor of what comes after `end`; None: nothing."""
    if end >= len(found) or end == 0:
        return None
    return base64.urlsafe_b64encode(f"{end}:{found[end - 1].lock.id}".encode()).decode()
