"""A book of schedules, and events that it is told at seconds after NOW."""

from datetime import timedelta

from dashboard.observer.observations import SchedulesRead
from dashboard.observer.schedule_book import ScheduleBook
from tests.dashboard.observer.told import Told
from tests.factories import NOW

BEAT, OTHER = "gen4711@web-3", "gen9@web-4"


def after(seconds: float):
    return NOW + timedelta(seconds=seconds)


LONG_AGO = after(-3600)


class Story:
    """A book with events at seconds after NOW; events are received since before NOW."""

    def __init__(self, *entries, told_since=LONG_AGO):
        self.book, self.told_since, self.number = Told(lambda runs: ScheduleBook()), told_since, 0
        if entries:
            self.written(*entries)

    def written(self, *entries, at=0.0, source="beat_schedule"):
        self.book.read(SchedulesRead(source=source, entries=entries, at=after(at)))

    def event(self, at, kind="task-sent", *, task="notify", args="[42]", kwargs="{}", origin=BEAT, queue="celery", task_id=None, **more):
        self.number += 1
        fields = {"uuid": task_id or f"run-{self.number}", "name": task, "args": args, "kwargs": kwargs, "hostname": origin, "timestamp": after(at).timestamp()}
        self.book.event({"type": kind, **fields, **more}, after(at), queue)

    def every(self, seconds, count, *, start=0.0, **event):
        for number in range(count):
            self.event(start + number * seconds, **event)

    def at(self, seconds):
        self.book.refresh(after(seconds), self.told_since)
        return self.book.readings
