"""What a panel shows, for tests: its pieces by id, and all of it as one text."""

from dashboard.web.panels import PANELS
from tests.factories import NOW

ALL = frozenset({"lockhouse.view_locks", "lockhouse.view_acts", "lockhouse.release_lock", "lockhouse.force_release_lock"})
VIEWER = frozenset({"lockhouse.view_locks"})


def pieces_of(name, snapshot, query=None, may=ALL, now=NOW):
    """Every piece's HTML by its id, in the order of the page."""
    return {piece.id: piece.html for piece in PANELS[name].pieces(snapshot, query or {}, may, now)}


def rows_of(name, snapshot, within, query=None, may=ALL, now=NOW):
    """The HTML of the pieces of one list."""
    return [piece.html for piece in PANELS[name].pieces(snapshot, query or {}, may, now) if piece.within == within]
