"""What is really so in a history: processes, runs and the one lock, told by nobody. Times are seconds from when the holder won the lock."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from tests.factories import NOW

OWNER, OTHER = "reports_prepare_massive_report", "telegram_notify_user_by_id"
NUMBERS = count(1)


def clock(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@dataclass(eq=False)
class Process:
    """A worker's own process with its pool."""

    name: str
    pid: int
    pool: str
    skew: float
    started: float
    boot: str
    heartbeats: bool = True
    children: list[int] = field(default_factory=list)
    killed: bool = False
    frozen: bool = False
    leaving: bool = False
    cut: bool = False  # from the broker: it says nothing more, and its runs go on
    published: float = -100.0  # when it last published
    closed: bool = False  # its connection
    total: int = 0

    @property
    def is_there(self) -> bool:
        return not self.killed and not self.frozen and not self.cut


@dataclass(eq=False)
class Run:
    """One execution."""

    task_id: str
    name: str
    process: Process
    pid: int
    received: float
    started: float
    retries: int = 0
    ended: float | None = None
    outcome: str | None = None
    is_listed: bool = True  # by its worker, while it has not ended
    parent_id: str | None = None
    skew_at_start: float | None = None  # of its worker's clock; the clock may be set later

    @property
    def goes_on(self) -> bool:
        """Whether it executes, be it frozen in the middle."""
        return self.ended is None and not self.process.killed

    def as_listed(self) -> "Run":
        """The dead run as its worker still lists it, until it notices."""
        return Run(self.task_id, self.name, self.process, self.pid, self.received, self.started, self.retries)

    def by_its_clock(self, seconds: float) -> datetime:
        return clock(seconds + (self.process.skew if self.skew_at_start is None else self.skew_at_start))


@dataclass(frozen=True, kw_only=True)
class Held:
    """The lock in one hand; `run` None: somebody outside any worker."""

    run: Run | None
    attempted: float
    since: float
    expires: float | None
    skew: float | None = None  # of its holder's clock when the token was made; None: what it is now
    first: Run | None = None  # whose token it is, where it was handed on
    digest: str = field(default_factory=lambda: f"{next(NUMBERS):016x}")
