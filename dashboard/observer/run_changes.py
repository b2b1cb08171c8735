"""What changed of the runs since the history took it last: one row of each, and how those that ended are counted. No I/O, no clock."""

import re
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime

from dashboard.history.rollups import Rollups
from dashboard.history.rows import CODES, GOING, IDS_PER_US, LOST, REFUSED, SUCCEEDED, US, Row, key_of
from dashboard.observer.live_run import LiveRun

MAX_SIGNATURE = 120
MAX_TIME = 40  # characters of a time in ISO 8601 with its zone
MAX_OTHER = 155  # of a sender's name or another run's id: what is longer was made to fill the history
MAX_OPEN = 20_000
NOT_OPEN = (0, 0, 0)
ROUNDED_US = 1  # an instant that was in a snapshot may have lost or won a microsecond
_CHANGING = re.compile(r"0x[0-9a-fA-F]+|\d+|\b[0-9a-f]{8}-[0-9a-f-]{27}\b")


class RunChanges:
    """Notes each run once, however often it changes until it is taken."""

    def __init__(self) -> None:
        self.rollups = Rollups()
        self.epoch = 0
        self._changed: list[LiveRun] = []
        self._ended: list[LiveRun] = []
        self._rows: list[Row] = []  # of those that have ended, made while the processor still has at hand what was told of them
        self._last_id = 0
        # Rows of which no run is kept, and that more may be told of: id, when received, how counted.
        self._open: OrderedDict[str, tuple[int, int, int]] = OrderedDict()

    def know(self, rows: Iterable[tuple[str, int, int]]) -> None:
        """Rows of runs that had not ended when an observer before us wrote last: task id, the row's id, and when it was received."""
        for task_id, row, received_us in rows:
            self._keep_open(task_id, row, received_us, 0)

    def note(self, run: LiveRun) -> None:
        """It changed."""
        if not run.is_changed:
            run.is_changed = True
            self._changed.append(run)

    def ended(self, run: LiveRun) -> None:
        """It has ended: mostly nothing more will change."""
        self._ended.append(run)

    def leaves(self, run: LiveRun) -> None:
        """It will not be kept any longer, and its end was not told: what is told later belongs to the same row."""
        run.has_left = True
        self.note(run)

    def take(self) -> list[Row]:
        """The rows of the runs that were noted since; of one that was noted again after its end there are two, the newer one last."""
        self.settle()
        changed, rows, self._changed, self._rows = self._changed, self._rows, [], []
        rows += self._made(changed)
        return rows

    def settle(self) -> None:
        """Make the rows of those that have ended, to be asked now and then: then `take` has less to do at once."""
        if self._ended:
            ended, self._ended = self._ended, []
            self._rows += self._made(ended)

    def _made(self, runs: Iterable[LiveRun]) -> list[Row]:
        rows, us_of = [], _Moments()
        for run in runs:
            if not run.is_changed:
                continue
            run.is_changed = False
            if not run.row:
                run.row, run.image = self._row_id(run, us_of), None
            row = row_of(run, us_of)
            if row[3] != run.counted:
                self._count(run, row)
            if run.has_left:
                self._keep_open(run.task_id, run.row, int(row[10]), run.counted)
            rows.append(row)
        return rows

    def _count(self, run: LiveRun, row: Row) -> None:
        code = int(row[3])
        self.rollups.add(int(row[13]), (run.name or "", run.worker or "", run.queue or ""), code, run.counted, int(row[15]))
        run.counted = code

    def _row_id(self, run: LiveRun, us_of: "_Moments") -> int:
        """The row that is there already of this run, or a new one: in the order in which runs were first heard of."""
        row, received_us, counted = self._open.get(run.task_id, NOT_OPEN) if self._open else NOT_OPEN
        if row and (not received_us or run.received_at is None or abs(_us(run.received_at) - received_us) <= ROUNDED_US):
            run.counted = counted
            return row
        self._last_id = max(self._last_id + IDS_PER_US, us_of[run.first_at] * IDS_PER_US + self.epoch % IDS_PER_US)
        return self._last_id

    def _keep_open(self, task_id: str, row: int, received_us: int, counted: int) -> None:
        self._open[task_id] = row, received_us, counted
        self._open.move_to_end(task_id)
        if len(self._open) > MAX_OPEN:
            self._open.popitem(last=False)


class _Moments(dict[datetime | None, int]):
    """The same in microseconds, 0 where it is not known: the events of one batch share their time, and each is worked out once."""

    def __missing__(self, at: datetime | None) -> int:
        us = self[at] = int(at.timestamp() * US) if at else 0
        return us


def row_of(run: LiveRun, us_of: _Moments) -> Row:
    """In the order of `history.rows.COLUMNS`."""
    code = LOST if run.is_lost and run.outcome is None else CODES.get(run.outcome, GOING)
    return (
        run.row,
        key_of(run.task_id),
        run.retries,
        REFUSED if code == SUCCEEDED and run.refused_by is not None else code,
        run.name or "",
        run.worker or "",
        run.queue or "",
        run.refused_by or "",
        signature(run.error) if run.error else "",
        int(at * US) if (at := run.sent_at) else 0,
        int(at * US) if (at := run.received_at) else 0,
        int(at * US) if (at := run.started_at) else 0,
        int(at * US) if (at := run.ended_at) else 0,
        us_of[run.heard_at],
        us_of[run.refused_at],
        -1 if run.runtime is None else int(run.runtime * US),
        run.pid or 0,
        run.parent_pid or 0,
        int(run.redelivered),
        run.task_id,
        (run.eta or "")[:MAX_TIME],
        (run.expires or "")[:MAX_TIME],
        (run.origin or "")[:MAX_OTHER],
        (run.parent_id or "")[:MAX_OTHER],
        (run.root_id or "")[:MAX_OTHER],
        run.args or "",
        run.kwargs or "",
        run.result or "",
        run.error or "",
        run.traceback_end or "",
        run.refused_lock_id or "",
    )


def signature(error: str) -> str:
    """What errors of one kind have in common: no numbers, no addresses."""
    return _CHANGING.sub("#", error[: 2 * MAX_SIGNATURE])[:MAX_SIGNATURE]


def _us(seconds: float | None) -> int:
    return int(seconds * US) if seconds else 0
