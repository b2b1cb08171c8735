"""What the observer knows of schedules: the entries that are written down, the rhythms that were only seen, and the sends of each.

A send is told by its sender's `task-sent` event. Where senders do not tell (`task_send_sent_event`), the workers' `task-received` is taken
instead, a moment later; it does not say who sent.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dashboard.observer.alike import Alike, Runs
from dashboard.observer.live_run import LiveRun
from dashboard.observer.observations import SchedulesRead
from dashboard.observer.rhythm import MOST_LOST, Busy, Candidate, Rhythms
from dashboard.observer.seen_sends import SeenSends, tolerance_of
from dashboard.observer.sends import Send, Signature, as_sent, send_of, signature_in, signature_of
from dashboard.records import ScheduleReading
from dashboard.records.identity import identity
from dashboard.records.schedules import BEAT_SCHEDULE, DJANGO_CELERY_BEAT, RHYTHM
from dashboard.sources.event import Event
from dashboard.sources.schedule_times import every

SETTLED = timedelta(seconds=2)  # a sender tells after sending: a quick worker's event may come first
MAX_TAKEN = 5000  # task ids that were counted, so that a second event of one is none
MAX_WAITING = 5000
MAX_RHYTHMS = 500
KEPT = timedelta(hours=24)  # a rhythm that stopped, and that had been steady for long
KEPT_SHORT = timedelta(minutes=15)
LONG = 12  # sends


class ScheduleBook:
    """Reduces what is written down and what is seen to one record for each entry."""

    def __init__(self) -> None:
        self.readings: tuple[ScheduleReading, ...] = ()
        self._written: dict[str, dict[str, ScheduleReading]] = {}  # by source and id
        self._rhythms: dict[str, ScheduleReading] = {}
        self._seen: dict[str, SeenSends] = defaultdict(SeenSends)
        self._ids: dict[Signature, list[str]] = {}  # of entries that are written down, and of rhythms
        self._tasks: set[str] = set()  # the same, by their names alone
        self._busy = Busy()
        self._candidates = Rhythms()
        self._steady: dict[str, Candidate] = {}  # the last sends of each rhythm
        self._taken: OrderedDict[str, None] = OrderedDict()
        self._waiting: dict[str, Send] = {}  # received, and perhaps yet to be told by its sender

    def restore(self, readings: Iterable[ScheduleReading]) -> None:
        """Go on from the last snapshot; what is written down is read again, what was seen of it stays."""
        self.readings = tuple(readings)
        for reading in self.readings:
            self._seen[reading.id] = SeenSends.restored(reading)
            if reading.source == RHYTHM:
                self._rhythms[reading.id] = reading
        self._index()

    def read(self, seen: SchedulesRead) -> None:
        """Take in one place's entries, all of them."""
        before = self._written.get(seen.source, {})
        entries = self._written[seen.source] = {entry.id: entry for entry in seen.entries}
        for entry in entries.values():
            if entry.interval is None:
                self._seen[entry.id].announce(entry.next_at, seen.at)
        if before.keys() != entries.keys() or any(_is_other(before[key], entries[key]) for key in entries):
            self._adopt(entries.values())
            self._index()

    def _adopt(self, entries: Iterable[ScheduleReading]) -> None:
        """A rhythm that is written down after all is no rhythm: what was seen of it was seen of the entry."""
        signatures = {signature_of(entry): entry.id for entry in entries}
        self._candidates.forget(signatures)
        for rhythm in list(self._rhythms.values()):
            entry_id = signatures.get(signature_of(rhythm)) or signatures.get((rhythm.task, "", ""))
            if entry_id is not None:
                seen = self._seen[rhythm.id]
                self._drop([rhythm.id])
                if not self._seen[entry_id].count:
                    self._seen[entry_id] = replace(seen, announced=self._seen[entry_id].announced, due=self._seen[entry_id].due)

    def _index(self) -> None:
        self._ids, self._tasks = {}, set()
        for entry in self._entries():
            self._tasks.add(entry.task)
            self._ids.setdefault(signature_of(entry), []).append(entry.id)

    def _entries(self) -> list[ScheduleReading]:
        """Every entry; one that django-celery-beat has taken over from the `beat_schedule` is its own alone."""
        taken_over = {(entry.name, entry.task) for entry in self._written.get(DJANGO_CELERY_BEAT, {}).values()}
        beat = [entry for entry in self._written.get(BEAT_SCHEDULE, {}).values() if (entry.name, entry.task) not in taken_over]
        return [*beat, *self._written.get(DJANGO_CELERY_BEAT, {}).values(), *self._rhythms.values()]

    def event(self, event: Event, run: LiveRun, at: datetime) -> None:
        """Take in an event of sending or of receiving, with what is known of its run."""
        if not self._busy.has_time_for(run.name, 1, at) and (event.name not in self._tasks or not self._is_written(event)):
            return
        send = send_of(event, at, run.queue)
        if send is None or send.task_id in self._taken:
            return
        if send.origin is None:
            if len(self._waiting) < MAX_WAITING:
                self._waiting.setdefault(send.task_id, replace(send, at=at))
            return
        self._waiting.pop(send.task_id, None)
        self._take(send)

    def is_often(self, name: str | None) -> bool:
        """Whether sends of that name need not be told one by one: they are too many, and no schedule's."""
        return name in self._busy and name not in self._tasks

    def are_more(self, alike: Alike, runs: Runs, at: datetime) -> None:
        """So many more were sent or received of a name that is sent often."""
        self._busy.has_time_for(alike.name, len(runs), at)

    def _is_written(self, event: Event) -> bool:
        """An entry, or a rhythm, is sent like this."""
        return signature_in(event) in self._ids or (event.name, "", "") in self._ids

    def _settle(self, at: datetime) -> None:
        """What was received and nobody told of since was sent by somebody who does not tell."""
        for send in [send for send in self._waiting.values() if at - send.at > SETTLED]:
            del self._waiting[send.task_id]
            self._take(send)

    def _take(self, send: Send) -> None:
        self._taken[send.task_id] = None
        if len(self._taken) > MAX_TAKEN:
            self._taken.popitem(last=False)
        entry = self._entry_of(send)
        if entry is None:
            if len(self._rhythms) < MAX_RHYTHMS and (found := self._candidates.take(send)):
                self._found(*found, send)
            return
        is_its = self._seen[entry.id].take(send, entry.interval, tolerance_of(entry))
        if is_its and entry.source == RHYTHM:
            self._follow(entry, send)

    def _entry_of(self, send: Send) -> ScheduleReading | None:
        """The entry that this is a send of; of several alike the one of that queue, then the one whose last send is longest ago."""
        ids = self._ids.get(send.signature) or self._ids.get((send.signature[0], "", "")) or ()
        entries = [entry for source in (*self._written.values(), self._rhythms) for key in ids if (entry := source.get(key))]
        alike = [entry for entry in entries if entry.source != RHYTHM or send.queue in {entry.queue, None}]
        if len(alike) < 2:
            return alike[0] if alike else None
        never = datetime.min.replace(tzinfo=UTC)
        return min(alike, key=lambda entry: (entry.queue != send.queue, self._seen[entry.id].last_at or never))

    def _found(self, candidate: Candidate, interval: timedelta, send: Send) -> None:
        """What is steady is an entry from now on."""
        args, kwargs, can_be_sent = as_sent(send)
        entry = ScheduleReading(
            id=identity(RHYTHM, *send.signature, send.queue or ""),
            name=send.signature[0],
            source=RHYTHM,
            task=send.signature[0],
            args=args,
            kwargs=kwargs,
            can_be_sent=can_be_sent,
            queue=send.queue,
            interval=interval,
            schedule=every(interval),
        )
        self._rhythms[entry.id], self._steady[entry.id] = entry, candidate
        self._seen[entry.id] = SeenSends.found(candidate.times, send)
        self._index()

    def _follow(self, entry: ScheduleReading, send: Send) -> None:
        """Its interval may change; where it is steady no longer it is no rhythm."""
        assert entry.interval is not None, "a rhythm has one"
        candidate = self._steady.setdefault(entry.id, Candidate())
        candidate.pause(send, (MOST_LOST + 1) * entry.interval)
        interval = candidate.take(send)
        if interval is not None and interval != entry.interval:
            self._rhythms[entry.id] = replace(entry, interval=interval, schedule=every(interval))
        elif interval is None and candidate.is_known(send.origin):
            self._drop([entry.id])

    def _drop(self, ids: Iterable[str]) -> None:
        for key in ids:
            for known in (self._rhythms, self._steady, self._seen):
                known.pop(key, None)
        self._index()

    def refresh(self, at: datetime, told_since: datetime | None) -> bool:
        """Bring every record up to this moment; `told_since` is since when every event was taken in.  Returns whether something changed."""
        self._settle(at)
        old = [key for key, rhythm in self._rhythms.items() if _is_over(rhythm, self._seen[key], at)]
        if old:
            self._drop(old)
        entries = self._entries()
        visible = {entry.source for entry in entries if entry.source != RHYTHM and self._seen[entry.id].is_told}
        readings = tuple(
            self._seen[entry.id].told(entry, at, told_since, is_visible=entry.source in visible or self._seen[entry.id].is_told) for entry in entries
        )
        is_same, self.readings = readings == self.readings, readings
        return not is_same


def _is_over(rhythm: ScheduleReading, seen: SeenSends, at: datetime) -> bool:
    """It was silent for so long that it is no news any more."""
    assert rhythm.interval is not None, "a rhythm has one"
    kept = max(KEPT, 3 * rhythm.interval) if seen.count >= LONG else max(KEPT_SHORT, 10 * rhythm.interval)
    return seen.last_at is None or at - seen.last_at > kept


def _is_other(before: ScheduleReading, now: ScheduleReading) -> bool:
    return (before.task, before.args, before.kwargs, before.queue, before.name) != (now.task, now.args, now.kwargs, now.queue, now.name)
