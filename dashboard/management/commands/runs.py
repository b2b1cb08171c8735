"""`manage.py runs`: the runs in a terminal, or as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from rich.table import Column, Table
from rich.text import Text

from dashboard.api.run_list import ended, going
from dashboard.api.run_rows import run_row, run_sources_away, runs_answer
from dashboard.conf import policy
from dashboard.judge import assess
from dashboard.judge.run_filter import absolute
from dashboard.judge.runs import judge_runs
from dashboard.management.lists import USAGE, ListCommand, printed, span
from dashboard.records import Snapshot
from dashboard.words import visible
from dashboard.words.run_filter import wrong_filter
from dashboard.words.runs import TIES, state_word

MAX_ENDED = 1000
COLOURS = {"lost": "bold red", "failed": "red", "refused": "magenta", "retried": "yellow", "unknown": "dim", "active": "green"}


class Command(ListCommand):
    help = (
        "List the runs, those that go on first, then the 1,000 that ended last; secrets in their arguments are hidden. "
        "Where no observer runs, one look is taken, which sees the active ones alone. "
        "Exit status: 0 done, 2 usage, 3 the workers or their events cannot be followed."
    )
    noun = "runs"
    fields = 'task, worker, queue, state, lock, id, since, until ("state:failed since:2026-11-25T10:00", since:10m)'

    def answer(self, known: Snapshot, q: str, now: datetime) -> tuple[dict[str, Any], int]:
        if said := wrong_filter(q := absolute(q, now)):
            raise CommandError(said, returncode=USAGE)
        judged = judge_runs(known, assess(known, now, policy()), now, policy())
        past = ended(known, judged, q, limit=MAX_ENDED)
        rows = [run_row(one, now, payloads=True) for one in (*going(judged, q), *past.runs)]
        answer = runs_answer(known, rows, now, q)
        if past.problem:
            answer["unavailable"] = {**answer["unavailable"], "history": past.problem}
        return answer, len(judged)

    def away(self, names: Iterable[str]) -> list[str]:
        return run_sources_away(names)

    def as_text(self, answer: Mapping[str, Any], *, total: int, is_whole: bool) -> str:
        return " ".join(filter(None, (as_table(answer["runs"], total=total, is_whole=is_whole), answer["note"])))


def as_table(rows: Sequence[Mapping[str, Any]], *, total: int, is_whole: bool) -> str:
    """The rows for people; no rows mean that there is no run only where nothing was filtered out and everybody answered."""
    if not rows:
        return f"No run matches the filter; {total} are known." if total else "No run is known." if is_whole else "Nothing is known of runs: see below."
    whole = Column("task id", no_wrap=True, overflow="fold")  # it is copied: a narrow terminal cuts the others
    table = Table("state", "task", whole, "started", "runtime", "worker", "queue", "lock", box=None, pad_edge=False)
    for row in rows:
        texts = (visible(row["task"] or "?"), visible(row["task_id"]), row["started_at"] or "", _runtime(row), visible(row["worker"] or ""))
        table.add_row(Text(state_word(row["state"]), COLOURS.get(row["state"], "")), *map(Text, texts), Text(visible(row["queue"] or "?")), Text(_locks(row)))
    return printed(table)


def _runtime(row: Mapping[str, Any]) -> str:
    return span(row["runtime_ms"]) if row["runtime_ms"] is not None else ""


def _locks(row: Mapping[str, Any]) -> str:
    held = [f"{TIES[lock['tie']]} {visible(lock['name'])}" for lock in row["locks"]]
    return ", ".join(held) or (f"refused by {visible(row['refused_by'])}" if row["refused_by"] else "")
