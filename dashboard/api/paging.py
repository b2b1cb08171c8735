"""Pages of a list that changes while it is read."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_
from ninja.errors import HttpError

WRONG = N_("cursor takes the next_cursor of the page before")
INVALID = 422  # as for any parameter that is not understood
T = TypeVar("T")


def page(found: Sequence[T], id_of: Callable[[T], str], limit: int, cursor: str | None) -> tuple[Sequence[T], dict[str, Any]]:
    """The part of the list that this page has, and what its answer says of the whole: `total` and `next_cursor`."""
    ids = [id_of(one) for one in found]
    start = after(ids, cursor)
    shown = found[start : start + limit]
    return shown, {"total": len(found), "next_cursor": cursor_of(ids, start + len(shown))}


def after(ids: Sequence[str], cursor: str | None) -> int:
    """Where the next page starts: after the last row that was sent, or where it stood if it is gone.  Raises: HttpError for a cursor that is none of ours."""
    if not cursor:
        return 0
    try:
        position, _colon, last_id = base64.urlsafe_b64decode(cursor).decode().partition(":")
        stood = int(position)
    except (binascii.Error, ValueError) as error:
        raise HttpError(INVALID, _(WRONG)) from error
    return next((index + 1 for index, one in enumerate(ids) if one == last_id), max(0, stood))


def cursor_of(ids: Sequence[str], end: int) -> str | None:
    """The cursor of what comes after `end`; None: nothing."""
    if end >= len(ids) or end == 0:
        return None
    return base64.urlsafe_b64encode(f"{end}:{ids[end - 1]}".encode()).decode()


def cursor_of_history(before: int) -> str | None:
    """The cursor of what comes before that row of the history; None for 0: nothing."""
    return base64.urlsafe_b64encode(f"before:{before}".encode()).decode() if before else None


def history_cursor(cursor: str | None) -> int | None:
    """The row of the history that a cursor names; None for a cursor of another kind."""
    try:
        kind, _colon, row = base64.urlsafe_b64decode(cursor or "").decode().partition(":")
        return max(1, min(int(row), 2**63 - 1)) if kind == "before" else None
    except (binascii.Error, ValueError):
        return None


def row_before(cursor: str | None) -> int | None:
    """The row of a history that a page begins before; None: it begins at the newest.  Raises: HttpError for a cursor that is none of ours."""
    row = history_cursor(cursor)
    if cursor and row is None:
        raise HttpError(INVALID, _(WRONG))
    return row
