"""Feeds the observer with the results of one place: known names once a second, unknown ones by a slow scan in the background."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import monotonic

from dashboard import connections
from dashboard.conf import conf
from dashboard.connections import Watched, shown_url
from dashboard.observer.feeds import Feed
from dashboard.observer.observations import Observation, ResultsRead
from dashboard.sources.results import BACKEND, ResultReader, wanted_in

READ_EVERY_S = 1.0
IDLE_S = 0.05  # between two batches of the scan, 250 names each
FIRST_IDLE_S = 0.005  # the first pass is faster: nothing is known before it
PASS_SHARE = 10  # the pause after a pass, in lengths of that pass
PASS_PAUSE_S = (2.0, 60.0)  # its bounds


class ResultsFeed(Feed):
    """The results of one cache, or of the result backend."""

    def __init__(self, place: Watched, expected: Callable[[], Sequence[str]], emit: Callable[[Observation], None], stop: threading.Event) -> None:
        super().__init__(name=f"cache {place.alias}" if place.alias != BACKEND else BACKEND, emit=emit, stop=stop, url=shown_url(place.url))
        self._place, self._expected = place, expected
        self._reader = ResultReader(connections.look(place), place, wanted_in(place))
        self._began = self._next_batch = self._next_read = 0.0

    def work(self) -> None:
        self._reader.forget_pass()
        self._began = monotonic()
        while not self.stop.is_set():
            now = monotonic()
            if conf().SCAN and now >= self._next_batch:
                self._scan(now)
            if now >= self._next_read:
                self._next_read = now + READ_EVERY_S
                self._tell()
            due = min(self._next_read, self._next_batch) if conf().SCAN else self._next_read
            self.stop.wait(max(0.001, due - monotonic()))

    def _scan(self, now: float) -> None:
        is_first = self._reader.total is None
        if not self._reader.scan_some():
            self._next_batch = now + (FIRST_IDLE_S if is_first else IDLE_S)
            return
        pause = min(max((now - self._began) * PASS_SHARE, PASS_PAUSE_S[0]), PASS_PAUSE_S[1])
        self._next_batch = self._began = now + pause
        if is_first:
            self._next_read = now

    def _tell(self) -> None:
        at = datetime.now(UTC)
        results = self._reader.read(self._expected() if self._place.alias != BACKEND else (), at)
        self.emit(ResultsRead(cache=self._place.alias, results=results, total=self._reader.total, scanned=conf().SCAN, at=at))
        if self._place.alias == BACKEND:
            self.good()
