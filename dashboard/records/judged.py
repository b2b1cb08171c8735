"""What the judge concludes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from dashboard.records.locks import HeldLock
from dashboard.records.queues import QueueReading

Certainty = Literal["exact", "likely", "unknown"]
Word = str | int | float | bool | None | datetime | timedelta | list[str]  # what a piece of evidence may carry


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A run that may hold a plain lock: where an operator can start looking."""

    task_id: str
    task_name: str | None
    worker: str | None
    distance: timedelta  # from its start to the attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock, and how sure we are of it."""

    certainty: Certainty
    task_id: str | None = None
    task_name: str | None = None
    worker: str | None = None
    pid: int | None = None
    host: str | None = None
    candidates: int | None = None  # runs that may have made the attempt: active then, and of the owner where the settings name one; None for an exact holder
    candidate_runs: tuple[Candidate, ...] = ()  # the nearest of them first, and not more than can be looked at
    distance: timedelta | None = None  # from the start of the likely run to the attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One fact behind a verdict: a code that the web words, with its values."""

    code: str
    values: Mapping[str, Word] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedLock:
    """A lock with what we make of it."""

    lock: HeldLock
    holder: Holder
    verdict: str  # overlapping, orphaned, overrun, expiring, never-expires, unknown, held
    flags: Sequence[str]
    evidence: Sequence[Evidence]
    refused_last_hour: int | None  # None: nobody reports refusals of this lock
    waiting: int | None = None  # attempts that wait for it now, as is lost_last_hour
    lost_last_hour: int | None = None  # times that a holder found that it held it no more
    counted_since: datetime | None = None  # since when every refused and lost attempt is told; None: it is not
    blocks: str = ""
    label: str = ""
    model: str = ""  # what the lock is about: "reports.Report", and that one's primary key
    object_id: str = ""
    no_release: str = ""  # why it may not be released, whoever asks: "internal", "not-listed", "forbidden"; empty: it may

    @property
    def needs_attention(self) -> bool:
        return self.verdict in {"overlapping", "orphaned", "overrun"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQueue:
    """A queue with what we make of it."""

    queue: QueueReading
    why: Evidence  # why messages wait in it, or that none do
    warnings: Sequence[Evidence] = ()
    drains_in: timedelta | None = None  # at the rates of the last minute; None: not known, or never


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One row of "what needs attention": a cause, with everything it explains."""

    kind: str  # a verdict, "no-reader", "unknown-task", "worker-gone", "source", "locks-gone", "no-exclusion", "evicts", "shared-db"
    subject: str  # name of the lock, queue, task, worker or source
    evidence: Sequence[Evidence]
    locks: Sequence[JudgedLock] = ()
    queues: Sequence[QueueReading] = ()
