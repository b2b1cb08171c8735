"""`manage.py workers`: the workers in a terminal, or as JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dashboard.api.worker_rows import worker_row, worker_sources_away, workers_answer
from dashboard.conf import policy
from dashboard.judge import assess
from dashboard.judge.runs import judge_runs
from dashboard.judge.workers import judge_workers, matches_worker
from dashboard.management.commands.locks import UNAVAILABLE, WIDTH, newest_or_survey
from dashboard.words import visible
from dashboard.words.workers import worker_state_word

COLOURS = {"gone": "bold red", "silent": "yellow", "leaving": "yellow", "unknown": "dim", "stopped": "dim", "online": "green"}


class Command(BaseCommand):
    help = (
        "List the workers, those that are gone or silent first: pool, busy processes, messages fetched, queues, and what is odd about each. "
        "Where no observer runs, one look is taken, which sees only those that answer. Exit status: 0 done, 2 usage, 3 the workers cannot be asked."
    )
    requires_system_checks: list[str] = []  # it reads before `migrate` and without a secret key, too

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object, the same as GET /api/v1/workers")
        parser.add_argument("--q", default="", help='filter: free words, and field:value for worker, state, queue, task, pool, warning ("state:gone")')

    def handle(self, *args: Any, **options: Any) -> None:
        known = newest_or_survey()
        now = datetime.now(UTC)
        judged = judge_workers(known, judge_runs(known, assess(known, now, policy()), now, policy()), now, policy())
        rows = [worker_row(one, now) for one in judged if matches_worker(one, options["q"])]
        answer = workers_answer(known, rows, now)
        away = worker_sources_away(answer["unavailable"])
        self.stdout.write(json.dumps(answer, indent=1) if options["json"] else as_table(answer["workers"], total=len(judged), is_whole=not away))
        for source, reason in answer["unavailable"].items():
            self.stderr.write(f"{source}: {visible(reason)}")
        if away:
            sys.exit(UNAVAILABLE)


def as_table(rows: Sequence[Mapping[str, Any]], *, total: int, is_whole: bool) -> str:
    """The rows for people; no rows mean that there is no worker only where nothing was filtered out and they could be asked."""
    if not rows:
        return (
            f"No worker matches the filter; {total} are known." if total else "No worker is known." if is_whole else "Nothing is known of workers: see below."
        )
    table = Table("state", "worker", "pid", "pool", "busy", "fetched", "later", "reads", "what is odd", box=None, pad_edge=False)
    for row in rows:
        busy = f"{_known(row['busy'])} of {_known(row['concurrency'])}"
        reads = "?" if row["queues"] is None else " ".join(visible(name) for name in row["queues"]) or "nothing"
        counts = (_known(row["pid"]), visible(row["pool"] or "?"), busy, _known(row["reserved"]), _known(row["scheduled"]))
        texts = (visible(row["name"]), *counts, reads, "; ".join([*row["warnings"], *row["evidence"]]))
        table.add_row(Text(worker_state_word(row["state"]), COLOURS.get(row["state"], "")), *map(Text, texts))
    console = Console(width=None if sys.stdout.isatty() else WIDTH, force_terminal=sys.stdout.isatty())
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip("\n")


def _known(value: int | None) -> str:
    return "?" if value is None else str(value)
