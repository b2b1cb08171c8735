"""What the observer keeps of one task's name: who sends it, what was counted minute by minute, the runs that it is remembered by."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dashboard.observer.counted import Counted
from dashboard.observer.live_run import LiveRun
from dashboard.observer.run_events import duration
from dashboard.records import Minute, RememberedRun, TaskReading

MINUTES = 60
MAX_QUEUES = 10
MAX_ORIGINS = 5
MAX_RUNTIMES = 100
MAX_WORKED = 20  # kept until it is sure that no lock turned them away; later ones count then anyway
FEWEST_FOR_P95 = 5
KINDS = Minute._fields[1:]
PLACES = {kind: place for place, kind in enumerate(KINDS)}
_Worked = tuple[str, datetime, str | None, float | None, int, int]  # task id, when, worker, seconds, what had failed and been refused before it


def minute_of(at: datetime) -> int:
    """The number of its minute since 1970."""
    return int(at.timestamp()) // 60


@dataclass
class TaskEntry:
    """One name; `reading` makes the record of it."""

    name: str
    first_seen_at: datetime
    last_seen_at: datetime
    last_sent_at: datetime | None = None
    is_known: bool = False  # a worker, the app or a schedule has it; else it is only what somebody sent
    in_app: bool = False
    app_queue: str | None = None
    restored: RememberedRun | None = None  # the last that worked, as an observer before had seen it
    failed: RememberedRun | None = None
    refused: RememberedRun | None = None
    failed_in_a_row: int = 0
    refused_in_a_row: int = 0
    _queues: dict[str, None] = field(default_factory=dict)  # the newest last
    _origins: dict[str, None] = field(default_factory=dict)
    _minutes: dict[int, list[int]] = field(default_factory=dict)
    _runtimes: deque[tuple[datetime, float]] = field(default_factory=lambda: deque(maxlen=MAX_RUNTIMES))
    _worked: deque[_Worked] = field(default_factory=deque)
    _worked_before: _Worked | None = None
    _counted_at: datetime | None = None
    _counts: list[int] = field(default_factory=list)  # of the minute of `_counted_at`

    @classmethod
    def of(cls, reading: TaskReading) -> "TaskEntry":
        """The entry that this record was made of, as far as it tells."""
        entry = cls(name=reading.name, first_seen_at=reading.first_seen_at, last_seen_at=reading.last_seen_at, last_sent_at=reading.last_sent_at)
        entry.restored, entry.failed, entry.refused = reading.worked, reading.failed, reading.refused
        entry.failed_in_a_row, entry.refused_in_a_row = reading.failed_in_a_row, reading.refused_in_a_row
        entry._queues, entry._origins = dict.fromkeys(reversed(reading.queues)), dict.fromkeys(reversed(reading.origins))
        entry._minutes = {minute.number: list(minute[1:]) for minute in reading.minutes}
        return entry

    def saw_queue(self, queue: str | None) -> bool:
        """One of its messages was seen there; False where the one before was as well."""
        return _last(self._queues, queue, MAX_QUEUES)

    def saw_origin(self, origin: str | None) -> bool:
        """That one sent it; False where the same one did before."""
        return _last(self._origins, origin, MAX_ORIGINS)

    def count(self, kind: str, at: datetime, by: int = 1) -> None:
        """One more of that kind in its minute; `by` -1 takes one back."""
        if at is not self._counted_at:  # the events of one batch share their time
            self._counted_at, self._counts = at, self._minutes.setdefault(minute_of(at), [0] * len(KINDS))
        place = PLACES[kind]
        self._counts[place] = max(0, self._counts[place] + by)

    def worked(self, runs: Sequence[LiveRun], at: datetime) -> None:
        """They ended well, and nobody has said so far that a lock turned them away."""
        self.count("succeeded", at, len(runs))
        for run in runs[-MAX_WORKED - 1 :]:
            self._worked.append((run.task_id, at, run.worker, run.runtime, self.failed_in_a_row, self.refused_in_a_row))
            self.failed_in_a_row = self.refused_in_a_row = 0
        while len(self._worked) > MAX_WORKED:
            self._worked_before = self._worked.popleft()
        self._runtimes.extend((at, run.runtime) for run in runs[-MAX_RUNTIMES:] if run.runtime is not None)

    def did_not_work(self, task_id: str, at: datetime) -> None:
        """A lock had turned away the run that was taken for one that worked."""
        self.count("succeeded", at, -1)
        for place, (worked_id, _at, _worker, runtime, failed, refused) in enumerate(self._worked):
            if worked_id == task_id:
                if place == len(self._worked) - 1:
                    self.failed_in_a_row, self.refused_in_a_row = self.failed_in_a_row + failed, self.refused_in_a_row + refused
                del self._worked[place]
                self._runtimes = deque((one for one in self._runtimes if one[1] != runtime), maxlen=MAX_RUNTIMES)
                return

    def _last_worked(self) -> RememberedRun | None:
        last = self._worked[-1] if self._worked else self._worked_before
        if last is None:
            return self.restored
        task_id, at, worker, runtime = last[:4]
        return RememberedRun(task_id=task_id, at=at, worker=worker, runtime=duration(runtime))

    def forget(self, oldest: int) -> bool:
        """Drop what was counted before that minute; False where there was nothing."""
        old = [number for number in self._minutes if number < oldest]
        for number in old:
            del self._minutes[number]
        while self._runtimes and minute_of(self._runtimes[0][0]) < oldest:
            self._runtimes.popleft()
        self._counted_at = None
        return bool(old)

    def reading(self, counted: Counted) -> TaskReading:
        """The record of now."""
        runtimes = sorted(seconds for _, seconds in self._runtimes)
        return TaskReading(
            name=self.name,
            first_seen_at=self.first_seen_at,
            last_seen_at=self.last_seen_at,
            last_sent_at=self.last_sent_at,
            in_app=self.in_app,
            app_queue=self.app_queue,
            queues=tuple(reversed(self._queues)),
            origins=tuple(reversed(self._origins)),
            counted_since=counted.since if counted.is_on else None,
            missed_since=counted.missed_since,
            missed_until=counted.missed_until,
            minutes=tuple(Minute(number, *self._minutes[number]) for number in sorted(self._minutes)),
            median_runtime=_share(runtimes, 0.5) if runtimes else None,
            p95_runtime=_share(runtimes, 0.95) if len(runtimes) >= FEWEST_FOR_P95 else None,
            worked=self._last_worked(),
            failed=self.failed,
            refused=self.refused,
            failed_in_a_row=self.failed_in_a_row,
            refused_in_a_row=self.refused_in_a_row,
        )


def remembered(run: LiveRun, at: datetime) -> RememberedRun:
    """A run as its task is remembered by it."""
    return RememberedRun(task_id=run.task_id, at=at, worker=run.worker, runtime=duration(run.runtime), error=run.error)


def _last(kept: dict[str, None], one: str | None, limit: int) -> bool:
    """Put it at the end, and drop the one that was not seen for longest; False where it is there already."""
    if not one or next(reversed(kept), None) == one:
        return False
    kept.pop(one, None)
    kept[one] = None
    if len(kept) > limit:
        del kept[next(iter(kept))]
    return True


def _share(runtimes: list[float], share: float) -> timedelta:
    """The shortest of these that at least that share of them does not exceed."""
    return timedelta(seconds=runtimes[min(len(runtimes) - 1, int(len(runtimes) * share))])


def readings_of(entries: Iterable[TaskEntry], counted: Counted) -> dict[str, TaskReading]:
    """The records of these, by name."""
    return {entry.name: entry.reading(counted) for entry in entries}
