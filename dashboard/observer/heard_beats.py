"""What heartbeats say of a worker, and that two send them under one name and pid: each counts its own runs, and one's count does not go back."""

from dataclasses import replace
from datetime import datetime, timedelta

from dashboard.records import Worker
from dashboard.sources.event import Event

VITALS_EVERY = timedelta(seconds=10)  # a heartbeat comes every 2 s; taken in each time, every row of a list would change with it
MIXED_S = 1.0  # by how much an earlier heartbeat may come after a later one: one connection carries them in order, and who flushes it may be quick
AGAIN_WITHIN = timedelta(seconds=30)
MAX_BEATS = 1000
Key = tuple[str, int | None]  # the name and the pid of a worker


class HeardBeats:
    """The last heartbeat of each process: when it was sent, in seconds since 1970 by its clock, how many runs it had begun, and when that last went back."""

    def __init__(self) -> None:
        self._last: dict[Key, tuple[float, int]] = {}
        self._went_back_at: dict[Key, datetime] = {}

    def went_back(self, key: Key, event: Event, at: datetime) -> int:
        """0: it counts no fewer runs than the one before; 1: it does, and may have been sent late, or by a new process; 2: again, so that there are two."""
        if event.processed is None or event.timestamp is None or (key not in self._last and len(self._last) >= MAX_BEATS):
            return 0
        sent_at, processed = self._last.get(key, (event.timestamp, event.processed))
        self._last[key] = event.timestamp, event.processed
        if event.processed >= processed or 0 < sent_at - event.timestamp < MIXED_S:
            return 0
        before, self._went_back_at[key] = self._went_back_at.get(key), at
        return 2 if before is not None and at - before < AGAIN_WITHIN else 1

    def begins(self, key: Key) -> None:
        """A new process came under it: it counts from nothing."""
        self._last.pop(key, None)

    def keep_only(self, keys: set[Key]) -> None:
        """Forget the others."""
        self._last = {key: last for key, last in self._last.items() if key in keys}
        self._went_back_at = {key: at for key, at in self._went_back_at.items() if key in keys}


def with_vitals(worker: Worker, event: Event, at: datetime) -> Worker:
    """What a heartbeat says beside that it beats; that it has run something and told nothing of it shows that its task events are off."""
    if worker.vitals_at is not None and at - worker.vitals_at < VITALS_EVERY:
        return worker
    processed = event.processed
    has_worked = processed is not None and worker.processed is not None and processed > worker.processed
    is_mute = has_worked and worker.vitals_at is not None and (worker.task_event_at is None or worker.task_event_at < worker.vitals_at)
    names = [name for name in (event.sw_ident, event.sw_ver) if name is not None]
    return replace(
        worker,
        processed=processed,
        load=tuple(event.loadavg[:3]) if event.loadavg is not None else None,
        software=" ".join(names) or None,
        vitals_at=at,
        sends_events=False if is_mute else worker.sends_events,
    )
