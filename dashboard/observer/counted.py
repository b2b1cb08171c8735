"""Since when events are counted, and where that was interrupted: by a loss of events, or between two observers. No I/O, no clock."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a count of the last hour rests on."""

    since: datetime | None = None
    missed_since: datetime | None = None  # the first of the interruptions that follow each other within an hour
    missed_until: datetime | None = None
    until: datetime | None = None  # the last moment at which all was counted
    whole_since: datetime | None = None  # as the observer said last
    is_on: bool = False  # events are received now

    def at(self, now: datetime, whole_since: datetime | None) -> "Counted":
        """What is so now, every event being received since then (None: they are not received)."""
        if whole_since is None:
            return replace(self, is_on=False)
        if self.since is None:
            return Counted(since=whole_since, until=now, whole_since=whole_since, is_on=True)
        known = self
        if whole_since != self.whole_since and self.until is not None:
            known = self._interrupted(min(self.until, whole_since), whole_since)
        if known.missed_until is not None and now - known.missed_until > HOUR:
            known = replace(known, since=known.missed_until, missed_since=None, missed_until=None)
        return replace(known, until=now, whole_since=whole_since, is_on=True)

    def _interrupted(self, since: datetime, until: datetime) -> "Counted":
        goes_on = self.missed_since is not None and self.missed_until is not None and since - self.missed_until <= HOUR
        return replace(self, missed_since=self.missed_since if goes_on else since, missed_until=until)
