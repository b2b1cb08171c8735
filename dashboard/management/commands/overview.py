"""`manage.py overview`: how things stand, in a terminal or as JSON."""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dashboard.api.overview_rows import overview_answer
from dashboard.management.lists import UNAVAILABLE, beside, newest_or_survey
from dashboard.web.look import look

MIB = 1024 * 1024


class Command(BaseCommand):
    help = (
        "Say what needs attention, the most urgent first, how many there are of everything, and how the observer does. "
        "Where no observer runs, one look is taken. Exit status: 0 done, 2 usage, 3 something does not answer."
    )
    requires_system_checks: list[str] = []  # it reads before `migrate` and without a secret key, too

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object, the same as GET /api/v1/overview")

    def handle(self, *args: Any, **options: Any) -> None:
        answer = overview_answer(look(newest_or_survey(), datetime.now(UTC)))
        self.stdout.write(json.dumps(answer, indent=1) if options["json"] else "\n".join(lines(answer)))
        self.stderr.write("".join(beside(answer)), ending="")
        if answer["unavailable"]:
            sys.exit(UNAVAILABLE)


def lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """The overview for people; nothing needs attention only where everything answered."""
    if not answer["overview"]:
        yield "Nothing that answered needs attention." if answer["unavailable"] else "Nothing needs attention."
    for row in answer["overview"]:
        yield f"{row['word']}: {row['says']}"
        yield from (f"  {fact}" for fact in row["evidence"])
    yield ""
    yield ", ".join(f"{name} {_figure(count)}" for name, count in answer["counts"].items())
    yield from _observer(answer["observer"], answer["events"])


def _observer(said: Mapping[str, Any], events: Mapping[str, Any]) -> Iterator[str]:
    if said["leader"] is None:
        yield "no observer leads: this is one look, without history"
        return
    memory = "?" if said["rss_bytes"] is None else f"{said['rss_bytes'] / MIB:.0f} MiB"
    yield f"observer {said['leader']} since {said['since']}, {memory}"
    lag = "?" if events["lag_ms"] is None else f"{events['lag_ms']} ms"
    yield f"events {_figure(events['received'])} received, {_figure(events['dropped'])} dropped, {_figure(events['per_s'])} a second, {lag} late"


def _figure(value: float | None) -> str:
    return "?" if value is None else str(value)
