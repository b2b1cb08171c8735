"""`manage.py schedules`: what is sent again and again, in a terminal or as JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dashboard.api.schedule_rows import schedule_row, schedule_sources_away, schedules_answer
from dashboard.conf import policy
from dashboard.judge.schedules import judge_schedules, matches_schedule
from dashboard.management.commands.locks import UNAVAILABLE, WIDTH, newest_or_survey
from dashboard.words import visible
from dashboard.words.schedules import state_word

COLOURS = {"missed": "red", "late": "yellow", "problem": "red", "never-seen": "dim", "untold": "dim", "waiting": "dim", "disabled": "dim"}


class Command(BaseCommand):
    help = (
        "List the schedules, overdue ones first: when each was sent, when it is next, what is late, and which beat is silent. "
        "Where no observer runs, one look is taken: it gives what is written down, and cannot tell what was sent. Exit status: 0 done, 2 usage, "
        "3 a source does not answer."
    )
    requires_system_checks: list[str] = []  # it reads before `migrate` and without a secret key, too

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object, the same as GET /api/v1/schedules")
        parser.add_argument("--q", default="", help='filter: free words, and field:value for state, task, queue, origin, source, warning ("state:late")')

    def handle(self, *args: Any, **options: Any) -> None:
        known = newest_or_survey()
        now = datetime.now(UTC)
        judged = judge_schedules(known, now, policy())
        rows = [schedule_row(one, now, payloads=True, unredacted=False) for one in judged if matches_schedule(one, options["q"])]
        answer = schedules_answer(known, judged, rows, now)
        away = schedule_sources_away(answer["unavailable"])
        self.stdout.write(json.dumps(answer, indent=1) if options["json"] else as_text(answer, known=len(judged), is_whole=not away))
        for source, reason in answer["unavailable"].items():
            self.stderr.write(f"{source}: {visible(reason)}")
        if away:
            sys.exit(UNAVAILABLE)


def as_text(answer: Mapping[str, Any], *, known: int, is_whole: bool) -> str:
    """The silent beats, then the rows."""
    silent = [
        f"beat: {visible(beat['name'])} has sent nothing since {beat['last_sent_at'] or '?'}; {beat['overdue']} overdue" for beat in answer["silent_beats"]
    ]
    return "\n".join([*silent, as_table(answer["schedules"], known=known, is_whole=is_whole)])


def as_table(rows: Sequence[Mapping[str, Any]], *, known: int, is_whole: bool) -> str:
    """The rows for people; no rows mean that there is no schedule only where nothing was filtered out and every source answered."""
    if not rows:
        return _nothing(known, is_whole=is_whole)
    table = Table("state", "name", "task", "when", "queue", "last sent", "next", "why", box=None, pad_edge=False)
    for row in rows:
        word = Text(state_word(row["state"], row["missed"]), COLOURS.get(row["state"], ""))
        named = (visible(row[name] or "?") for name in ("name", "task", "schedule", "queue"))
        said = [row["why"], *row["warnings"]]
        table.add_row(word, *(Text(text) for text in (*named, _clock(row["last_sent_at"]), _clock(row["next_at"]), "; ".join(said))))
    console = Console(width=None if sys.stdout.isatty() else WIDTH, force_terminal=sys.stdout.isatty())
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip("\n")


def _nothing(known: int, *, is_whole: bool) -> str:
    if known:
        return f"No schedule matches the filter; {known} {'is' if known == 1 else 'are'} known."
    return "No schedule is known." if is_whole else "No schedule was found where we could look; not every source answered."


def _clock(at: str | None) -> str:
    return at.replace("T", " ").partition(".")[0] + "Z" if at else "?"
