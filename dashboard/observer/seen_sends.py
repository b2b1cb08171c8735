"""What was seen of one entry's sends, and when the next one is due by it."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dashboard.observer.rhythm import fits, steady_interval
from dashboard.observer.sends import Send
from dashboard.records import ScheduleReading, Sender
from dashboard.records.schedules import DJANGO_CELERY_BEAT, RHYTHM

MAX_SENDERS = 4
MAX_DUE = 100
SOON = timedelta(seconds=2)  # a send is never called late before
LATE_SHARE = {RHYTHM: 0.25}  # of the interval: what is only guessed is given more time
OTHERWISE = 0.1
LATE_AT_MOST = timedelta(seconds=60)
OF_NO_INTERVAL = timedelta(seconds=6)  # of a crontab, whose shortest interval is a minute
DATABASE_LAG = timedelta(seconds=200)  # django-celery-beat writes its times every 180 s


@dataclass
class SeenSends:
    """Mutable: one for each entry, written down or not."""

    senders: dict[str | None, Sender] = field(default_factory=dict)
    last_at: datetime | None = None
    last_task_id: str | None = None
    last_is_from: str = ""
    origin: str | None = None
    count: int = 0
    since: datetime | None = None
    announced: datetime | None = None  # when a schedule without an interval said it is due next
    due: deque[datetime] = field(default_factory=lambda: deque(maxlen=MAX_DUE))  # what it had announced, and is past

    @classmethod
    def restored(cls, reading: ScheduleReading) -> "SeenSends":
        """What the observer before had seen; what stands in a database is read again."""
        is_event = reading.last_is_from in {"event", "received"}
        return cls(
            senders={sender.origin: sender for sender in reading.senders},
            last_at=reading.last_sent_at if is_event else None,
            last_task_id=reading.last_task_id,
            last_is_from=reading.last_is_from if is_event else "",
            origin=reading.origin,
            count=reading.seen_count,
            since=reading.seen_since,
        )

    @classmethod
    def found(cls, times: Mapping[str | None, Sequence[datetime]], last: Send) -> "SeenSends":
        """What was seen of a rhythm until it was one."""
        senders = {
            origin: Sender(origin=origin, last_at=sent[-1], count=len(sent), is_steady=steady_interval(sent) is not None) for origin, sent in times.items()
        }
        return cls(
            senders=senders,
            last_at=last.at,
            last_task_id=last.task_id,
            last_is_from="event" if last.origin is not None else "received",
            origin=last.origin,
            count=len(times[last.origin]),
            since=times[last.origin][0],
        )

    @property
    def is_told(self) -> bool:
        """Its sender itself tells, so that the next send will be seen as well."""
        return any(origin is not None for origin in self.senders)

    def announce(self, next_at: datetime | None, at: datetime) -> None:
        """Take in when it is due next; what was announced before and is past by now was due."""
        if self.announced is not None and self.announced <= at and self.announced != next_at:
            self.due.append(self.announced)
        self.announced = next_at

    def take(self, send: Send, interval: timedelta | None, tolerance: timedelta) -> bool:
        """Count a send; False where somebody else than its beat sent it, or where its sender tells and this is only a worker's word."""
        if send.origin is None and self.is_told:
            return False
        sender = self._counted(send, interval, tolerance)
        if not sender.is_steady and self._has_other(send, interval, tolerance):
            return False
        self.last_at, self.last_task_id, self.origin = send.at, send.task_id, send.origin
        self.last_is_from = "event" if send.origin is not None else "received"
        self.count, self.since = self.count + 1, self.since or send.at
        return True

    def _counted(self, send: Send, interval: timedelta | None, tolerance: timedelta) -> Sender:
        before = self.senders.pop(send.origin, None)
        is_steady = self._is_on_time(send.at, before, interval, tolerance)
        sender = Sender(
            origin=send.origin,
            last_at=send.at,
            count=before.count + 1 if before else 1,
            is_steady=is_steady or bool(before and before.is_steady),
        )
        if send.origin is not None:
            self.senders.pop(None, None)
        while len(self.senders) >= MAX_SENDERS:
            del self.senders[min(self.senders, key=lambda origin: self.senders[origin].last_at)]
        self.senders[send.origin] = sender
        return sender

    def _is_on_time(self, at: datetime, before: Sender | None, interval: timedelta | None, tolerance: timedelta) -> bool:
        if interval is None:
            return any(abs(at - due) <= tolerance for due in (*self.due, self.announced) if due is not None)
        return before is not None and fits((at - before.last_at).total_seconds(), interval.total_seconds())

    def _has_other(self, send: Send, interval: timedelta | None, tolerance: timedelta) -> bool:
        """Whether another one sends it at its times, and has not missed one."""
        patience = (interval or timedelta(days=1)) - tolerance
        return any(other.is_steady and other.origin != send.origin and send.at - other.last_at < patience for other in self.senders.values())

    def told(self, entry: ScheduleReading, at: datetime, told_since: datetime | None, *, is_visible: bool) -> ScheduleReading:
        """The entry with what was seen; `is_visible`: sends of this beat were seen, so a silence is one."""
        by_database = entry.last_sent_at if entry.source == DJANGO_CELERY_BEAT else None
        is_newer = by_database is not None and (self.last_at is None or by_database > self.last_at + tolerance_of(entry))
        last_at = by_database if is_newer else self.last_at
        known = replace(
            entry,
            senders=tuple(sorted(self.senders.values(), key=lambda sender: sender.last_at, reverse=True)),
            origin=self.origin,
            last_sent_at=last_at,
            last_task_id=None if is_newer else self.last_task_id,
            last_is_from="database" if is_newer else self.last_is_from,
            seen_count=self.count,
            seen_since=self.since,
            untold=self._untold(told_since, is_visible=is_visible, by_database=by_database is not None),
        )
        lag = DATABASE_LAG if known.last_is_from == "database" and not is_visible else timedelta(0)
        return self._with_due(known, at, told_since, tolerance_of(entry) + lag)

    def _untold(self, told_since: datetime | None, *, is_visible: bool, by_database: bool) -> str:
        if told_since is None:
            return "events-away"
        if is_visible or by_database:
            return ""
        return "only-received" if self.count else "none-seen"

    def _with_due(self, entry: ScheduleReading, at: datetime, told_since: datetime | None, tolerance: timedelta) -> ScheduleReading:
        last = entry.last_sent_at
        if entry.interval is None:
            return self._with_announced(entry, at, told_since, tolerance)
        next_at = last + entry.interval if last else None
        if entry.starts_at is not None and (next_at is None or next_at < entry.starts_at):
            next_at = entry.starts_at
        if told_since is None:
            return replace(entry, next_at=next_at)
        first = max(next_at, told_since + entry.interval) if next_at and next_at < told_since else next_at or told_since + entry.interval
        passed = (at - tolerance - first) // entry.interval
        return replace(entry, next_at=next_at, due_by=first + tolerance, missed=max(0, passed))

    def _with_announced(self, entry: ScheduleReading, at: datetime, told_since: datetime | None, tolerance: timedelta) -> ScheduleReading:
        last = entry.last_sent_at
        coming = max(entry.next_at, entry.starts_at) if entry.next_at and entry.starts_at else entry.next_at
        passed = [due for due in (*self.due, self.announced) if due is not None and due <= at and (last is None or due > last + tolerance)]
        open_since = [due for due in passed if told_since is not None and due > told_since]
        next_at = open_since[0] if open_since else coming
        if told_since is None or next_at is None:
            return replace(entry, next_at=next_at)
        missed = sum(1 for due in open_since[1:] if due + tolerance < at)
        return replace(entry, next_at=next_at, due_by=next_at + tolerance, missed=missed)


def tolerance_of(entry: ScheduleReading) -> timedelta:
    """How much later than due a send may be and still be on time."""
    if entry.interval is None:
        return OF_NO_INTERVAL
    share = LATE_SHARE.get(entry.source, OTHERWISE) * entry.interval
    return max(SOON, min(share, LATE_AT_MOST))
