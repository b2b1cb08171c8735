"""Workers."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker process (a node name and a pid); a restart under the same name is another Worker."""

    name: str
    pid: int | None = None
    first_heard_at: datetime
    was_there_first: bool = False  # when anybody began to listen, so that nobody could have heard it before
    last_heard_at: datetime  # event or answer, by our clock
    last_event_at: datetime | None = None  # its last event, by our clock: what its heartbeat connection was last used for
    answered_at: datetime | None = None  # the last answer to inspect, by our clock
    asked_at: datetime | None = None  # the last time it was asked
    said_offline_at: datetime | None = None  # warm or cold shutdown announced
    left_at: datetime | None = None  # when the one before, of its name and pid, said goodbye: before this one came online
    connection_known: bool = False  # we know which of the broker's connections carries its heartbeats
    connection_gone_at: datetime | None = None  # the broker no longer lists the connection that carried its heartbeats
    pool: str | None = None  # "prefork", "solo", ...
    processes: tuple[int, ...] | None = None  # pids of the pool
    concurrency: int | None = None
    queues: tuple[str, ...] | None = None
    tasks: tuple[str, ...] | None = None
    active: tuple[str, ...] | None = None  # task ids, as of active_at
    active_at: datetime | None = None  # when it was asked for them, by our clock: what it named ran then or later
    alone_calls: int = 0  # calls to everybody, one after the other, that nobody else answered under its name
    alone_since: datetime | None = None  # when it was first known to be the only one under its name: by such calls, or for it came under a name that nobody had
    spoke_alone_at: datetime | None = None  # the last `active_at` of which such calls say that the answer was its own
    shared_at: datetime | None = None  # when another answered such a call under its name
    visibility_timeout: timedelta | None = None
    pool_read_at: datetime | None = None  # when pids were read
    started_at: datetime | None = None  # at the latest, by its own uptime and our clock; None until it told, anew when it comes online
    started_after: datetime | None = None  # at the earliest, a second before or less
    clock_steps: tuple[timedelta, ...] = (timedelta(0),)  # by how much our clock may be ahead of the one by which `started_at` was told; none: not known
    clock_skew: timedelta | None = None
    reserved: int | None = None  # fetched and not started; as it said when it was last asked, as is scheduled
    scheduled: int | None = None  # fetched to be run at a later time
    processed: int | None = None  # runs since it started; as its heartbeat said at vitals_at, as are load and software
    load: tuple[float, ...] | None = None  # of its machine, over 1, 5 and 15 minutes
    software: str | None = None  # "py-celery 5.7.0"
    vitals_at: datetime | None = None
    lock_moved_at: datetime | None = None  # when a lock of its runs was first taken or put off after its connection was closed, by our clock
    online_at: tuple[datetime, ...] = ()  # when it said that it came online, in the last minutes, by our clock
    task_event_at: datetime | None = None  # its last event of a task, by our clock
    sends_events: bool | None = None  # of its tasks; None: it has run nothing since it was first heard

    @property
    def answers(self) -> bool | None:
        """Whether it answered what it was asked last; None: it was never asked."""
        return None if self.asked_at is None else self.answered_at is not None and self.answered_at >= self.asked_at
