"""The Schedules page: what is sent again and again, filtered and sorted by its query; when it was sent, when it is next, what is late."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.judge.schedules import JudgedSchedule, judge_schedules, matches_schedule
from dashboard.records import Snapshot
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import piece
from dashboard.web.panels.listing import MAX_ROWS, Chip, Listing, ListPanel
from dashboard.web.panels.schedule_row import render_row, schedule_row, sort_value
from dashboard.words import sentence, visible

SHOWN: Mapping[str, frozenset[str]] = {  # what a chip shows, by state
    "overdue": frozenset({"missed", "late"}),
    "on-time": frozenset({"on-time"}),
    "untold": frozenset({"untold", "never-seen", "waiting"}),
    "problem": frozenset({"problem"}),
    "off": frozenset({"done", "ended", "disabled"}),
}
WARNINGS = "warnings"
TONES = {"overdue": "lh-v-expiring", "on-time": "lh-v-held", "untold": "lh-v-unknown", "problem": "lh-v-orphaned"}


LIST = Listing(
    page="schedules",
    title=gettext_lazy("Schedules"),
    columns={
        "name": gettext_lazy("Schedule"), "schedule": gettext_lazy("When"), "queue": gettext_lazy("Queue"),
        "last": gettext_lazy("Last sent"), "next": gettext_lazy("Next"), "state": gettext_lazy("State"),
    },
    ranked="state",
    judged=lambda seen: judge_schedules(seen.snapshot, seen.now, seen.policy),
    matches=matches_schedule,
    is_shown=lambda one, show: bool(one.warnings) if show == WARNINGS else one.state in SHOWN[show],
    value=sort_value,
    shows=(*SHOWN, WARNINGS),
    always=("overdue", "on-time"),
    chips_label=gettext_lazy("Which schedules"),
    sources=("events", "broker", "beat_schedule", "django-celery-beat"),
    empty=(
        gettext_lazy("No schedule is known"),
        gettext_lazy("A schedule shows itself once a task was sent at least four times at a steady interval, or where the observer runs inside the project."),
    ),
)  # fmt: skip


class SchedulesPanel(ListPanel):
    """The live part of the Schedules page."""

    name = "schedules"
    template = "lockhouse/live/schedules.html"
    listing = LIST

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the silent beats, the chips, the state of the list, and a row for each schedule."""
        found = LIST.found(look(snapshot, now), query)
        queues = {queue.name: queue for queue in snapshot.queues}
        rows = [schedule_row(one, queues.get(one.schedule.queue or ""), may, now) for one in found.shown[:MAX_ROWS]]
        return [
            *LIST.regions(found, may, says=_says(found.seen, found.judged), chips=_chips(found.matching)),
            piece("schedules-beats", "panels/schedules_beats.html", beats=list(_silent(found.seen)), notes=list(_notes(found.seen, found.judged))),
            *(Piece(id=row.row_id, html=render_row(row), within="schedules-rows") for row in rows),
        ]


def _silent(seen: Look) -> Iterator[dict[str, str]]:
    for concern in seen.concerns:
        if concern.kind == "beat-silent":
            fact = concern.evidence[0]
            since = fact.values["since"]
            steady = {**fact.values, "since": since.replace(microsecond=0) if isinstance(since, datetime) else None}
            yield {"name": visible(concern.subject), "says": sentence(replace(fact, values=steady), seen.now)}


def _notes(seen: Look, judged: Sequence[JudgedSchedule]) -> Iterator[str]:
    """What cannot be seen here, each with its fix."""
    for source in seen.snapshot.sources:
        if source.name in {"beat_schedule", "django-celery-beat"}:
            yield from source.notes
    if any(one.schedule.last_is_from == "received" for one in judged):
        yield _(
            "Some senders do not tell what they send, so it is taken from what workers receive, which does not name the sender: "
            "set task_send_sent_event = True where beat runs."
        )


def _says(seen: Look, judged: Sequence[JudgedSchedule]) -> dict[str, Any]:
    return {
        "count": len(judged) if seen.has_observer else None,
        "overdue": sum(1 for one in judged if one.is_overdue),
        "rhythms": sum(1 for one in judged if one.schedule.source == "rhythm"),
    }


def _chips(matching: Sequence[JudgedSchedule]) -> Iterator[Chip]:
    """Each with how many it would show."""
    words = {
        "": _("All"), "overdue": _("Overdue"), "on-time": _("On time"), "untold": _("Not told or not seen yet"),
        "problem": _("Problem"), "off": _("Off or done"), WARNINGS: _("With a warning"),
    }  # fmt: skip
    for show, word in words.items():
        count = LIST.count(matching, show)
        yield Chip(show=show, word=word, count=count, tone=TONES.get(show, "") if count else "")
