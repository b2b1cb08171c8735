"""The books of the observer: each knows one kind of thing. They do no I/O and have no clock."""

from collections import Counter
from collections.abc import Sequence

from dashboard.observer.attempt_book import AttemptBook
from dashboard.observer.count_book import CountBook
from dashboard.observer.event_pace import EventPace
from dashboard.observer.figures import FigureBook
from dashboard.observer.flow_book import FlowBook
from dashboard.observer.gap_book import GapBook
from dashboard.observer.known_runs import MAX_RUNS
from dashboard.observer.lock_book import LockBook
from dashboard.observer.lock_past import LockPast
from dashboard.observer.queue_book import QueueBook
from dashboard.observer.result_book import ResultBook
from dashboard.observer.run_book import RunBook
from dashboard.observer.schedule_book import ScheduleBook
from dashboard.observer.server_book import ServerBook
from dashboard.observer.source_book import SourceBook
from dashboard.observer.task_book import TaskBook
from dashboard.observer.task_entry import minute_of
from dashboard.observer.trace_book import TraceBook
from dashboard.observer.worker_book import WorkerBook
from dashboard.records import Snapshot


class Books:
    """All of them, together."""

    def __init__(self, places: Sequence[tuple[str, str]], max_runs: int = MAX_RUNS) -> None:
        self.locks, self.runs, self.workers, self.figures = LockBook(places), RunBook(max_runs), WorkerBook(), FigureBook()
        self.queue_book, self.results, self.schedules = QueueBook(self.runs.sent_at), ResultBook(), ScheduleBook()
        self.traces, self.attempts, self.lock_past = TraceBook(), AttemptBook(self.locks), LockPast(self.runs)
        self.servers = ServerBook()
        self.counts, self.pace, self.tasks, self.flow, self.gaps = CountBook(), EventPace(), TaskBook(), FlowBook(), GapBook()
        self.source_book = SourceBook(self.gaps.for_history)

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from the last snapshot, so that a new observer knows what the one before had proved."""
        self.locks.restore(snapshot.locks, snapshot.lanes, snapshot.refusals)
        self.attempts.restore(snapshot.waits, snapshot.losses)
        self.source_book.restore(snapshot.sources)
        self.servers.restore(snapshot.servers, snapshot.mishaps)
        self.runs.restore(snapshot.runs)
        self.runs.missed_at = snapshot.candidates_missed_at
        self.workers.restore(snapshot.workers)
        self.workers.listens_since = snapshot.listens_since
        self.queue_book.restore(snapshot.queues)
        self.results.restore(snapshot.results, snapshot.result_counts)
        self.tasks.restore(snapshot.tasks, snapshot.at)
        self.schedules.restore(snapshot.schedules)
        failed = Counter[int]()
        for minute in (minute for task in snapshot.tasks for minute in task.minutes if minute.failed):
            failed[minute.number] += minute.failed
        self.figures.restore(snapshot.figures, (minute_of(refusal.at) for refusal in snapshot.refusals), failed)
        self.counts.restore(snapshot.counts)
        self.flow.restore(snapshot.flow)
        self.traces.restore(snapshot.traces)
