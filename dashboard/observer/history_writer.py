"""The thread that writes the history: what it cannot write now it keeps while there is room, what there is no room for it counts, and says both."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from time import monotonic

from django.db import connections

from dashboard.conf import conf
from dashboard.exceptions import SourceUnavailable
from dashboard.history.problems import AWAY, reason_of
from dashboard.history.read import open_rows
from dashboard.history.retention import Limits, Retention
from dashboard.history.rows import US, Batch, Gap, MinuteRow, Row
from dashboard.history.write import Superseded, Writer
from dashboard.observer.feeds import Feed
from dashboard.observer.leader import own_name
from dashboard.observer.lock_past import LockPast
from dashboard.observer.observations import Observation
from dashboard.observer.run_changes import RunChanges
from dashboard.records import Worker

log = logging.getLogger(__name__)
SOURCE = "history"
MAX_WAITING = 50_000  # rows that are to be written
MAX_GAPS = 1000  # the same
HOLDS_S = 0.04  # how long a batch may hold the database's write lock; it must not be 50 ms
FEWEST, MOST = 250, 10_000  # rows in a batch
TAKES_EVERY_S = 0.5  # a short run is then written once, with its end
MINUTES_EVERY = 10  # times that
BEAT_S = 1.0  # how often it is written that we are there
VOUCHES_EVERY_S = 10.0
DELETES_EVERY_S = 60.0
DELETES_FOR_S = 0.2
CLOSES_WITHIN_S = 5.0
GAP_US = US  # shorter ones are not worth a word
BEAT_US = 6 * US  # longer than a silent broker leaves us without an answer


class HistoryWriter(Feed):
    """Takes rows from the observer at any time; writes them in a thread of its own."""

    def __init__(self, emit: Callable[[Observation], None], stop: threading.Event, workers: Callable[[], Sequence[Worker]] = tuple) -> None:
        super().__init__(name=SOURCE, emit=emit, stop=stop)
        self._writer = Writer(own_name())
        self._workers, self._vouches_at = workers, 0.0  # the workers that are known, and when their names are looked at again
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._waiting: dict[int | str, Row] = {}  # by the row's id: a newer one takes the place of an older
        self._minutes: dict[tuple[int, int, str], MinuteRow] = {}
        self._locks: dict[int | str, Row] = {}  # what happened to locks, by the row's id
        self._gaps: dict[tuple[int, str, str], Gap] = {}  # by what stays the same while they go on
        self._missed: tuple[int, int, int] | None = None  # from, to, how many rows found no room
        self._fits = FEWEST
        self._retention = Retention(Limits(days=conf().HISTORY_DAYS, rows=conf().HISTORY_ROWS))
        self._deletes_at = monotonic() + DELETES_EVERY_S
        self._until: int | None = None  # when somebody saw something before us
        self._seen_us: int | None = None  # the same of us, once that was said
        self._beaten_at = 0.0
        self._takes, self.due_at = 0, 0.0  # when `take` is to be called again, by time.monotonic
        self._thread: threading.Thread | None = None

    def start(self) -> threading.Thread:
        self._thread = super().start()
        return self._thread

    def begin(self) -> list[tuple[str, int, int]]:
        """Make this observer the one that writes; the rows of runs that had not ended. Nothing where the database is away: it is tried again later."""
        try:
            self._claim()
            return open_rows()
        except AWAY as error:
            log.warning("%s %s", SOURCE, reason_of(error))
            return []
        finally:
            connections["default"].close()

    def _claim(self) -> None:
        now = now_us()
        self._until = self._writer.claim(now)
        self._seen_us = now if self._until is None else self._until

    def put(self, rows: Sequence[Row], minutes: Iterable[MinuteRow] = ()) -> None:
        """Have these written; returns at once. What finds no room is counted."""
        with self._guard:
            waiting, missed = self._waiting, 0
            for row in rows:
                if row[0] in waiting or len(waiting) < MAX_WAITING:
                    waiting[row[0]] = row
                else:
                    missed += 1
            for minute in minutes:
                self._minutes[minute.minute, minute.kind, minute.name] = minute
            self._miss(missed)
        if rows or self._minutes:
            self._wake.set()

    def take(self, changes: RunChanges, *, whole: bool = False) -> None:
        """Have written what changed of the runs, and now and then, or with `whole`, how they ended in each minute."""
        self.due_at = monotonic() + TAKES_EVERY_S
        self._takes += 1
        rows = changes.take()
        self.put(rows, changes.rollups.take(now_us()) if whole or self._takes % MINUTES_EVERY == 0 else ())

    def take_locks(self, past: LockPast) -> None:
        """Have written what happened to locks; what finds no room is counted as missing."""
        rows, missed = past.take()
        with self._guard:
            room = max(0, MAX_WAITING - len(self._locks))
            self._locks.update((row[0], row) for row in rows[:room])
            self._miss(missed + len(rows[room:]))
        if rows:
            self._wake.set()

    def _miss(self, count: int) -> None:
        if count:
            now = now_us()
            self._missed = (self._missed[0] if self._missed else now, now, (self._missed[2] if self._missed else 0) + count)

    def missing(self, gaps: Sequence[Gap]) -> None:
        """These are missing in the history."""
        with self._guard:
            self._gaps |= by_beginning(gaps)
            for oldest in list(self._gaps)[:-MAX_GAPS]:
                del self._gaps[oldest]

    def watching_since(self, at: datetime, heard_at: datetime | None = None) -> None:
        """Everything is heard of from then on: what happened before, and after the last observer saw something, is missing.

        `heard_at`: when it heard of events last, which may be longer ago than that it saw something of a cache.
        """
        until, self._until = self._until, None
        at_us = int(at.timestamp() * US)
        if until is not None and at_us - until > GAP_US:
            self.missing([Gap(from_us=until, to_us=at_us, why="no-observer")])
        if until is not None and heard_at is not None and until - (heard_us := int(heard_at.timestamp() * US)) > BEAT_US:
            self.missing([Gap(from_us=heard_us, to_us=at_us, why="cut")])

    def saw(self, at: datetime | None) -> None:
        """Something of what is watched was seen then; what happens later is missing, should nobody see it."""
        if at is not None and self._until is None:
            self._seen_us = int(at.timestamp() * US)

    def close(self) -> None:
        """Write what waits, if the database takes it, and end."""
        self._wake.set()
        if self._thread is not None:
            self._thread.join(CLOSES_WITHIN_S)

    def work(self) -> None:
        try:
            if not self._writer.epoch:
                self._claim()
            while not self.stop.is_set():
                self._wake.wait(BEAT_S)
                self._wake.clear()
                self._vouch()
                self._write_all()
                self._delete_some()
                self.good()
            self._write_all()
        except Superseded:
            log.warning("another observer writes the history now")
            self.stop.wait()
        except AWAY as error:
            connections["default"].close()
            raise SourceUnavailable(SOURCE, reason_of(error)) from error
        finally:
            connections["default"].close()

    def _vouch(self) -> None:
        """The names of workers, and of the tasks and queues that they told, have room in the history whatever others are invented."""
        if monotonic() >= self._vouches_at:
            self._vouches_at = monotonic() + VOUCHES_EVERY_S
            workers = self._workers()
            told = (name for worker in workers for name in (worker.name, *(worker.queues or ()), *(worker.tasks or ())))
            self._writer.vouch(frozenset(told))

    def _write_all(self) -> None:
        while batch := self._next():
            try:
                self._writer.write(batch, now_us(), self._seen_us)
            except BaseException:
                self._give_back(batch)
                raise
            self._learn(self._writer.held_s, max(len(batch.rows), len(batch.locks)))

    def _delete_some(self) -> None:
        """Slices of what is no longer kept, for a share of the time."""
        if self._retention.is_done and monotonic() < self._deletes_at:
            return
        if self._retention.is_done:
            self._retention.begin(now_us())
            self._deletes_at = monotonic() + DELETES_EVERY_S
        until = monotonic() + DELETES_FOR_S
        while not self._retention.is_done and monotonic() < until and not self.stop.is_set():
            self._retention.step()
        if not self._retention.is_done:
            self._wake.set()

    def _next(self) -> Batch | None:
        """What is to be written next; None where there is nothing, and it was said lately that we are there."""
        with self._guard:
            ids = list(islice(self._waiting, self._fits))
            batch = Batch(rows=[self._waiting.pop(one) for one in ids], minutes=list(self._minutes.values()), gaps=list(self._gaps.values()))
            batch.locks = [self._locks.pop(one) for one in list(islice(self._locks, self._fits))]
            self._minutes, self._gaps = {}, {}
            if self._missed:
                batch.gaps.append(Gap(from_us=self._missed[0], to_us=self._missed[1], why="database", how_many=self._missed[2]))
                self._missed = None
        is_due = monotonic() - self._beaten_at >= BEAT_S
        if not (batch.rows or batch.minutes or batch.gaps or batch.locks or is_due):
            return None
        self._beaten_at = monotonic()
        return batch

    def _give_back(self, batch: Batch) -> None:
        """It was not written; what came meanwhile is newer."""
        with self._guard:
            self._waiting = {**{row[0]: row for row in batch.rows}, **self._waiting}
            self._minutes = {**{(one.minute, one.kind, one.name): one for one in batch.minutes}, **self._minutes}
            self._gaps = by_beginning(batch.gaps) | self._gaps
            self._locks = {**{row[0]: row for row in batch.locks}, **self._locks}
        self._beaten_at = 0.0

    def _learn(self, took: float, rows: int) -> None:
        """How many rows fit into the time that a batch may take."""
        if took > HOLDS_S:
            self._fits = max(FEWEST, self._fits // 2)
        elif rows == self._fits and took < HOLDS_S / 2:
            self._fits = min(MOST, self._fits * 2)


def by_beginning(gaps: Iterable[Gap]) -> dict[tuple[int, str, str], Gap]:
    """The last that was told of each, for one that goes on is told again."""
    return {(gap.from_us, gap.why, gap.cache): gap for gap in gaps}


def now_us() -> int:
    """This moment, in microseconds since 1970."""
    return int(datetime.now(UTC).timestamp() * US)
