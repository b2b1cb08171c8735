"""What a page and its WebSocket both show: a panel gives pieces, each one element with a stable id."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dashboard.records import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One element of a page: `html` has exactly one root element, whose id is `id`."""

    id: str
    html: str
    within: str | None = None  # id of the list it is an ordered child of; None: a region of its own, replaced in place


class Panel(Protocol):
    """The live part of one page."""

    permission: str  # "lockhouse.view_locks"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of an address' query that the panel understands: all else is the same page."""
        ...

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """Everything of the page that may change, in order; the same pieces for all who have the same query and permissions."""
        ...
