"""Tasks by their names: what was counted of their runs, and the runs that each is remembered by."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple


class Minute(NamedTuple):
    """What happened within one minute; written as a plain array, for there may be a hundred thousand of them."""

    number: int  # minutes since 1970, by our clock
    received: int = 0
    succeeded: int = 0  # and did something: one that a lock turned away is among the refused alone
    failed: int = 0
    refused: int = 0  # attempts that a lock turned away, where workers report them
    retried: int = 0
    revoked: int = 0
    thrown_away: int = 0  # by a worker that does not know the name


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedRun:
    """One run that a task is remembered by; `at` is when its end was told, or that it was turned away, by our clock."""

    task_id: str
    at: datetime
    worker: str | None = None
    runtime: timedelta | None = None  # as its worker measured it
    error: str | None = None  # the event's repr, secrets included
    lock: str | None = None  # name of the one that turned it away
    lock_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReading:
    """One name with everything that was seen of it; its runs are counted only while events are received."""

    name: str
    first_seen_at: datetime  # by us
    last_seen_at: datetime
    last_sent_at: datetime | None = None  # a message of that name was sent, waited, was received or thrown away
    in_app: bool = False  # the Celery app of the process that observes knows or routes it
    app_queue: str | None = None  # where that app's router sends it
    queues: tuple[str, ...] = ()  # its messages were seen in, the newest first
    origins: tuple[str, ...] = ()  # who sent it, the newest first: gen4711@web-3
    counted_since: datetime | None = None  # events are counted since then; None: they are not received, so nothing is counted
    missed_since: datetime | None = None  # what happened from then to `missed_until` was not counted, or not all of it; None: all was, within the hour
    missed_until: datetime | None = None
    minutes: tuple[Minute, ...] = ()  # of the last hour, those in which something happened, oldest first
    median_runtime: timedelta | None = None  # of its last runs within the hour that worked
    p95_runtime: timedelta | None = None
    worked: RememberedRun | None = None  # the last run that ended well and that no lock turned away
    failed: RememberedRun | None = None
    refused: RememberedRun | None = None
    failed_in_a_row: int = 0  # since it last worked
    refused_in_a_row: int = 0

    @property
    def whole_since(self) -> datetime | None:
        """Since when every event is counted without a break."""
        return self.missed_until or self.counted_since

    @property
    def last_hour(self) -> Minute | None:
        """The sums of the last hour, `number` being the first minute; None while nothing is counted."""
        if self.counted_since is None:
            return None
        sums = [sum(column) for column in zip(*(minute[1:] for minute in self.minutes), strict=True)]
        return Minute(self.minutes[0].number, *sums) if self.minutes else Minute(0)
