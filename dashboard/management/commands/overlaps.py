"""`manage.py overlaps`: pairs of runs that a lock should have kept apart, in a terminal or as JSON."""

import json
import sys
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.table import Table
from rich.text import Text

from dashboard import snapshot as snapshots
from dashboard.api.lock_history import overlap_row, seen_active
from dashboard.api.rows import notes_of, rfc3339
from dashboard.history.overlaps import MAX_EACH, Overlaps, overlaps
from dashboard.history.problems import AWAY, reason_of
from dashboard.management.lists import UNAVAILABLE, beside, printed
from dashboard.words import visible
from dashboard.words.history import cut_sentence


class Command(BaseCommand):
    help = (
        "List the latest pairs of runs of one lock name that were active together, out of the history; secrets in their arguments are hidden. "
        "Exit status: 0 done, 2 usage, 3 the history cannot be read."
    )
    requires_system_checks: list[str] = []  # it reads without a secret key, too

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object, the same as GET /api/v1/overlaps")

    def handle(self, *args: Any, **options: Any) -> None:
        found, problem = Overlaps((), 0), ""
        try:
            found = overlaps()
        except AWAY as error:
            problem = reason_of(error)
        now = datetime.now(UTC)
        active = seen_active(found.overlaps, now)
        rows = [overlap_row(one, payloads=True, active=active) for one in found.overlaps]
        counts = {"unnamed": None if problem else found.unnamed, "cut": None if problem else found.cut}
        known = {"as_of": rfc3339(now), "unavailable": {"history": problem} if problem else {}, "notes": notes_of(snapshots.newest())}
        answer = {"overlaps": rows, **counts, **known}
        self.stdout.write(json.dumps(answer, indent=1) if options["json"] else _as_text(rows, problem, now))
        if found.cut and not options["json"]:
            self.stdout.write(cut_sentence(found.cut, MAX_EACH))
        self.stderr.write("".join(beside(answer)), ending="")
        if problem:
            sys.exit(UNAVAILABLE)


def _as_text(rows: list[dict[str, Any]], problem: str, now: datetime) -> str:
    if not rows:
        return "" if problem else "No overlap is known."
    table = Table("since", "together", "lock", "left by", "first run", "second run", box=None)
    for row in rows:
        runs = [f"{row[f'{which}_task'] or '?'} {row[f'{which}_task_id'] or '?'}" for which in ("first", "second")]
        together = _together(row, now)
        left_by = f"{row['why']} by {row['by']}" if row["by"] else row["why"]
        table.add_row(*(Text(visible(cell)) for cell in (row["from"], together, row["name"], left_by, *runs)))
    return printed(table)


def _together(row: dict[str, Any], now: datetime) -> str:
    if row["still_together"]:
        return f"still, {(now - datetime.fromisoformat(row['from'])).total_seconds():.0f} s"
    return "?" if row["together_ms"] is None else f"{row['together_ms'] / 1000:.1f} s"
