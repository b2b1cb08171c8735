"""`manage.py locks`: the held locks in a terminal, or as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from rich.table import Column, Table
from rich.text import Text

from dashboard.api.rows import lock_row, lock_sources_away, locks_answer
from dashboard.conf import policy
from dashboard.judge import assess
from dashboard.judge.filtering import matches
from dashboard.management.lists import USAGE, ListCommand, printed, span_at_least
from dashboard.records import Search, Snapshot
from dashboard.words import still_searched, verdict, visible
from dashboard.words.lock_filter import wrong_lock_filter

COLOURS = {"overlapping": "bold red", "orphaned": "bold red", "overrun": "red", "expiring": "yellow", "never-expires": "yellow", "unknown": "dim"}


class Command(ListCommand):
    help = (
        "List the held locks, most urgent first: who holds each, for how long, and whether its holder lives. "
        "Where no observer runs, one look is taken. Exit status: 0 done, 2 usage, 3 a place where locks are does not answer."
    )
    noun = "locks"
    fields = 'verdict, task, worker, cache, holder ("verdict:orphaned")'

    def answer(self, known: Snapshot, q: str, now: datetime) -> tuple[dict[str, Any], int]:
        if said := wrong_lock_filter(q):
            raise CommandError(said, returncode=USAGE)
        judged = assess(known, now, policy())
        rows = [lock_row(one, now) for one in judged if matches(one, q)]
        return locks_answer(known, rows, now, q), sum(1 for one in judged if one.lock.lapsed_at is None and one.lock.is_lock)

    def away(self, names: Iterable[str]) -> list[str]:
        return lock_sources_away(names)

    def as_text(self, answer: Mapping[str, Any], *, total: int, is_whole: bool) -> str:
        searched = [f"{still_searched(name, Search(**far))}: a lock that is not listed yet may be held." for name, far in answer["searched"].items()]
        return "\n".join([as_table(answer["locks"], held=total, is_whole=is_whole and not searched), *searched, *filter(None, [answer["note"]])])


def as_table(rows: Sequence[Mapping[str, Any]], *, held: int, is_whole: bool) -> str:
    """The rows for people; no rows mean that no lock is held only where nothing was filtered out and every place answered."""
    if not rows:
        return _nothing(held, is_whole=is_whole)
    whole = [Column(name, no_wrap=True, overflow="fold") for name in ("id", "digest")]  # they are copied: a narrow terminal cuts the others
    table = Table("verdict", "cache", "name", "left", "holder", *whole, box=None, pad_edge=False)
    for row in rows:
        word = Text(verdict(row["verdict"]), COLOURS.get(row["verdict"], ""))
        table.add_row(word, *(Text(text) for text in (row["cache"], _name(row), _left(row), _holder(row), row["id"], row["token_digest"])))
    return printed(table)


def _nothing(held: int, *, is_whole: bool) -> str:
    if not is_whole:
        return "No lock was found where we could look."
    return f"No lock matches the filter; {held} {'is' if held == 1 else 'are'} held." if held else "No lock is held."


def _name(row: Mapping[str, Any]) -> str:
    """The name, and what people call it."""
    return visible(row["name"]) + (f" ({visible(row['label'])})" if row["label"] else "")


def _left(row: Mapping[str, Any]) -> str:
    if row["lapsed_at"]:
        return "expired" if "lapsed" in row["evidence_codes"] else "gone"
    return "never expires" if row["ttl_ms"] is None else span_at_least(row["ttl_ms"])


def _holder(row: Mapping[str, Any]) -> str:
    holder = row["holder"]
    if row["dialect"] == "not-a-lock":
        return "nobody: it is no lock"
    if holder["host"] and not holder["worker"] and not holder["task_id"]:
        return f"{holder['certainty']} outside any task, pid {holder['pid']} on {visible(holder['host'])}"
    said = " ".join(visible(str(holder[part])) for part in ("task_name", "worker") if holder[part])
    return f"{holder['certainty']} {said}".strip()
