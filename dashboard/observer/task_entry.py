"""What the observer keeps of one task's name: who sends it, what was counted minute by minute, the runs that it is remembered by."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dashboard.records import Minute, RememberedRun, TaskReading

MINUTES = 60
MAX_QUEUES = 10
MAX_ORIGINS = 5
MAX_RUNTIMES = 100
MAX_WORKED = 20  # kept until it is sure that no lock turned them away; later ones count then anyway
FEWEST_FOR_P95 = 5
KINDS = Minute._fields[1:]


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
    worked_before: RememberedRun | None = None
    failed: RememberedRun | None = None
    refused: RememberedRun | None = None
    failed_in_a_row: int = 0
    refused_in_a_row: int = 0
    _queues: dict[str, None] = field(default_factory=dict)  # the newest last
    _origins: dict[str, None] = field(default_factory=dict)
    _minutes: dict[int, list[int]] = field(default_factory=dict)
    _runtimes: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=MAX_RUNTIMES))
    _worked: deque[tuple[RememberedRun, int, int]] = field(default_factory=deque)  # with what had failed and been refused before it

    @classmethod
    def of(cls, reading: TaskReading) -> "TaskEntry":
        """The entry that this record was made of, as far as it tells."""
        entry = cls(name=reading.name, first_seen_at=reading.first_seen_at, last_seen_at=reading.last_seen_at, last_sent_at=reading.last_sent_at)
        entry.worked_before, entry.failed, entry.refused = reading.worked, reading.failed, reading.refused
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
        counts = self._minutes.setdefault(minute_of(at), [0] * len(KINDS))
        place = KINDS.index(kind)
        counts[place] = max(0, counts[place] + by)

    def worked(self, run: RememberedRun) -> None:
        """It ended well, and nobody has said so far that a lock turned it away."""
        self.count("succeeded", run.at)
        self._worked.append((run, self.failed_in_a_row, self.refused_in_a_row))
        if len(self._worked) > MAX_WORKED:
            self.worked_before = self._worked.popleft()[0]
        self.failed_in_a_row = self.refused_in_a_row = 0
        if run.runtime is not None:
            self._runtimes.append((minute_of(run.at), run.runtime.total_seconds()))

    def did_not_work(self, task_id: str, at: datetime) -> None:
        """A lock had turned away the run that was taken for one that worked."""
        self.count("succeeded", at, -1)
        for place, (run, failed, refused) in enumerate(self._worked):
            if run.task_id == task_id:
                if place == len(self._worked) - 1:
                    self.failed_in_a_row, self.refused_in_a_row = self.failed_in_a_row + failed, self.refused_in_a_row + refused
                del self._worked[place]
                self._runtimes = deque((one for one in self._runtimes if run.runtime is None or one[1] != run.runtime.total_seconds()), maxlen=MAX_RUNTIMES)
                return

    def forget(self, oldest: int) -> bool:
        """Drop what was counted before that minute; False where there was nothing."""
        old = [number for number in self._minutes if number < oldest]
        for number in old:
            del self._minutes[number]
        while self._runtimes and self._runtimes[0][0] < oldest:
            self._runtimes.popleft()
        return bool(old)

    def reading(self, counted_since: datetime | None) -> TaskReading:
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
            counted_since=counted_since,
            minutes=tuple(Minute(number, *self._minutes[number]) for number in sorted(self._minutes)),
            median_runtime=_share(runtimes, 0.5) if runtimes else None,
            p95_runtime=_share(runtimes, 0.95) if len(runtimes) >= FEWEST_FOR_P95 else None,
            worked=self._worked[-1][0] if self._worked else self.worked_before,
            failed=self.failed,
            refused=self.refused,
            failed_in_a_row=self.failed_in_a_row,
            refused_in_a_row=self.refused_in_a_row,
        )


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


def readings_of(entries: Iterable[TaskEntry], counted_since: datetime | None) -> dict[str, TaskReading]:
    """The records of these, by name."""
    return {entry.name: entry.reading(counted_since) for entry in entries}
