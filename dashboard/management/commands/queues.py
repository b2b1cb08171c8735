"""`manage.py queues`: the queues in a terminal, or as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from dashboard.api.queue_rows import queue_row, queue_sources_away, queues_answer
from dashboard.conf import policy
from dashboard.judge.queue_filter import matches_queue
from dashboard.judge.queue_why import judge_queues
from dashboard.management.lists import ListCommand, printed, span_at_least
from dashboard.records import Snapshot
from dashboard.words import visible


class Command(ListCommand):
    help = (
        "List the queues, those with a warning first: what waits, who reads them, how fast, and why they grow. "
        "Where no observer runs, one look is taken, which cannot tell rates. Exit status: 0 done, 2 usage, 3 the broker does not answer."
    )
    noun = "queues"
    fields = 'queue, task, worker, warning ("warning:no_reader")'

    def answer(self, known: Snapshot, q: str, now: datetime) -> tuple[dict[str, Any], int]:
        judged = judge_queues(known, now, policy())
        return queues_answer(known, [queue_row(one, now) for one in judged if matches_queue(one, q)], now), len(judged)

    def away(self, names: Iterable[str]) -> list[str]:
        return queue_sources_away(names)

    def as_text(self, answer: Mapping[str, Any], *, total: int, is_whole: bool) -> str:
        return as_table(answer["queues"], is_whole=is_whole)


def as_table(rows: Sequence[Mapping[str, Any]], *, is_whole: bool) -> str:
    """The rows for people; no rows mean that there is no queue only where the broker answered."""
    if not rows:
        return "No queue is known." if is_whole else "Nothing is known of queues: the broker did not answer."
    table = Table("queue", "ready", "unacked", "eta", "in/s", "out/s", "oldest", "read by", "why", box=None, pad_edge=False)
    for row in rows:
        counts = (_number(row[name]) for name in ("ready", "unacked", "eta", "in_per_s", "out_per_s"))
        said = [row["why"], *row["warnings"]]
        table.add_row(*(Text(text) for text in (visible(row["name"]), *counts, _oldest(row), _readers(row), "; ".join(said))))
    return printed(table)


def _number(value: float | None) -> str:
    return "?" if value is None else str(value)


def _oldest(row: Mapping[str, Any]) -> str:
    if row["oldest_age_ms"] is None:
        return "?" if row["ready"] else ""
    return f"{'>= ' if row['oldest_age_is_minimum'] else ''}{span_at_least(row['oldest_age_ms'])}"


def _readers(row: Mapping[str, Any]) -> str:
    if row["consumers"] is None:
        return "?"
    return " ".join(visible(name) for name in row["consumers"]) or "nobody"
