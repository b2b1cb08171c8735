"""`manage.py queues`: the queues in a terminal, or as JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dashboard.api.queue_rows import queue_row, queue_sources_away, queues_answer
from dashboard.conf import policy
from dashboard.judge.queue_filter import matches_queue
from dashboard.judge.queue_why import judge_queues
from dashboard.management.commands.locks import UNAVAILABLE, WIDTH, newest_or_survey
from dashboard.words import visible


class Command(BaseCommand):
    help = (
        "List the queues, those with a warning first: what waits, who reads them, how fast, and why they grow. "
        "Where no observer runs, one look is taken, which cannot tell rates. Exit status: 0 done, 2 usage, 3 the broker does not answer."
    )
    requires_system_checks: list[str] = []  # it reads before `migrate` and without a secret key, too

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object, the same as GET /api/v1/queues")
        parser.add_argument("--q", default="", help='filter: free words, and field:value for queue, task, worker, warning ("warning:no_reader")')

    def handle(self, *args: Any, **options: Any) -> None:
        known = newest_or_survey()
        now = datetime.now(UTC)
        rows = [queue_row(one, now) for one in judge_queues(known, now, policy()) if matches_queue(one, options["q"])]
        answer = queues_answer(known, rows, now)
        away = queue_sources_away(answer["unavailable"])
        self.stdout.write(json.dumps(answer, indent=1) if options["json"] else as_table(answer["queues"], is_whole=not away))
        for source, reason in answer["unavailable"].items():
            self.stderr.write(f"{source}: {visible(reason)}")
        if away:
            sys.exit(UNAVAILABLE)


def as_table(rows: Sequence[Mapping[str, Any]], *, is_whole: bool) -> str:
    """The rows for people; no rows mean that there is no queue only where the broker answered."""
    if not rows:
        return "No queue is known." if is_whole else "Nothing is known of queues: the broker did not answer."
    table = Table("queue", "ready", "unacked", "eta", "in/s", "out/s", "oldest", "read by", "why", box=None, pad_edge=False)
    for row in rows:
        counts = (_number(row[name]) for name in ("ready", "unacked", "eta", "in_per_s", "out_per_s"))
        said = [row["why"], *row["warnings"]]
        table.add_row(*(Text(text) for text in (visible(row["name"]), *counts, _oldest(row), _readers(row), "; ".join(said))))
    console = Console(width=None if sys.stdout.isatty() else WIDTH, force_terminal=sys.stdout.isatty())
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip("\n")


def _number(value: float | None) -> str:
    return "?" if value is None else str(value)


def _oldest(row: Mapping[str, Any]) -> str:
    if row["oldest_age_ms"] is None:
        return "?" if row["ready"] else ""
    return f"{'>= ' if row['oldest_age_is_minimum'] else ''}{row['oldest_age_ms'] / 1000:.0f} s"


def _readers(row: Mapping[str, Any]) -> str:
    if row["consumers"] is None:
        return "?"
    return " ".join(visible(name) for name in row["consumers"]) or "nobody"
