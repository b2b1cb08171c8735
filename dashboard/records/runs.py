"""Runs of tasks."""

from datetime import datetime, timedelta

import msgspec

SENT_KEPT = timedelta(hours=1)  # and one that was only sent, after its sending
RUN_KEPT = timedelta(minutes=5)  # how long a run is remembered after its end; longer where a lock names it


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One execution of a task; times are by the worker's clock, that of sending by the sender's. Texts are as told, secrets included.

    No dataclass, for thousands are made anew, written and read with each snapshot: this costs a sixth.
    """

    task_id: str
    retries: int = 0
    name: str | None = None
    worker: str | None = None
    pid: int | None = None  # the process that runs it, where inspect told
    parent_pid: int | None = None  # the worker's own process, as its events say
    queue: str | None = None
    args: str | None = None  # the event's repr, capped
    kwargs: str | None = None  # as args
    origin: str | None = None  # who sent it: gen4711@web-3; known only where its sending was seen
    parent_id: str | None = None  # the run that sent it
    root_id: str | None = None  # the first of its chain
    sent_at: datetime | None = None  # its sending was seen
    eta_at: datetime | None = None  # not to be run before
    expires_at: datetime | None = None  # not to be run after
    received_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    runtime: timedelta | None = None  # as its worker measured it
    outcome: str | None = None  # Celery's state, None while it runs
    result: str | None = None  # the event's repr of what it returned, capped
    error: str | None = None
    traceback_end: str | None = None  # its last lines: where it was raised, and what
    refused_by: str | None = None  # name of the lock that turned it away, where its worker reported that
    refused_lock_id: str | None = None
    refused_at: datetime | None = None
    last_active_at: datetime | None = None  # when a worker last said that it runs this
    redelivered: bool = False
    heard_at: datetime | None = None  # the last event or answer that told of it, by our clock
    row: int = 0  # of the history; 0: not written yet

    @property
    def is_refused(self) -> bool:
        """It ended well and did nothing: a lock turned it away."""
        return self.outcome == "SUCCESS" and self.refused_by is not None
