"""What the observer knows of tasks: every name that was seen anywhere, with what its events tell. It does no I/O and has no clock.

A refused run ends well and has done nothing. Its worker reports the refusal beside the events, so it may come before the end of the run or
after it: before, the end is not counted as a success; after, the success is taken back. The event of an end carries no name: it is known
from the message or from the receipt, else from the run. A worker that does not know a name tells only of a failure, with the name in its words.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from dashboard.observer.observations import AppRead, QueuesRead
from dashboard.observer.run_events import error, span, text, unregistered_name
from dashboard.observer.task_entry import MINUTES, TaskEntry, minute_of, readings_of
from dashboard.records import Refusal, RememberedRun, TaskReading

T = TypeVar("T")
MAX_NAMES = 2000
MAX_UNDER_WAY = 50_000  # runs that were sent or received and did not end
MAX_ENDED = 5000  # that may still be told to have been refused
IDLE = timedelta(hours=1)  # of a stranger that makes room for another
KEPT = timedelta(days=1)  # a name that nobody says any more
NEWS = timedelta(seconds=5)  # a message that still waits is news no more often
ENDS = {"task-succeeded": "succeeded", "task-failed": "failed", "task-retried": "retried", "task-revoked": "revoked"}


class TaskBook:
    """One entry per name; `refresh` makes the records of those that changed."""

    def __init__(self) -> None:
        self.readings: tuple[TaskReading, ...] = ()
        self._entries: dict[str, TaskEntry] = {}
        self._made: dict[str, TaskReading] = {}
        self._changed: set[str] = set()
        self._under_way: dict[str, str] = {}  # task id -> name
        self._refused: dict[str, None] = {}  # ids of runs under way that a lock turned away
        self._ended_well: dict[str, tuple[str, datetime]] = {}
        self._minute = 0
        self._counted_since: datetime | None = None

    def restore(self, readings: Iterable[TaskReading]) -> None:
        """Go on from the last snapshot; what happened between it and now was not counted."""
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

    def waits(self, name: str | None, queue: str | None, origin: str | None, at: datetime) -> None:
        """A message of that name was seen."""
        entry = self._entry(name, at) if name else None
        if entry is None:
            return
        is_new = entry.saw_queue(queue) | entry.saw_origin(origin)
        if is_new or entry.last_sent_at is None or at - entry.last_sent_at >= NEWS:
            entry.last_sent_at = at
            self._changed.add(entry.name)

    def event(self, event: Mapping[str, Any], at: datetime, *, name: str | None = None, queue: str | None = None) -> None:
        """Take in a task event; `name` and `queue` are what is known of its run by other ways."""
        kind, task_id = event["type"], event.get("uuid")
        if not isinstance(task_id, str):
            return
        if kind in {"task-sent", "task-received"}:
            self._begun(event, task_id, at, queue)
        elif kind in ENDS:
            self._ended(event, task_id, at, name)

    def _begun(self, event: Mapping[str, Any], task_id: str, at: datetime, queue: str | None) -> None:
        name, is_sent = event.get("name"), event["type"] == "task-sent"
        if not isinstance(name, str) or not name:
            return
        self.waits(name, queue, text(event.get("hostname")) if is_sent else None, at)
        if name not in self._entries:
            return
        if not is_sent:
            self._entries[name].count("received", at)
            self._changed.add(name)
            self._refused.pop(task_id, None)
            self._ended_well.pop(task_id, None)
        _keep(self._under_way, task_id, name, MAX_UNDER_WAY)

    def _ended(self, event: Mapping[str, Any], task_id: str, at: datetime, name: str | None) -> None:
        stranger = unregistered_name(event)
        found = self._under_way.pop(task_id, None) or stranger or name
        entry = self._entry(found, at) if found else None
        if entry is None:
            return
        self._changed.add(entry.name)
        run = RememberedRun(task_id=task_id, at=at, worker=text(event.get("hostname")), runtime=span(event.get("runtime")), error=error(event))
        if stranger is not None:
            entry.last_sent_at, entry.failed = at, run
            entry.count("thrown_away", at)
        elif event["type"] == "task-succeeded":
            self._ended_as_well(entry, run)
        else:
            entry.count(ENDS[event["type"]], at)
            if event["type"] == "task-failed":
                entry.failed, entry.failed_in_a_row = run, entry.failed_in_a_row + 1
        self._refused.pop(task_id, None)

    def _ended_as_well(self, entry: TaskEntry, run: RememberedRun) -> None:
        """It worked, unless it is known that a lock turned it away."""
        if run.task_id not in self._refused:
            entry.worked(run)
            _keep(self._ended_well, run.task_id, (entry.name, run.at), MAX_ENDED)

    def refused(self, refusal: Refusal, name: str | None = None) -> None:
        """A lock turned away this run; a second refusal of one run tells nothing new."""
        task_id = refusal.task_id or ""
        found = refusal.task_name or self._under_way.get(task_id) or name
        entry = self._entry(found, refusal.at) if found else None
        if entry is None or task_id in self._refused:
            return
        entry.count("refused", refusal.at)
        entry.refused = RememberedRun(task_id=task_id, at=refusal.at, worker=refusal.worker, lock=refusal.name, lock_id=refusal.lock_id)
        if ended := self._ended_well.pop(task_id, None):
            self._entries[ended[0]].did_not_work(task_id, ended[1])
        elif task_id:
            _keep(self._refused, task_id, None, MAX_UNDER_WAY)
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
        entry.last_seen_at, entry.is_known = at, entry.is_known or is_known
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
        if counted_since != self._counted_since:
            self._counted_since = counted_since
            self._changed |= set(self._entries)
        if not self._changed:
            return False
        self._made |= readings_of((self._entries[name] for name in self._changed if name in self._entries), counted_since)
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


def _keep(kept: dict[str, T], key: str, value: T, limit: int) -> None:
    """Put it at the end, and drop the oldest beyond the limit."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > limit:
        del kept[next(iter(kept))]
