"""Feeds one book as the reducer feeds all of them: with the run that each event is about."""

from dashboard.observer.alike import Alike
from dashboard.observer.event_reducer import BEGINS
from dashboard.observer.queue_book import QueueBook
from dashboard.observer.run_book import RunBook
from dashboard.observer.schedule_book import ScheduleBook
from dashboard.sources.event import event_of


class Told:
    """The book that `make` makes of a book of runs, with everything else that it can be asked for."""

    def __init__(self, make):
        self.runs = RunBook()
        self.book = make(self.runs)

    def event(self, fields, at, queue=None):
        event = event_of(fields)
        if event.type == "worker-heartbeat":
            return self.book.beat(event, at)
        run = self.runs.event(event, at)
        if run is None:
            return None
        run.queue = queue or run.queue
        if hasattr(self.book, "tells") and event.type != "task-sent":
            self.book.tells(event.hostname)
        alike = Alike(event.type, run.name, event.hostname, run.queue)
        if hasattr(self.book, "events"):
            return self.book.events(alike, [run], at)
        if isinstance(self.book, ScheduleBook):
            return self.book.event(event, run, at) if event.type in BEGINS else None
        if isinstance(self.book, QueueBook):
            return self._of_queue(event, run, at)
        if hasattr(self.book, "begun") and event.type in BEGINS:
            return self.book.begun(alike, [run], at)
        if hasattr(self.book, "ended"):
            return self._has_ended(event, run, at)
        return None

    def _has_ended(self, event, run, at):
        if event.type != "task-succeeded":
            self.book.ended(event, run, at)
        elif run.refused_by is None:
            self.book.worked({run.name: [run]}, at)

    def _of_queue(self, event, run, at):
        if event.type in BEGINS or (event.type == "task-revoked" and run.received_at is None):
            self.book.event(event, run, at)
            self.book.begun(Alike(event.type, run.name, event.hostname, run.queue), [run], at)

    def __getattr__(self, name):
        return getattr(self.book, name)
