"""`manage.py tasks`: every task name in a terminal, or as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from dashboard.api.task_rows import task_row, task_sources_away, tasks_answer
from dashboard.api.tasks import judged_tasks
from dashboard.judge.task_filter import matches_task
from dashboard.management.lists import ListCommand, printed
from dashboard.records import Snapshot
from dashboard.words import visible


class Command(ListCommand):
    help = (
        "List the names of tasks, those with a warning first: where each is registered, what its runs do, and when one last really worked. "
        "Where no observer runs, one look is taken, which counts no runs. Exit status: 0 done, 2 usage, 3 the broker or the workers do not answer."
    )
    noun = "tasks"
    fields = 'task, queue, worker, state, lock ("state:unknown")'

    def answer(self, known: Snapshot, q: str, now: datetime) -> tuple[dict[str, Any], int]:
        judged = judged_tasks(known, now)
        return tasks_answer(known, [task_row(one, now) for one in judged if matches_task(one, q)], now), len(judged)

    def away(self, names: Iterable[str]) -> list[str]:
        return task_sources_away(names)

    def as_text(self, answer: Mapping[str, Any], *, total: int, is_whole: bool) -> str:
        return as_table(answer["tasks"], is_whole=is_whole)


def as_table(rows: Sequence[Mapping[str, Any]], *, is_whole: bool) -> str:
    """The rows for people; no rows mean that there is no task only where broker and workers answered."""
    if not rows:
        return "No task is known." if is_whole else "Nothing is known of tasks: not every source answered."
    table = Table("task", "workers", "active", "per min", "failed/h", "refused/h", "last worked", "queues", "what is wrong", box=None, pad_edge=False)
    for row in rows:
        counts = (_number(row[name]) for name in ("active", "per_minute", "failed_last_hour", "refused_last_hour"))
        worked = row["last_worked"]["at"][:19].replace("T", " ") if row["last_worked"] else ""
        queues = " ".join(visible(queue) for queue in row["queues"])
        table.add_row(*(Text(text) for text in (visible(row["name"]), _workers(row), *counts, worked, queues, "; ".join(row["warnings"]))))
    return printed(table)


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def _workers(row: Mapping[str, Any]) -> str:
    known, all_ = len(row["registered_on"]), len(row["registered_on"]) + len(row["not_registered_on"]) + len(row["not_told_by"])
    return f"{known} of {all_}" if all_ > len(row["not_told_by"]) else "?"
