"""What is known of the sources themselves: whether each answers, since when, and when it answered last. No I/O, no clock."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from dashboard.observer.history_gaps import CACHE, HistoryGaps, is_in_history
from dashboard.records import Absence, SourceState

MAX_ABSENCES = 20


class SourceBook:
    """Keeps one state a source; the history hears of the times in which one did not answer."""

    def __init__(self, for_history: HistoryGaps) -> None:
        self.states: dict[str, SourceState] = {}
        self.absences: deque[Absence] = deque(maxlen=MAX_ABSENCES)  # of caches that are back, the newest last
        self._for_history = for_history
        self._good_before: dict[str, datetime] = {}  # when each answered last, by the observer before

    def restore(self, sources: Iterable[SourceState]) -> None:
        """Go on from what the observer before knew."""
        self._good_before = {one.name: one.last_good_at for one in sources if one.last_good_at is not None}

    def say(self, said: SourceState) -> bool:
        """Take in what a source says of itself; whether that is new."""
        old, new = self.states.get(said.name), said
        good_at = old.last_good_at if old is not None else self._good_before.get(said.name)
        if good_at is not None and not (said.ok and (old is None or old.ok)):
            self._for_history.away(said, good_at)
            self._absent(said, good_at)
        if old is not None and old.ok == new.ok:
            new = replace(new, since=old.since)
        if not new.ok:
            new = replace(new, last_good_at=good_at)
        self.states[new.name] = new
        return old is None or replace(old, last_good_at=new.last_good_at) != new

    def _absent(self, said: SourceState, from_at: datetime) -> None:
        """A cache that is back was absent."""
        if said.ok and said.name.startswith(CACHE):
            self.absences.append(Absence(from_at=from_at, to_at=said.since, cache=said.name.removeprefix(CACHE)))

    def is_ok(self, source: str) -> bool:
        return source in self.states and self.states[source].ok

    def caches(self) -> list[SourceState]:
        """The places that are looked at for locks."""
        return [one for name, one in self.states.items() if name.startswith(CACHE)]

    def events_since(self) -> datetime | None:
        """Since when events are received; None: they are not."""
        return self.states["events"].since if self.is_ok("events") else None

    def events_heard_before(self) -> datetime | None:
        """When the observer before heard of events last; None: not known."""
        return self._good_before.get("events")

    def seen_at(self) -> datetime | None:
        """When the events or a cache answered last; None: not yet."""
        return max((one.last_good_at for name, one in self.states.items() if is_in_history(name) and one.last_good_at), default=None)
