"""`manage.py tasks`: every task name in a terminal, or as JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dashboard.api.task_rows import task_row, task_sources_away, tasks_answer
from dashboard.api.tasks import judged_tasks
from dashboard.judge.task_filter import matches_task
from dashboard.management.commands.locks import UNAVAILABLE, WIDTH, newest_or_survey
from dashboard.words import visible


class Command(BaseCommand):
    help = (
        "List the names of tasks, those with a warning first: where each is registered, what its runs do, and when one last really worked. "
        "Where no observer runs, one look is taken, which counts no runs. Exit status: 0 done, 2 usage, 3 the broker or the workers do not answer."
    )
    requires_system_checks: list[str] = []  # it reads before `migrate` and without a secret key, too

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object, the same as GET /api/v1/tasks")
        parser.add_argument("--q", default="", help='filter: free words, and field:value for task, queue, worker, state, lock ("state:unknown")')

    def handle(self, *args: Any, **options: Any) -> None:
        known = newest_or_survey()
        now = datetime.now(UTC)
        rows = [task_row(one, now) for one in judged_tasks(known, now) if matches_task(one, options["q"])]
        answer = tasks_answer(known, rows, now)
        away = task_sources_away(answer["unavailable"])
        self.stdout.write(json.dumps(answer, indent=1) if options["json"] else as_table(answer["tasks"], is_whole=not away))
        for source, reason in answer["unavailable"].items():
            self.stderr.write(f"{source}: {visible(reason)}")
        if away:
            sys.exit(UNAVAILABLE)


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
    console = Console(width=None if sys.stdout.isatty() else WIDTH, force_terminal=sys.stdout.isatty())
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip("\n")


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def _workers(row: Mapping[str, Any]) -> str:
    known, all_ = len(row["registered_on"]), len(row["registered_on"]) + len(row["not_registered_on"]) + len(row["not_told_by"])
    return f"{known} of {all_}" if all_ > len(row["not_told_by"]) else "?"
