"""What a panel shows, for tests: its pieces by id; and a worker that is dead."""

from dashboard.web.panels import PANELS
from tests.factories import NOW, ago, make_worker

ALL = frozenset({"lockhouse.view_locks", "lockhouse.view_acts", "lockhouse.release_lock", "lockhouse.force_release_lock"})
VIEWER = frozenset({"lockhouse.view_locks"})


def pieces_of(name, snapshot, query=None, may=ALL, now=NOW):
    """Every piece's HTML by its id, in the order of the page."""
    return {piece.id: piece.html for piece in PANELS[name].pieces(snapshot, query or {}, may, now)}


def rows_of(name, snapshot, within, query=None, may=ALL, now=NOW):
    """The HTML of the pieces of one list."""
    return [piece.html for piece in PANELS[name].pieces(snapshot, query or {}, may, now) if piece.within == within]


def dead_worker():
    """It fell silent, and the broker has closed its connection."""
    return make_worker(
        last_heard_at=ago(seconds=70), asked_at=ago(seconds=1), answered_at=ago(seconds=72), connection_known=True, connection_gone_at=ago(seconds=69)
    )
