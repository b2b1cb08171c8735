"""`manage.py results`: what tasks left in the caches, in a terminal or as JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dashboard.api.result_rows import result_row, result_sources_away, results_answer
from dashboard.conf import policy
from dashboard.judge.results import judge_results, matches_result
from dashboard.management.commands.locks import UNAVAILABLE, WIDTH, newest_or_survey
from dashboard.words import visible
from dashboard.words.results import size, state_word

COLOURS = {"never-expires": "yellow", "retrieving": "cyan", "expired": "dim", "deleted": "dim", "awaited": "dim"}


class Command(BaseCommand):
    help = (
        "List the results of tasks in the caches and in the result backend, those that never expire first. "
        "Where no observer runs, one look is taken, which cannot tell what expired. Exit status: 0 done, 2 usage, 3 a place does not answer."
    )
    requires_system_checks: list[str] = []  # it reads before `migrate` and without a secret key, too

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object, the same as GET /api/v1/results")
        parser.add_argument("--q", default="", help='filter: free words, and field:value for state, task, cache, pattern ("state:never-expires")')

    def handle(self, *args: Any, **options: Any) -> None:
        known = newest_or_survey()
        now = datetime.now(UTC)
        rows = [result_row(one, now) for one in judge_results(known, policy()) if matches_result(one, options["q"])]
        answer = results_answer(known, rows, now)
        away = result_sources_away(answer["unavailable"])
        self.stdout.write(json.dumps(answer, indent=1) if options["json"] else as_table(answer["results"], is_whole=not away))
        for source, reason in answer["unavailable"].items():
            self.stderr.write(f"{source}: {visible(reason)}")
        if away:
            sys.exit(UNAVAILABLE)


def as_table(rows: Sequence[Mapping[str, Any]], *, is_whole: bool) -> str:
    """The rows for people; no rows mean that there is no result only where every place answered."""
    if not rows:
        return "No result is known." if is_whole else "No result was found where we could look; not every place answered."
    table = Table("state", "cache", "name", "left", "size", "written by", "id", box=None, pad_edge=False)
    for row in rows:
        word = Text(row["stored_state"] or state_word(row["state"]), COLOURS.get(row["state"], ""))
        bytes_ = size(row["bytes"]) if row["bytes"] is not None else ""
        table.add_row(word, *(Text(text) for text in (row["cache"], visible(row["name"]), _left(row), bytes_, visible(row["task"] or "?"), row["id"])))
    console = Console(width=None if sys.stdout.isatty() else WIDTH, force_terminal=sys.stdout.isatty())
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip("\n")


def _left(row: Mapping[str, Any]) -> str:
    if row["never_expires"]:
        return "never expires"
    return f"{row['ttl_ms'] / 1000:.0f} s" if row["ttl_ms"] is not None else ""
