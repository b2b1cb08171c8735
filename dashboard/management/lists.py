"""What the commands that list something share: what they take, where they look, what they print, and with which status they end."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table

from dashboard import snapshot as snapshots
from dashboard.api.rows import is_stale
from dashboard.observer.survey import survey
from dashboard.records import Snapshot
from dashboard.snapshot import OWN_SOURCE
from dashboard.words import at_least, duration, source_name, visible

USAGE, UNAVAILABLE = 2, 3
WIDTH = 200  # where the output is no terminal, so that nothing is cut


class ListCommand(BaseCommand):
    """`manage.py <noun> [--json] [--q FILTER]`; a command says what its rows are, and how people read them."""

    noun: ClassVar[str]
    fields: ClassVar[str]  # those that the filter knows, with an example
    requires_system_checks: list[str] = []  # it reads before `migrate` and without a secret key, too

    def answer(self, known: Snapshot, q: str, now: datetime) -> tuple[dict[str, Any], int]:
        """What the API would give for this filter, and how many rows there are without it."""
        raise NotImplementedError

    def away(self, names: Iterable[str]) -> list[str]:
        """Of the sources that do not answer those without which the list is not whole."""
        raise NotImplementedError

    def as_text(self, answer: Mapping[str, Any], *, total: int, is_whole: bool) -> str:
        """The rows for people; no rows mean that there is nothing only where nothing was filtered out and every source answered."""
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help=f"print one JSON object, the same as GET /api/v1/{self.noun}")
        parser.add_argument("--q", default="", help=f"filter: free words, and field:value for {self.fields}")

    def handle(self, *args: Any, **options: Any) -> None:
        known = newest_or_survey()
        answer, total = self.answer(known, options["q"], datetime.now(UTC))
        away = self.away(answer["unavailable"])
        self.stdout.write(json.dumps(answer, indent=1) if options["json"] else self.as_text(answer, total=total, is_whole=not away))
        self.stderr.write("".join(beside(answer)), ending="")
        if away:
            sys.exit(UNAVAILABLE)


def beside(answer: Mapping[str, Any]) -> Iterator[str]:
    """What does not answer, and of what else not everything is seen: lines for the error output."""
    for source, reason in answer["unavailable"].items():
        yield f"{source_name(source)}: {visible(reason)}\n"
    for source, notes in answer["notes"].items():
        if source != OWN_SOURCE:  # where our own keys lie changes nothing of a list
            yield from (f"{source_name(source)}: {visible(note)}\n" for note in notes)


def newest_or_survey() -> Snapshot:
    """What an observer knows; where none runs, one look of our own."""
    known = snapshots.newest()
    return survey() if is_stale(known, datetime.now(UTC)) else known


def span(milliseconds: int) -> str:
    """A duration as the pages say it."""
    return duration(timedelta(milliseconds=milliseconds))


def span_at_least(milliseconds: int) -> str:
    """What is left of a time, or has passed at least."""
    return at_least(timedelta(milliseconds=milliseconds))


def printed(table: Table) -> str:
    """The table as lines, in colour on a terminal."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH, force_terminal=sys.stdout.isatty())
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip("\n")
