"""Feeds the observer with the schedules that are written down, each place in a thread of its own."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from celery import Celery

from dashboard.observer.feeds import Feed
from dashboard.observer.observations import Observation, SchedulesRead
from dashboard.records import ScheduleReading
from dashboard.records.schedules import BEAT_SCHEDULE, DJANGO_CELERY_BEAT
from dashboard.sources.own_app import own_app
from dashboard.sources.schedules import has_tables, read_beat_schedule, read_tables

READ_EVERY_S = 5.0
Read = Callable[[Celery | None], list[ScheduleReading]]
FROM_OUTSIDE = (
    "The schedule itself cannot be read from outside, so a schedule is known only once its sends have kept a steady rhythm: for names and next runs, "
    "run the observer inside the project whose Celery app has the beat_schedule."
)


class SchedulesFeed(Feed):
    """The entries of one place."""

    def __init__(self, name: str, read: Read, emit: Callable[[Observation], None], stop: threading.Event) -> None:
        super().__init__(name=name, emit=emit, stop=stop)
        self._read = read

    def work(self) -> None:
        while not self.stop.is_set():
            entries = self._read(own_app())
            self.emit(SchedulesRead(source=self.name, entries=entries, at=datetime.now(UTC)))
            self.good(mode="read" if entries else "seen", notes=notes_of(self.name, entries))
            self.stop.wait(READ_EVERY_S)


def schedule_places() -> list[tuple[str, Read]]:
    """Where schedules are written down for this process, by name."""
    places: list[tuple[str, Read]] = [(BEAT_SCHEDULE, read_beat_schedule)]
    return [*places, (DJANGO_CELERY_BEAT, read_tables)] if has_tables() else places


def schedule_feeds(emit: Callable[[Observation], None], stop: threading.Event) -> list[Feed]:
    """A feed for each of these places."""
    return [SchedulesFeed(name, read, emit, stop) for name, read in schedule_places()]


def notes_of(name: str, entries: Sequence[ScheduleReading]) -> tuple[str, ...]:
    """What cannot be seen there, with its fix."""
    return (FROM_OUTSIDE,) if name == BEAT_SCHEDULE and not entries and not has_tables() else ()
