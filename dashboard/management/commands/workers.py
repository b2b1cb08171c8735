"""`manage.py workers`: the workers in a terminal, or as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from dashboard.api.worker_rows import worker_row, worker_sources_away, workers_answer
from dashboard.conf import policy
from dashboard.judge import assess
from dashboard.judge.runs import judge_runs
from dashboard.judge.workers import judge_workers, matches_worker
from dashboard.management.lists import ListCommand, printed
from dashboard.records import Snapshot
from dashboard.words import visible
from dashboard.words.workers import worker_state_word

COLOURS = {"gone": "bold red", "silent": "yellow", "leaving": "yellow", "unknown": "dim", "stopped": "dim", "online": "green"}


class Command(ListCommand):
    help = (
        "List the workers, those that are gone or silent first: pool, busy processes, messages fetched, queues, and what is odd about each. "
        "Where no observer runs, one look is taken, which sees only those that answer. Exit status: 0 done, 2 usage, 3 the workers cannot be asked."
    )
    noun = "workers"
    fields = 'worker, state, queue, task, pool, warning ("state:gone")'

    def answer(self, known: Snapshot, q: str, now: datetime) -> tuple[dict[str, Any], int]:
        judged = judge_workers(known, judge_runs(known, assess(known, now, policy()), now, policy()), now, policy())
        return workers_answer(known, [worker_row(one, now) for one in judged if matches_worker(one, q)], now), len(judged)

    def away(self, names: Iterable[str]) -> list[str]:
        return worker_sources_away(names)

    def as_text(self, answer: Mapping[str, Any], *, total: int, is_whole: bool) -> str:
        return as_table(answer["workers"], total=total, is_whole=is_whole)


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
    return printed(table)


def _known(value: int | None) -> str:
    return "?" if value is None else str(value)
