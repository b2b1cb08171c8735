"""Which row of the history of runs each event of a lock belongs to: of several tries of one task id, the one that the lock was taken by. No I/O, no clock."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from dashboard.history.lock_rows import COLUMNS
from dashboard.history.rows import IDS_PER_US, US, Row
from dashboard.observer.known_runs import KnownRuns
from dashboard.observer.live_run import LiveRun

MAX_LATER = 5000  # events whose run is not heard of yet, or not yet going to be written
MAX_TOKENS = 20_000
TRIES = 10  # times that events are taken: five seconds
TASK_ID, TOKEN, RUN = COLUMNS.index("task_id"), COLUMNS.index("token"), COLUMNS.index("run")


class LockRunRows:
    """Fills in the run of each event that is going to be written, once it is known, for as long as that may take."""

    def __init__(self, runs: KnownRuns) -> None:
        self._runs = runs
        self._of_token: dict[tuple[object, object], int] = {}  # lock and token -> the run's row
        self._later: dict[int, tuple[Row, int]] = {}  # by the event's id: it, and how often its run was looked for

    def filled(self, rows: Sequence[Row]) -> list[Row]:
        """These events with their runs, and earlier ones whose runs are known by now."""
        anew = {int(row[0]) for row in rows}
        waiting = [(row, tries) for event, (row, tries) in self._later.items() if event not in anew]
        self._later = {}
        before = self._before() if rows or waiting else {}
        found = [self._with_run(row, 0, before) for row in rows]
        return found + [row for old, tries in waiting if (row := self._with_run(old, tries, before))[RUN]]

    def _before(self) -> dict[str, list[LiveRun]]:
        tries: dict[str, list[LiveRun]] = defaultdict(list)
        for run in self._runs.before.values():
            tries[run.task_id].append(run)
        return tries

    def _with_run(self, row: Row, tries: int, before: dict[str, list[LiveRun]]) -> Row:
        task_id, key = str(row[TASK_ID]), (row[1], row[TOKEN])
        if not task_id:
            return row
        number = self._of_token.get(key) or self._row_of(task_id, int(row[0]) // IDS_PER_US, before.get(task_id, []))
        if not number:
            if tries < TRIES and len(self._later) < MAX_LATER:
                self._later[int(row[0])] = row, tries + 1
            return row
        if row[TOKEN]:
            self._remember(key, number)
        return (*row[:RUN], number, *row[RUN + 1 :])

    def _row_of(self, task_id: str, us: int, before: Sequence[LiveRun]) -> int:
        """Of the try that was the latest when the event was told; of the first one where none had been heard of."""
        latest = self._runs.get(task_id)
        known = [run for run in (*before, latest) if run is not None and run.first_at is not None]
        heard = [run for run in known if _us(run.first_at) <= us]
        run = max(heard, key=lambda run: _us(run.first_at)) if heard else min(known, key=lambda run: _us(run.first_at), default=None)
        return run.row if run is not None else 0

    def _remember(self, key: tuple[object, object], number: int) -> None:
        self._of_token.pop(key, None)
        if len(self._of_token) >= MAX_TOKENS:
            del self._of_token[next(iter(self._of_token))]
        self._of_token[key] = number


def _us(at: datetime | None) -> int:
    return int(at.timestamp() * US) if at is not None else 0
