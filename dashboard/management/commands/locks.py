"""`manage.py locks`: the held locks in a terminal, or as JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from dashboard import snapshot as snapshots
from dashboard.api.rows import is_stale, lock_row, lock_sources_away, locks_answer
from dashboard.conf import policy
from dashboard.judge import assess
from dashboard.judge.filtering import matches
from dashboard.observer.survey import survey
from dashboard.records import JudgedLock, Snapshot
from dashboard.words import verdict, visible

UNAVAILABLE = 3
WIDTH = 200  # where the output is no terminal, so that nothing is cut
COLOURS = {"overlapping": "bold red", "orphaned": "bold red", "overrun": "red", "expiring": "yellow", "never-expires": "yellow", "unknown": "dim"}


class Command(BaseCommand):
    help = (
        "List the held locks, most urgent first: who holds each, for how long, and whether its holder lives. "
        "Where no observer runs, one look is taken. Exit status: 0 done, 2 usage, 3 a place where locks are does not answer."
    )
    requires_system_checks: list[str] = []  # it reads before `migrate` and without a secret key, too

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object, the same as GET /api/v1/locks")
        parser.add_argument("--q", default="", help='filter: free words, and field:value for verdict, task, worker, cache, holder ("verdict:orphaned")')

    def handle(self, *args: Any, **options: Any) -> None:
        known = newest_or_survey()
        now = datetime.now(UTC)
        judged = assess(known, now, policy())
        rows = [lock_row(one, now) for one in judged if matches(one, options["q"])]
        answer = locks_answer(known, rows, now)
        away = lock_sources_away(answer["unavailable"])
        self.stdout.write(json.dumps(answer, indent=1) if options["json"] else as_table(answer["locks"], held=_held(judged), is_whole=not away))
        for source, reason in answer["unavailable"].items():
            self.stderr.write(f"{source}: {visible(reason)}")
        if away:
            sys.exit(UNAVAILABLE)


def newest_or_survey() -> Snapshot:
    """What an observer knows; where none runs, one look of our own."""
    known = snapshots.newest()
    return survey() if is_stale(known, datetime.now(UTC)) else known


def as_table(rows: Sequence[Mapping[str, Any]], *, held: int, is_whole: bool) -> str:
    """The rows for people; no rows mean that no lock is held only where nothing was filtered out and every place answered."""
    if not rows:
        return _nothing(held, is_whole=is_whole)
    whole = [Column(name, no_wrap=True, overflow="fold") for name in ("id", "digest")]  # they are copied: a narrow terminal cuts the others
    table = Table("verdict", "cache", "name", "left", "holder", *whole, box=None, pad_edge=False)
    for row in rows:
        word = Text(verdict(row["verdict"]), COLOURS.get(row["verdict"], ""))
        table.add_row(word, *(Text(text) for text in (row["cache"], visible(row["name"]), _left(row), _holder(row), row["id"], row["token_digest"])))
    console = Console(width=None if sys.stdout.isatty() else WIDTH, force_terminal=sys.stdout.isatty())
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip("\n")


def _held(judged: Sequence[JudgedLock]) -> int:
    return sum(1 for one in judged if one.lock.lapsed_at is None)


def _nothing(held: int, *, is_whole: bool) -> str:
    if not is_whole:
        return "No lock was found where we could look; not every place answered."
    return f"No lock matches the filter; {held} {'is' if held == 1 else 'are'} held." if held else "No lock is held."


def _left(row: Mapping[str, Any]) -> str:
    if row["lapsed_at"]:
        return "expired"
    return "never expires" if row["ttl_ms"] is None else f"{row['ttl_ms'] / 1000:.0f} s"


def _holder(row: Mapping[str, Any]) -> str:
    holder = row["holder"]
    said = " ".join(visible(str(holder[part])) for part in ("task_name", "worker") if holder[part])
    return f"{holder['certainty']} {said}".strip()
