"""`manage.py results`: what tasks left in the caches, in a terminal or as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from dashboard.api.result_rows import result_row, result_sources_away, results_answer
from dashboard.conf import policy
from dashboard.judge.results import judge_results, matches_result
from dashboard.management.lists import ListCommand, printed, span_at_least
from dashboard.records import Snapshot
from dashboard.words import visible
from dashboard.words.results import size, state_word

COLOURS = {"never-expires": "yellow", "retrieving": "cyan", "expired": "dim", "deleted": "dim", "awaited": "dim"}


class Command(ListCommand):
    help = (
        "List the results of tasks in the caches and in the result backend, those that never expire first. "
        "Where no observer runs, one look is taken, which cannot tell what expired. Exit status: 0 done, 2 usage, 3 a place does not answer."
    )
    noun = "results"
    fields = 'state, task, cache, pattern ("state:never-expires")'

    def answer(self, known: Snapshot, q: str, now: datetime) -> tuple[dict[str, Any], int]:
        judged = judge_results(known, policy())
        return results_answer(known, [result_row(one, now) for one in judged if matches_result(one, q)], now), len(judged)

    def away(self, names: Iterable[str]) -> list[str]:
        return result_sources_away(names)

    def as_text(self, answer: Mapping[str, Any], *, total: int, is_whole: bool) -> str:
        return as_table(answer["results"], is_whole=is_whole)


def as_table(rows: Sequence[Mapping[str, Any]], *, is_whole: bool) -> str:
    """The rows for people; no rows mean that there is no result only where every place answered."""
    if not rows:
        return "No result is known." if is_whole else "No result was found where we could look; not every place answered."
    table = Table("state", "cache", "name", "left", "size", "written by", "id", box=None, pad_edge=False)
    for row in rows:
        word = Text(row["stored_state"] or state_word(row["state"]), COLOURS.get(row["state"], ""))
        bytes_ = size(row["bytes"]) if row["bytes"] is not None else ""
        table.add_row(word, *(Text(text) for text in (row["cache"], visible(row["name"]), _left(row), bytes_, visible(row["task"] or "?"), row["id"])))
    return printed(table)


def _left(row: Mapping[str, Any]) -> str:
    if row["never_expires"]:
        return "never expires"
    return span_at_least(row["ttl_ms"]) if row["ttl_ms"] is not None else ""
