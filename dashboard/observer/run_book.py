"""What the observer knows of runs: those that go on, and those that ended and still matter.

Events come in any order and perhaps twice: what an event tells is told by its own time, so the same events give the same run.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dashboard.observer.known_runs import MAX_RUNS, KnownRuns, is_of_one_before
from dashboard.observer.live_run import LiveRun
from dashboard.observer.run_events import ENDS, describe, end, goes_on, same, whose
from dashboard.records import Refusal, Worker
from dashboard.sources.event import Event

ABSENT_FOR_S = 4  # not active in two answers of its worker: it ended without an event
MAX_SENT = 20_000  # sent, and not yet received by a worker that tells
MAX_EARLY = 5000  # refusals of runs that nothing else was told of yet


class RunBook(KnownRuns):
    """Reduces events, refusals and answers to one run per task id, the latest."""

    def __init__(self, max_runs: int = MAX_RUNS) -> None:
        super().__init__(max_runs)
        self._takes = {"task-sent": self._was_sent, "task-received": self._was_received, "task-started": self._was_started}
        self._takes |= dict.fromkeys(ENDS, self._has_ended)

    def event(self, event: Event, at: datetime) -> LiveRun | None:
        """Take in an event of a run; the run as it is now, None where the event tells nothing new of it."""
        task_id, kind = event.uuid, event.type
        take = self._takes.get(kind)
        if task_id is None or take is None or (run := take(task_id, event, at)) is None:
            return None
        run.heard_at, run.image = at, None
        if not run.is_changed:
            self.changes.note(run)
        if kind != "task-sent":
            run.is_told = True
            if run.parent_pid != event.pid or run.worker != event.hostname:
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
                    self.changes.leaves(self.sent.popitem(last=False)[1])
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
        elif (told := self._told_before_receipt(run, event, time)) is not None:
            run = told
        elif not run.awaits_receipt(event.hostname, event.pid, time):
            if (
                run.outcome is None and (event.retries or 0) > run.retries and run.knows_its_try(event.hostname, event.pid)
            ):  # its worker tells of it only after it has received the next try
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

    def _told_before_receipt(self, latest: LiveRun, event: Event, time: float) -> LiveRun | None:
        """The earlier run of that id that this process has told of, but not yet that it received it; None: there is none."""
        if latest.awaits_receipt(event.hostname, event.pid, time):
            return None
        tried = ((key, run) for key, run in reversed(self.before.items()) if run.task_id == latest.task_id and run.parent_pid == event.pid)
        key, run = next(((key, run) for key, run in tried if run.awaits_receipt(event.hostname, event.pid, time)), (None, None))
        if key is not None and run is not None:
            del self.before[key]
            self.before[run.task_id, event.retries or 0, time] = run  # so that a second word of the receipt is known for one
        return run

    def _was_started(self, task_id: str, event: Event, at: datetime) -> LiveRun | None:
        time = event.timestamp or at.timestamp()
        latest = self.going.get(task_id) or self.ended.get(task_id)
        run = self._own(latest, task_id, event.hostname, event.pid)
        if run is None:
            run = self._begun(task_id, at) if latest is None else self._again(latest, at)
        elif run.has_word_after(event.hostname, time, run.started_at) or run.is_later_than(event.hostname, time):
            return None
        elif run.has_run_before(event.hostname, time):
            run = self._again(run, at) if run is latest else self._beside(run, at)
        run.started_at, run.is_start_told = time, True
        return run

    def _has_ended(self, task_id: str, event: Event, at: datetime) -> LiveRun | None:
        time, outcome = event.timestamp or at.timestamp(), ENDS[event.type]
        tried = self._retried.get(task_id) if outcome == "RETRY" else None
        if tried is not None and tried.is_of(event.hostname, event.pid):  # its next try was received before
            del self._retried[task_id]
            end(tried, event, outcome, time)
            return tried
        latest = self.going.get(task_id) or self.ended.get(task_id) or self.kept.get(task_id)
        run = self._own(latest, task_id, event.hostname, event.pid)
        if run is None:
            run = self._begun(task_id, at) if latest is None else self._beside(latest, at)
        elif run.end_before is not None and run.end_before == (outcome, time):
            return None  # a second word of it: which of the two goes on is not known
        elif (run.ended_at is not None and run.has_word_after(run.worker, time, run.ended_at)) or run.is_later_than(event.hostname, time):
            return None
        end(run, event, outcome, time)
        self.changes.ended(run)
        if latest is None or run is latest:
            self.going.pop(task_id, None)
            self.kept.pop(task_id, None)
            self.ended[task_id] = run
            if len(self.ended) > self._max_runs:
                self._put_away(next(iter(self.ended)), at)
        return run

    def _own(self, latest: LiveRun | None, task_id: str, worker: str | None, pid: int | None) -> LiveRun | None:
        """The run of that id that this process tells of: the latest, unless that one is another's, as after a second delivery; None: it is not known."""
        if latest is None or (latest.parent_pid == pid and latest.worker == worker) or latest.is_of(worker, pid):
            return latest
        return next((run for run in reversed(self.before.values()) if run.task_id == task_id and run.is_of(worker, pid)), None)

    def _beside(self, latest: LiveRun, at: datetime) -> LiveRun:
        """An execution of the same message beside the latest, of which nothing was heard before."""
        run = LiveRun(task_id=latest.task_id, first_at=at, retries=latest.retries, name=latest.name, args=latest.args, kwargs=latest.kwargs, queue=latest.queue)
        self._put_before(run, at)
        return run

    def _begun(self, task_id: str, at: datetime) -> LiveRun:
        """A run that only its sending was told of, if that; where there is no room it is counted and not kept."""
        run = self.sent.pop(task_id, None) or LiveRun(task_id=task_id, first_at=at)
        if self._early and (early := self._early.pop(task_id, None)):
            run.refuse(early)
        if len(self.going) < self._max_runs:
            self.going[task_id] = run
        else:
            self.missed_at = at
            self.changes.leaves(run)
        return run

    def _again(self, run: LiveRun, at: datetime) -> LiveRun:
        """The id was received once more: retried, or given out again."""
        self._put_before(run, at)
        self.going.pop(run.task_id, None)
        self.ended.pop(run.task_id, None)
        new = self._begun(run.task_id, at)
        new.redelivered = run.outcome != "RETRY"
        if run.outcome is not None and run.ended_at is not None:
            new.end_before = run.outcome, run.ended_at
        return new

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

    def active(self, worker: str, process: Worker | None, listed: object, at: datetime) -> bool:
        """A worker's answer: all runs that it has now; one that it no longer lists has ended without a word.

        Those of another process of that name, or of one before that had its pid as well, it cannot speak for: whether that one lives is judged elsewhere.
        """
        if not isinstance(listed, list):
            return False
        parent_pid = process.pid if process else None
        entries = [entry for entry in listed if isinstance(entry, dict)]
        found = {str(entry.get("id")) for entry in entries}
        for entry in entries:
            self._still(worker, whose(process, entry), entry, at)
        going = [run for run in self.going.values() if run.worker == worker and run.task_id not in found]
        absent = [run for run in going if run.parent_pid in {None, parent_pid} or parent_pid is None]
        if process is not None and process.shared_at is not None:
            absent = []  # it may be the other's answer
        for run in absent:
            if process is not None and is_of_one_before(run, process):
                continue
            if (seen := run.seen_active()) is not None and at.timestamp() - seen > ABSENT_FOR_S:
                self._is_over(run, at)
        return bool(entries or absent)

    def _still(self, worker: str, parent_pid: int | None, entry: Mapping[str, Any], at: datetime) -> None:
        task_id = str(entry.get("id"))
        latest = self.going.get(task_id) or self.ended.get(task_id)
        run = self._own(latest, task_id, worker, None)
        if run is None:
            run = self._begun(task_id, at) if latest is None else self._again(latest, at)
        run.last_active_at = at
        if run.ended_at is None:  # else it was heard when its end was told, and that is what this answer is compared with
            run.heard_at = at
        run.image, before = None, (run.pid, run.started_at, run.queue)
        if run.outcome is None:  # else it was told while the answer was on its way, or by somebody who is not its worker
            goes_on(run, worker, parent_pid, entry)
        if before != (run.pid, run.started_at, run.queue) or not run.row:
            self.changes.note(run)
