"""Feeds the observer with the task names of the project's own Celery app, where this process has one; beside a foreign system it has none."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from dashboard.observer.feeds import Feed
from dashboard.observer.observations import AppRead, Observation
from dashboard.sources.own_app import SOURCE, names_of, own_app

READ_EVERY_S = 60.0
INSIDE, OUTSIDE = "inside", "outside"


class AppFeed(Feed):
    """The names that the router and the task modules of this process have; they change only with its code, so they are read rarely."""

    def __init__(self, emit: Callable[[Observation], None], stop: threading.Event) -> None:
        super().__init__(name=SOURCE, emit=emit, stop=stop)

    def work(self) -> None:
        while not self.stop.is_set():
            app = own_app()
            if app is not None:
                self.emit(AppRead(names=names_of(app), at=datetime.now(UTC)))
            self.good(mode=OUTSIDE if app is None else INSIDE)
            self.stop.wait(READ_EVERY_S)
