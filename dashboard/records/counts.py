"""What was counted since counting began: how many events of runs of each kind, and how long runs took."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

RUNTIME_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 60.0, 600.0)  # seconds
WAIT_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How durations spread: `counts` has one for each bound that they do not exceed, and last those beyond all."""

    counts: tuple[int, ...] = ()  # empty: none was measured
    total_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCount:
    """The events of one task on one host from one queue; a part that is not known is empty."""

    name: str
    host: str
    queue: str
    events: Mapping[str, int] = field(default_factory=dict)  # by their type: "task-received"
    failures: Mapping[str, int] = field(default_factory=dict)  # by the class of the exception
    runtimes: Spread = field(default_factory=Spread)  # of runs that succeeded
    waits: Spread = field(default_factory=Spread)  # from sending, or from the eta, to the start
    counted_at: datetime | None = None  # last; a row that is idle for an hour goes when its place is needed, and begins anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Every total; each only ever grows, also from one observer to the next, until none ran for an hour."""

    since: datetime | None = None  # None: nobody has counted
    tasks: tuple[TaskCount, ...] = ()
    uncounted: int = 0  # events of runs that would have needed one row too many
    refused: Mapping[str, int] = field(default_factory=dict)  # attempts that locks turned away, by cache
