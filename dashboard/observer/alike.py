"""What events of one batch have in common, so that it is looked up once for all of them."""

from collections.abc import Sequence
from typing import NamedTuple

from dashboard.observer.live_run import LiveRun


class Alike(NamedTuple):
    """Events of one kind that one sender told, of runs that had the same name and queue when it did."""

    kind: str
    name: str | None
    sender: str | None
    queue: str | None


Runs = Sequence[LiveRun]  # one for each event, as they are after the whole batch; one run may be there twice
