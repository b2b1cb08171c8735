"""What the observer knows of runs: those that go on, and those that ended and still matter.

Events come in any order and perhaps twice: what an event tells is told by its own time, so the same events give the same run.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any

from dashboard.observer.live_run import LiveRun
from dashboard.observer.lock_interest import LockInterest
from dashboard.observer.run_changes import RunChanges
from dashboard.observer.run_events import ENDS, describe, end, goes_on, same
from dashboard.records import RUN_KEPT, HeldLock, Refusal, Run
from dashboard.sources.event import Event

ABSENT_FOR_S = 4  # not active in two answers of its worker: it ended without an event
MAX_RUNS = 20_000  # that go on, and as many that ended
MAX_SHOWN = 2000
MAX_SENT = 20_000  # sent, and not yet received by a worker that tells
MAX_SENT_SHOWN = 500
MAX_BEFORE = 500
MAX_KEPT = 2000  # ended long ago, and kept for a lock
MAX_EARLY = 5000  # refusals of runs that nothing else was told of yet
SENT_KEPT = timedelta(hours=1)
Process = tuple[str, int | None]  # a worker's name and the pid of its own process


class RunBook:
    """One run per task id, the latest; an earlier one of that id is kept beside it while it matters."""

    def __init__(self, max_runs: int = MAX_RUNS) -> None:
        self.going: dict[str, LiveRun] = {}
        self.ended: dict[str, LiveRun] = {}  # in the order in which their ends were told
        self.kept: dict[str, LiveRun] = {}  # ended too long ago for that, and kept for a lock
        self.before: dict[tuple[str, int, float | None], LiveRun] = {}  # earlier tries and deliveries, the oldest first
        self.sent: dict[str, LiveRun] = {}  # seen as they were sent, the oldest first
        self._retried: dict[str, LiveRun] = {}  # those of them that must have been retried, though nobody has said so
        self._early: dict[str, Refusal] = {}
        self._interest, self.changes = LockInterest(), RunChanges()
        self._max_runs = max_runs

    def restore(self, runs: Iterable[Run]) -> None:
        """As `shown` gave them: the latest of an id comes first, of those that ended the latest as well."""
        ended: dict[str, LiveRun] = {}
        for run in map(LiveRun.of, runs):
            if not run.worker and not run.received_at:
                self.sent[run.task_id] = run
            elif run.task_id in self.going or run.task_id in ended:
                self._put_before(run)
            else:
                (self.going if run.outcome is None else ended)[run.task_id] = run
        self.ended = dict(reversed(ended.items()))

    def get(self, task_id: object) -> LiveRun | None:
        """The latest run of that id, be it only sent."""
        if not isinstance(task_id, str):
            return None
        return self.going.get(task_id) or self.ended.get(task_id) or self.kept.get(task_id) or self.sent.get(task_id)

    def sent_at(self, task_id: str) -> float | None:
        """When a message was sent that no worker has told of yet; None where that was not seen."""
        run = self.sent.get(task_id)
        return run.sent_at if run else None

    def event(self, event: Event, at: datetime) -> LiveRun | None:
        """Take in an event of a run; the run as it is now, None where the event tells nothing new of it."""
        task_id, kind = event.uuid, event.type
        if task_id is None:
            return None
        if kind == "task-sent":
            run = self._was_sent(task_id, event, at)
        elif kind == "task-received":
            run = self._was_received(task_id, event, at)
        elif kind == "task-started":
            run = self._was_started(task_id, event, at)
        elif outcome := ENDS.get(kind):
            run = self._has_ended(task_id, event, outcome, at)
        else:
            return None
        if run is None:
            return None
        run.heard_at, run.image = at, None
        if not run.is_changed:
            self.changes.note(run)
        if kind != "task-sent" and (run.worker != event.hostname or run.parent_pid != event.pid):
            run.worker, run.parent_pid = same(event.hostname), event.pid
        return run

    def _was_sent(self, task_id: str, event: Event, at: datetime) -> LiveRun | None:
        """A sender tells after sending, so a quick worker may have received it already; a retry is sent under the id of its run."""
        sent_at = event.timestamp or at.timestamp()
        run = self.going.get(task_id) or self.ended.get(task_id)
        if run is None or not run.is_of_message(event.retries or 0, sent_at):
            run = self.sent.get(task_id)
            if run is None:
                run = self.sent[task_id] = LiveRun(task_id=task_id, first_at=at)
                if len(self.sent) > MAX_SENT:
                    self.changes.leaves(self.sent.pop(next(iter(self.sent))))
        if run.sent_at == sent_at:
            return None
        if run.received_at is None:
            describe(run, event)
        run.sent_at, run.origin = sent_at, same(event.hostname)
        return run

    def _was_received(self, task_id: str, event: Event, at: datetime) -> LiveRun | None:
        time = event.timestamp or at.timestamp()
        run = self.going.get(task_id) or self.ended.get(task_id)
        if run is None:
            run = self._begun(task_id, at)
        elif (run.received_at == time and run.worker == event.hostname) or (task_id, event.retries or 0, time) in self.before:
            return None
        elif not run.awaits_receipt(event.hostname, time):
            if run.outcome is None and (event.retries or 0) > run.retries:  # its worker tells of it only after it has received the next try
                run.outcome, run.image = "RETRY", None
                self._retried[task_id] = run
                self.changes.note(run)
            run = self._again(run, at)
        elif (sent := self.sent.get(task_id)) is not None and sent.retries == (event.retries or 0):
            run.sent_at, run.origin, run.queue = sent.sent_at, sent.origin, sent.queue
            del self.sent[task_id]
        if run.sent_at is None or run.name is None or run.retries != (event.retries or 0):  # else its sending said the same
            describe(run, event)
        run.received_at = time
        return run

    def _was_started(self, task_id: str, event: Event, at: datetime) -> LiveRun | None:
        time = event.timestamp or at.timestamp()
        run = self.going.get(task_id) or self.ended.get(task_id)
        if run is None:
            run = self._begun(task_id, at)
        elif run.has_word_after(event.hostname, time, run.started_at) or run.is_later_than(event.hostname, time):
            return None
        elif run.ended_at is not None and run.worker == event.hostname and time > run.ended_at:
            run = self._again(run, at)
        run.started_at = time
        return run

    def _has_ended(self, task_id: str, event: Event, outcome: str, at: datetime) -> LiveRun | None:
        time = event.timestamp or at.timestamp()
        if outcome == "RETRY" and (tried := self._retried.pop(task_id, None)) is not None:  # its next try was received before
            end(tried, event, outcome, time)
            return tried
        run = self.going.get(task_id) or self.ended.get(task_id)
        if run is None:
            run = self._begun(task_id, at)
        elif (run.outcome is not None and run.has_word_after(run.worker, time, run.ended_at)) or run.is_later_than(event.hostname, time):
            return None
        end(run, event, outcome, time)
        self.going.pop(task_id, None)
        self.ended[task_id] = run
        if len(self.ended) > self._max_runs:
            self._put_away(next(iter(self.ended)))
        return run

    def _begun(self, task_id: str, at: datetime) -> LiveRun:
        """A run that only its sending was told of, if that; where there is no room it is counted and not kept."""
        run = self.sent.pop(task_id, None) or LiveRun(task_id=task_id, first_at=at)
        if early := self._early.pop(task_id, None):
            run.refuse(early)
        if len(self.going) < self._max_runs:
            self.going[task_id] = run
        else:
            self.changes.leaves(run)
        return run

    def _again(self, run: LiveRun, at: datetime) -> LiveRun:
        """The id was received once more: retried, or given out again."""
        self._put_before(run)
        self.going.pop(run.task_id, None)
        self.ended.pop(run.task_id, None)
        new = self._begun(run.task_id, at)
        new.redelivered = run.outcome != "RETRY"
        return new

    def _put_before(self, run: LiveRun) -> None:
        while len(self.before) >= MAX_BEFORE:
            gone = self.before.pop(next(iter(self.before)))
            self._retried.pop(gone.task_id, None)
        self.before[run.task_id, run.retries, run.received_at or run.started_at] = run

    def _put_away(self, task_id: str) -> None:
        """It ended first of all that are kept: only a lock makes it worth remembering."""
        run = self.ended.pop(task_id)
        if self._interest and len(self.kept) < MAX_KEPT and self._interest.has(run):
            self.kept[task_id] = run

    def is_refused(self, task_id: str | None) -> bool:
        """Whether it was told already that a lock turned away the latest run of that id."""
        run = self.going.get(task_id or "") or self.ended.get(task_id or "")
        return run.refused_by is not None if run is not None else task_id in self._early

    def refused(self, refusal: Refusal) -> LiveRun | None:
        """A worker reported that a lock turned away this run; None where nothing is known of it yet, or no longer."""
        task_id = refusal.task_id or ""
        run = self.going.get(task_id) or self.ended.get(task_id)
        if run is None:
            if task_id and len(self._early) < MAX_EARLY:
                self._early[task_id] = refusal
            return None
        run.refuse(refusal)
        self.changes.note(run)
        return run

    def active(self, worker: str, parent_pid: int | None, listed: object, at: datetime) -> bool:
        """A worker's answer: all runs that it has now; one that it no longer lists has ended without a word.

        Those of another process of that name it cannot speak for: whether that one lives is judged elsewhere.
        """
        entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
        found = {str(entry.get("id")) for entry in entries}
        for entry in entries:
            self._still(worker, parent_pid, entry, at)
        going = [run for run in self.going.values() if run.worker == worker and run.task_id not in found]
        absent = [run for run in going if run.parent_pid in {None, parent_pid} or parent_pid is None]
        for run in absent:
            if (seen := run.seen_active()) is not None and at.timestamp() - seen > ABSENT_FOR_S:
                self._is_over(run)
        return bool(entries or absent)

    def _still(self, worker: str, parent_pid: int | None, entry: Mapping[str, Any], at: datetime) -> None:
        task_id = str(entry.get("id"))
        run = self.going.get(task_id) or self.ended.get(task_id) or self._begun(task_id, at)
        run.last_active_at = run.heard_at = at
        run.image, before = None, (run.pid, run.started_at, run.queue)
        if run.outcome is None:  # else it was told while the answer was on its way, or by somebody who is not its worker
            goes_on(run, worker, parent_pid, entry)
        if before != (run.pid, run.started_at, run.queue) or not run.row:
            self.changes.note(run)

    def _is_over(self, run: LiveRun) -> None:
        """It has ended, or nobody follows it any more, and nothing was told of its end."""
        del self.going[run.task_id]
        run.outcome = "LOST" if run.is_lost else "UNKNOWN"
        self.changes.leaves(run)

    def forget(self, locks: Iterable[HeldLock], workers: Collection[Process], now: datetime) -> None:
        """Drop the runs that ended and that no lock names or may have been taken by, and those whose process is long gone."""
        self._interest = LockInterest.of(locks)
        names = {name for name, _ in workers}
        for run in list(self.going.values()):
            is_known = run.worker is None or (run.worker, run.parent_pid) in workers or (run.parent_pid is None and run.worker in names)
            if not is_known and not self._interest.names(run):
                self._is_over(run)
        while self.ended and now - (first := next(iter(self.ended.values()))).heard() >= RUN_KEPT:
            self._put_away(first.task_id)
        self.kept = {key: run for key, run in self.kept.items() if self._interest.has(run)}
        self.before = {key: run for key, run in self.before.items() if now - run.heard() < RUN_KEPT or self._interest.has(run)}
        while self.sent and now - (first := next(iter(self.sent.values()))).heard() >= SENT_KEPT:
            self.changes.leaves(self.sent.pop(first.task_id))
        self._early = {key: refusal for key, refusal in self._early.items() if now - refusal.at < RUN_KEPT}

    def are_lost(self, task_ids: Collection[str]) -> None:
        """It is proved of these that no word of their end will come."""
        for run in (self.going[task_id] for task_id in task_ids if task_id in self.going):
            if not run.is_lost:
                run.is_lost = True
                self.changes.note(run)

    def running(self) -> Iterator[Run]:
        """Those that have started and not ended."""
        return (run.shown() for run in self.going.values() if run.started_at is not None)

    def shown(self) -> tuple[tuple[Run, ...], int]:
        """Active runs, then the ended ones, the latest first, then those that were only sent, then earlier tries; and how many found no room."""
        known = islice(chain(self.going.values(), reversed(self.ended.values()), self.kept.values()), MAX_SHOWN)
        shown = [*known, *list(self.sent.values())[-MAX_SENT_SHOWN:], *self.before.values()]
        total = len(self.going) + len(self.ended) + len(self.kept) + len(self.sent) + len(self.before)
        return tuple(run.shown() for run in shown), total - len(shown)
