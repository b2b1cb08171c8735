"""Everything that is known at one moment."""

from dataclasses import dataclass, field
from datetime import datetime

from dashboard.records.counts import Counts
from dashboard.records.flow import FlowReading
from dashboard.records.locks import HeldLock, Lane, Loss, Refusal, Wait
from dashboard.records.queues import QueueReading, UnackedMessage
from dashboard.records.results import CachedResult, ResultCount
from dashboard.records.runs import Run
from dashboard.records.schedules import ScheduleReading
from dashboard.records.sending import Traced
from dashboard.records.servers import Mishap, Server
from dashboard.records.sources import Figures, Observer, SourceState
from dashboard.records.tasks import TaskReading
from dashboard.records.workers import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything the observer knows at one moment; a section that was never written is empty, and its source says so."""

    at: datetime | None = None  # None: no observer has ever written
    version: int = 0
    locks: tuple[HeldLock, ...] = ()
    lanes: tuple[Lane, ...] = ()
    refusals: tuple[Refusal, ...] = ()  # of the last hour, newest last, capped
    waits: tuple[Wait, ...] = ()  # attempts that wait, and those whose wait ended within the last two minutes, capped
    losses: tuple[Loss, ...] = ()  # of the last hour, newest last, capped
    runs: tuple[Run, ...] = ()  # active, lately ended, and those that were only sent
    more_runs: int = 0  # that are known as well and did not find room in `runs`
    candidates_missed_at: datetime | None = None  # when one of these was last such that it may hold a lock, or take one
    workers: tuple[Worker, ...] = ()
    listens_since: datetime | None = None  # when anybody began to listen to them, one observer after the other; None: nobody has
    queues: tuple[QueueReading, ...] = ()
    unacked: tuple[UnackedMessage, ...] = ()
    results: tuple[CachedResult, ...] = ()
    result_counts: tuple[ResultCount, ...] = ()
    schedules: tuple[ScheduleReading, ...] = ()
    tasks: tuple[TaskReading, ...] = ()  # names in the order in which they were met, capped
    traces: tuple[Traced, ...] = ()  # what was sent from here within the last hour
    sources: tuple[SourceState, ...] = ()
    servers: tuple[Server, ...] = ()  # of the watched places that may be asked
    mishaps: tuple[Mishap, ...] = ()  # of the last hour, newest last, capped
    flow: FlowReading = field(default_factory=FlowReading)
    figures: Figures = field(default_factory=Figures)
    counts: Counts = field(default_factory=Counts)
    observer: Observer | None = None
