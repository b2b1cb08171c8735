"""The Tasks page: every name by its prefix, filtered and sorted by its query, with where it is known and what its runs do."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from dashboard.judge.task_filter import grouped, matches_task
from dashboard.judge.tasks import JudgedTask, judge_tasks
from dashboard.records import Snapshot
from dashboard.records.identity import identity
from dashboard.web.instants import maybe
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import piece
from dashboard.web.panels.listing import MAX_ROWS, Chip, Found, Listing, ListPanel
from dashboard.web.panels.task_row import queue_urls, render_row, row_id, sort_value, task_row
from dashboard.words import visible

SHOWN = ("active", "failing", "refused", "unknown")
TONES = {"failing": "lh-v-orphaned", "refused": "lh-v-expiring", "unknown": "lh-v-unknown-task"}
OUTSIDE = "outside"

LIST = Listing(
    page="tasks",
    title=gettext_lazy("Tasks"),
    columns={
        "task": gettext_lazy("Task"), "registered": gettext_lazy("Workers"), "active": gettext_lazy("Active"), "rate": gettext_lazy("Per minute"),
        "failed": gettext_lazy("Failed / h"), "refused": gettext_lazy("Refused / h"), "runtime": gettext_lazy("Runtime"), "worked": gettext_lazy("Last worked"),
    },
    judged=lambda seen: judge_tasks(seen.snapshot, seen.judged, seen.now, seen.policy),
    matches=matches_task,
    is_shown=lambda one, show: show in one.states,
    value=sort_value,
    shows=SHOWN,
    always=SHOWN,
    chips_label=gettext_lazy("Which tasks"),
    sources=("broker", "workers", "events"),
    empty=(
        gettext_lazy("No task is known"),
        gettext_lazy("A name is known as soon as a worker registers it, a schedule has it, or a message carries it."),
    ),
)  # fmt: skip


class TasksPanel(ListPanel):
    """The live part of the Tasks page."""

    name = "tasks"
    template = "lockhouse/live/tasks.html"
    listing = LIST

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the chips, the state of the list, and the rows: in groups, or in the order of one column."""
        found = LIST.found(look(snapshot, now), query)
        return [
            *LIST.regions(found, may, says=_says(found.seen, found.judged), chips=_chips(found.matching)),
            *(_sorted_rows(found) if found.asked.order else _grouped_rows(found)),
        ]


def _sorted_rows(found: Found[JudgedTask]) -> Iterator[Piece]:
    urls = queue_urls(found.seen.snapshot)
    for one in found.shown[:MAX_ROWS]:
        yield _row(one, found.seen.now, urls)


def _grouped_rows(found: Found[JudgedTask]) -> Iterator[Piece]:
    left, urls = MAX_ROWS, queue_urls(found.seen.snapshot)
    for prefix, tasks in grouped(found.shown, [one.name for one in found.judged]):
        if left <= 0:
            return
        yield piece(f"task-group-{identity(prefix)[:12]}", "panels/tasks_group.html", "tasks-rows", prefix=visible(prefix), **_totals(tasks))
        for one in tasks[:left]:
            yield _row(one, found.seen.now, urls)
        left -= len(tasks)


def _row(one: JudgedTask, now: datetime, urls: Mapping[str, str]) -> Piece:
    return Piece(id=row_id(one.name), html=render_row(task_row(one, now, urls), get_language()), within="tasks-rows")


def _totals(tasks: Sequence[JudgedTask]) -> dict[str, Any]:
    """The sums of one group; None where not all of them are known."""
    hours = [one.hour for one in tasks]
    known = [hour for hour in hours if hour is not None]
    is_known = len(known) == len(hours)
    return {
        "count": len(tasks),
        "active": sum(len(one.active) for one in tasks),
        "received": sum(hour.received for hour in known) if is_known else None,
        "failed": sum(hour.failed for hour in known) if is_known else None,
        "refused": sum(hour.refused for hour in known) if is_known else None,
    }


def _says(seen: Look, judged: Sequence[JudgedTask]) -> dict[str, Any]:
    counted = [one.task for one in judged if one.task and one.task.counted_since]
    app = next((source for source in seen.snapshot.sources if source.name == "app"), None)
    return {
        "count": len(judged) if seen.has_observer else None,
        "active": sum(len(one.active) for one in judged),
        "counted_since": maybe(max((task.counted_since for task in counted if task.counted_since), default=None), seen.now),
        "missed_since": maybe(min((task.missed_since for task in counted if task.missed_since), default=None), seen.now),
        "missed_until": maybe(max((task.missed_until for task in counted if task.missed_until), default=None), seen.now),
        "is_outside": app is not None and app.mode == OUTSIDE,
    }


def _chips(matching: Sequence[JudgedTask]) -> Iterator[Chip]:
    """Each with how many it would show."""
    words = {"": _("All"), "active": _("Active now"), "failing": _("Failing"), "refused": _("Refused"), "unknown": _("Unknown name")}
    for show, word in words.items():
        count = LIST.count(matching, show)
        yield Chip(show=show, word=word, count=count, tone=TONES.get(show, "") if count else "")
