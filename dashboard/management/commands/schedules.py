"""`manage.py schedules`: what is sent again and again, in a terminal or as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from dashboard.api.schedule_rows import schedule_row, schedule_sources_away, schedules_answer
from dashboard.conf import policy
from dashboard.judge.schedules import judge_schedules, matches_schedule
from dashboard.management.lists import ListCommand, printed
from dashboard.records import Snapshot
from dashboard.words import visible
from dashboard.words.schedules import state_word

COLOURS = {"missed": "red", "late": "yellow", "problem": "red", "never-seen": "dim", "untold": "dim", "waiting": "dim", "disabled": "dim"}


class Command(ListCommand):
    help = (
        "List the schedules, overdue ones first: when each was sent, when it is next, what is late, and which beat is silent. "
        "Where no observer runs, one look is taken: it gives what is written down, and cannot tell what was sent. Exit status: 0 done, 2 usage, "
        "3 a source does not answer."
    )
    noun = "schedules"
    fields = 'state, task, queue, origin, source, warning ("state:late")'

    def answer(self, known: Snapshot, q: str, now: datetime) -> tuple[dict[str, Any], int]:
        judged = judge_schedules(known, now, policy())
        rows = [schedule_row(one, now, payloads=True, unredacted=False) for one in judged if matches_schedule(one, q)]
        return schedules_answer(known, judged, rows, now), len(judged)

    def away(self, names: Iterable[str]) -> list[str]:
        return schedule_sources_away(names)

    def as_text(self, answer: Mapping[str, Any], *, total: int, is_whole: bool) -> str:
        silent = [
            f"beat: {visible(beat['name'])} has sent nothing since {beat['last_sent_at'] or '?'}; {beat['overdue']} overdue" for beat in answer["silent_beats"]
        ]
        return "\n".join([*silent, as_table(answer["schedules"], known=total, is_whole=is_whole)])


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
    return printed(table)


def _nothing(known: int, *, is_whole: bool) -> str:
    if known:
        return f"No schedule matches the filter; {known} {'is' if known == 1 else 'are'} known."
    return "No schedule is known." if is_whole else "No schedule was found where we could look; not every source answered."


def _clock(at: str | None) -> str:
    return at.replace("T", " ").partition(".")[0] + "Z" if at else "?"
