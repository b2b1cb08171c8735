"""What the observer knows of tasks: every name that was seen anywhere, with what its events tell. It does no I/O and has no clock.

A refused run ends well and has done nothing. Its worker reports the refusal beside the events, so it may come before the end of the run or
after it: before, the end is not counted as a success; after, the success is taken back. The event of an end carries no name: it is known
from the message or from the receipt, else from the run. A worker that does not know a name tells only of a failure, with the name in its words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from dashboard.observer.alike import Alike, Runs
from dashboard.observer.counted import Counted
from dashboard.observer.live_run import LiveRun
from dashboard.observer.observations import AppRead, QueuesRead
from dashboard.observer.run_events import unregistered_name
from dashboard.observer.task_entry import MINUTES, TaskEntry, minute_of, readings_of, remembered
from dashboard.records import Refusal, RememberedRun, TaskReading
from dashboard.sources.event import Event

MAX_NAMES = 2000
IDLE = timedelta(hours=1)  # of a stranger that makes room for another
KEPT = timedelta(days=1)  # a name that nobody says any more
NEWS = timedelta(seconds=5)  # a message that still waits is news no more often
ENDS = {"task-failed": "failed", "task-retried": "retried", "task-revoked": "revoked"}


class TaskBook:
    """One entry per name; `refresh` makes the records of those that changed."""

    def __init__(self) -> None:
        self.readings: tuple[TaskReading, ...] = ()
        self._entries: dict[str, TaskEntry] = {}
        self._made: dict[str, TaskReading] = {}
        self._changed: set[str] = set()
        self._minute = 0
        self._counted = Counted()

    def restore(self, readings: Sequence[TaskReading], at: datetime | None) -> None:
        """Go on from the last snapshot, which is of that time; what happened between it and now was not counted."""
        if first := next((reading for reading in readings if reading.counted_since), None):
            self._counted = Counted(since=first.counted_since, missed_since=first.missed_since, missed_until=first.missed_until, until=at)
        self._entries = {reading.name: TaskEntry.of(reading) for reading in readings}
        self._changed = set(self._entries)

    def known(self, names: Iterable[str], at: datetime) -> None:
        """A worker or a schedule has these names."""
        for name in names:
            self._entry(name, at, is_known=True)

    def app(self, seen: AppRead) -> tuple[str, ...]:
        """The project's own app has these names, and sends them to these queues; the sections that changed are told with the next refresh."""
        for name, queue in seen.names.items():
            entry = self._entry(name, seen.at, is_known=True)
            if entry is not None and (entry.in_app, entry.app_queue) != (True, queue):
                entry.in_app, entry.app_queue = True, queue
                self._changed.add(name)
        return ()

    def messages(self, seen: QueuesRead) -> None:
        """The messages that are next in their queues, and those that workers hold."""
        for queue in seen.queues:
            for head in queue.heads:
                self.waits(head.task_name, queue.name, head.origin, seen.at)
        for message in seen.unacked:
            self.waits(message.task_name, message.queue, None, seen.at)

    def waits(self, name: str | None, queue: str | None, origin: str | None, at: datetime) -> TaskEntry | None:
        """A message of that name was seen; its entry."""
        entry = self._entry(name, at) if name else None
        if entry is None:
            return None
        is_new = entry.saw_queue(queue) | entry.saw_origin(origin)
        if is_new or entry.last_sent_at is None or (at is not entry.last_sent_at and at - entry.last_sent_at >= NEWS):
            entry.last_sent_at = at
            self._changed.add(entry.name)
        return entry

    def begun(self, alike: Alike, runs: Runs, at: datetime) -> None:
        """Take in events of sending or of receiving."""
        is_sent = alike.kind == "task-sent"
        entry = self.waits(alike.name, alike.queue, alike.sender if is_sent else None, at)
        if entry is not None and not is_sent:
            entry.count("received", at, len(runs))
            self._changed.add(entry.name)

    def worked(self, by_name: Mapping[str | None, Runs], at: datetime) -> None:
        """Runs of these names ended well, and it is not known that a lock turned them away."""
        for name, runs in by_name.items():
            entry = self._entry(name, at) if name else None
            if entry is not None:
                self._changed.add(entry.name)
                entry.worked(runs, at)

    def ended(self, event: Event, run: LiveRun, at: datetime) -> None:
        """Take in an event of another end, with what is known of its run, that event taken in."""
        if event.type not in ENDS:
            return
        stranger = unregistered_name(event) if event.exception is not None else None
        found = stranger or run.name
        entry = self._entry(found, at) if found else None
        if entry is None:
            return
        self._changed.add(entry.name)
        if stranger is not None:
            entry.last_sent_at, entry.failed = at, remembered(run, at)
            entry.count("thrown_away", at)
            return
        entry.count(ENDS[event.type], at)
        if event.type == "task-failed":
            entry.failed, entry.failed_in_a_row = remembered(run, at), entry.failed_in_a_row + 1

    def refused(self, refusal: Refusal, run: LiveRun | None) -> None:
        """A lock turned away this run, which was not known to have been turned away; `run` is what is known of it, that taken in."""
        task_id = refusal.task_id or ""
        found = refusal.task_name or (run.name if run else None)
        entry = self._entry(found, refusal.at) if found else None
        if entry is None:
            return
        entry.count("refused", refusal.at)
        entry.refused = RememberedRun(task_id=task_id, at=refusal.at, worker=refusal.worker, lock=refusal.name, lock_id=refusal.lock_id)
        if run is not None and run.outcome == "SUCCESS" and run.name and (ended := self._entries.get(run.name)) is not None:
            ended.did_not_work(task_id, run.heard_at or refusal.at)
            self._changed.add(run.name)
        entry.refused_in_a_row += 1
        self._changed.add(entry.name)

    def _entry(self, name: str, at: datetime, *, is_known: bool = False) -> TaskEntry | None:
        """The entry of this name; None where there are too many. One that is only heard of takes the place of none that is in use."""
        entry = self._entries.get(name)
        if entry is None:
            if len(self._entries) >= MAX_NAMES and not self._made_room(at, urgently=is_known):
                return None
            entry = self._entries[name] = TaskEntry(name=name, first_seen_at=at, last_seen_at=at)
            self._changed.add(name)
        entry.last_seen_at = at
        if is_known:
            entry.is_known = True
        return entry

    def _made_room(self, at: datetime, *, urgently: bool) -> bool:
        strangers = [entry for entry in self._entries.values() if not entry.is_known and (urgently or at - entry.last_seen_at > IDLE)]
        if not strangers:
            return False
        self._drop(min(strangers, key=lambda entry: entry.last_seen_at).name)
        return True

    def _drop(self, name: str) -> None:
        del self._entries[name]
        self._made.pop(name, None)
        self._changed.add(name)

    def refresh(self, now: datetime, counted_since: datetime | None) -> bool:
        """Make the records anew, `counted_since` being since when every event was received; False where they are the same."""
        if minute_of(now) != self._minute:
            self._minute = minute_of(now)
            self._forget(now)
        before, self._counted = self._counted, self._counted.at(now, counted_since)
        if replace(before, until=None) != replace(self._counted, until=None):
            self._changed |= set(self._entries)
        if not self._changed:
            return False
        self._made |= readings_of((self._entries[name] for name in self._changed if name in self._entries), self._counted)
        self._changed.clear()
        self.readings = tuple(self._made[name] for name in self._entries)
        return True

    def _forget(self, now: datetime) -> None:
        oldest = minute_of(now) - MINUTES + 1
        for entry in list(self._entries.values()):
            if now - entry.last_seen_at > KEPT:
                self._drop(entry.name)
            elif entry.forget(oldest):
                self._changed.add(entry.name)
