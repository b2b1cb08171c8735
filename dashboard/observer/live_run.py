"""A run as the observer keeps it while it goes on: one mutable record, with times in seconds, so that an event costs little.

Pages and judge read `Run`, its frozen image, which is made when somebody is going to look at it.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from dashboard.history.rows import CODES, REFUSED
from dashboard.observer.run_events import duration, instant
from dashboard.records import Refusal, Run

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class LiveRun(msgspec.Struct, gc=False, kw_only=True):
    """One execution of a task; the fields mean what those of `Run` mean. Instants are seconds since 1970 by the sender's clock."""

    task_id: str
    retries: int = 0
    name: str | None = None
    worker: str | None = None
    pid: int | None = None
    parent_pid: int | None = None
    queue: str | None = None
    args: str | None = None
    kwargs: str | None = None
    origin: str | None = None
    parent_id: str | None = None
    root_id: str | None = None
    sent_at: float | None = None
    eta: str | None = None  # as the message says it, in ISO 8601
    expires: str | None = None
    received_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    runtime: float | None = None  # seconds
    outcome: str | None = None
    result: str | None = None
    error: str | None = None
    traceback_end: str | None = None
    refused_by: str | None = None
    refused_lock_id: str | None = None
    refused_at: datetime | None = None
    last_active_at: datetime | None = None
    redelivered: bool = False
    end_before: tuple[str, float] | None = None  # how and when the execution before it ended, as far as it was told
    heard_at: datetime | None = None  # by our clock; those of one batch share it
    first_at: datetime | None = None  # when it was heard of first, by our clock
    row: int = 0  # of the history
    is_told: bool = False  # by an event, which says whose it is; of two namesakes that answer under one name the answer does not
    is_start_told: bool = False  # by an event, which says when to the moment
    is_changed: bool = False  # and not yet taken by the history
    is_lost: bool = False  # as the judge proved; no word of its end will come
    has_left: bool = False  # the book of runs: nothing else is going to be kept of it
    counted: int = 0  # as how it ended, for the history
    image: Run | None = None  # as it was when it was looked at last; None: it changed since

    @classmethod
    def of(cls, run: Run) -> "LiveRun":
        """The run that this image was made of."""
        told: dict[str, Any] = {name: getattr(run, name) for name in _ALIKE}
        told |= {name: _seconds(getattr(run, name)) for name in _INSTANTS}
        return cls(
            **told,
            eta=run.eta_at.isoformat() if run.eta_at else None,
            expires=run.expires_at.isoformat() if run.expires_at else None,
            runtime=run.runtime.total_seconds() if run.runtime is not None else None,
            first_at=run.heard_at,
            is_told=run.received_at is not None or run.started_at is not None or run.ended_at is not None,
            counted=REFUSED if run.is_refused else CODES.get(run.outcome, 0),
            image=run,
        )

    def is_of(self, worker: str | None, pid: int | None) -> bool:
        """Whether what this process tells may be told of it; only an event says for sure which of two namesakes it is of."""
        is_sure = self.is_told and None not in {self.parent_pid, pid}
        return (self.worker is None or self.worker == worker) and (not is_sure or self.parent_pid == pid)

    def knows_its_try(self, worker: str | None, pid: int | None) -> bool:
        """Whether a receipt by this process with another retry number is one of another try: that of a run which was not received is not told."""
        return self.received_at is not None or self.is_of(worker, pid)

    def is_of_message(self, retries: int, sent_at: float) -> bool:
        """Whether it may be the run of a message that was sent then: it has one sending."""
        if self.received_at is None and self.sent_at is None:
            return self.retries in {0, retries}
        return self.retries == retries and self.sent_at in {None, sent_at}

    def awaits_receipt(self, worker: str | None, pid: int | None, time: float) -> bool:
        """Whether that it was received is told after its start or its end was, by the very process that told those."""
        began = self.started_at if self.started_at is not None else self.ended_at
        return self.received_at is None and self.is_of(worker, pid) and (began is None or time <= began)

    def has_word_after(self, worker: str | None, time: float, known: float | None) -> bool:
        """Whether the same, or something later, is known by this worker's own clock."""
        return known is not None and self.worker == worker and time <= known

    def has_run_before(self, worker: str | None, time: float) -> bool:
        """Whether a start that this worker tells is another execution's: this one has ended, or was started by an event before."""
        if self.worker != worker:
            return False
        if self.ended_at is not None:
            return time > self.ended_at
        return self.is_start_told and self.started_at is not None and time > self.started_at

    def is_later_than(self, worker: str | None, time: float) -> bool:
        """Whether what was told by this worker was told of an earlier try: this one was received after that."""
        return self.received_at is not None and self.worker == worker and time < self.received_at

    def seen_active(self) -> float | None:
        """When it was last known to run."""
        return self.last_active_at.timestamp() if self.last_active_at else self.started_at

    def heard(self) -> datetime:
        """When its last news came, by our clock: its worker's may be an hour off."""
        return self.heard_at or LONG_AGO

    def refuse(self, refusal: Refusal) -> None:
        """A lock turned it away."""
        self.refused_by, self.refused_lock_id, self.refused_at, self.image = refusal.name, refusal.lock_id, refusal.at, None

    def shown(self) -> Run:
        """Its image as of now."""
        if self.image is None:
            self.image = Run(
                task_id=self.task_id,
                retries=self.retries,
                name=self.name,
                worker=self.worker,
                pid=self.pid,
                parent_pid=self.parent_pid,
                queue=self.queue,
                args=self.args,
                kwargs=self.kwargs,
                origin=self.origin,
                parent_id=self.parent_id,
                root_id=self.root_id,
                sent_at=_instant(self.sent_at),
                eta_at=instant(self.eta) if self.eta else None,
                expires_at=instant(self.expires) if self.expires else None,
                received_at=_instant(self.received_at),
                started_at=_instant(self.started_at),
                ended_at=_instant(self.ended_at),
                runtime=duration(self.runtime),
                outcome=self.outcome,
                result=self.result,
                error=self.error,
                traceback_end=self.traceback_end,
                refused_by=self.refused_by,
                refused_lock_id=self.refused_lock_id,
                refused_at=self.refused_at,
                last_active_at=self.last_active_at,
                redelivered=self.redelivered,
                heard_at=self.heard_at,
                row=self.row,
            )
        return self.image


_INSTANTS = ("sent_at", "received_at", "started_at", "ended_at")
_MADE = {*_INSTANTS, "eta_at", "expires_at", "runtime"}
_ALIKE = tuple(name for name in Run.__struct_fields__ if name not in _MADE)


def _instant(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None  # an event's time is within bounds


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at is not None else None
