"""The runs that events of locks name, out of the history."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import connections

from dashboard.history.names_read import known_names
from dashboard.history.read import run_of
from dashboard.history.rows import COLUMNS, key_of
from dashboard.history.statements import TABLE
from dashboard.records import LockMoment, Run


def run_at(moment: LockMoment, runs: Mapping[str, Sequence[Run]]) -> Run | None:
    """The execution that it was then: the latest of that id that had been heard of."""
    heard = [run for run in runs.get(moment.task_id or "", ()) if run.row <= moment.row]
    return max(heard, key=lambda run: run.row, default=None)


def told_end(run: Run) -> datetime | None:
    """When its end was told, by our clock: its worker's may be an hour off."""
    return run.heard_at if run.outcome is not None else None


def runs_under(task_ids: Collection[str], alias: str) -> Mapping[str, Sequence[Run]]:
    """Every execution under these ids."""
    found: dict[str, list[Run]] = defaultdict(list)
    keys = ", ".join(str(key_of(task_id)) for task_id in sorted(task_ids))
    if keys:
        texts = known_names(alias).texts
        with connections[alias].cursor() as cursor:
            cursor.execute(f"SELECT DISTINCT segment FROM {TABLE}")  # noqa: S608  # whole numbers, and names of our own
            segments = ", ".join(str(segment) for (segment,) in cursor.fetchall()) or "-1"
            cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM {TABLE} WHERE segment IN ({segments}) AND key IN ({keys})")  # noqa: S608  # whole numbers, and names of our own
            for row in cursor.fetchall():
                run = run_of(row, texts)
                found[run.task_id].append(run)
    return found
