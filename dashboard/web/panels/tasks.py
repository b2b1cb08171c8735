"""The Tasks page: every name by its prefix, filtered and sorted by its query, with where it is known and what its runs do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from dashboard.judge.task_filter import grouped, matches_task
from dashboard.judge.tasks import JudgedTask, judge_tasks
from dashboard.records import Snapshot
from dashboard.records.identity import identity
from dashboard.web.instants import maybe
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import frame, piece, region_state
from dashboard.web.panels.task_row import ordered_value, queue_urls, render_row, row_id, task_row
from dashboard.words import visible

MAX_ROWS = 500  # a longer list is no longer read; the page says how many there are
COLUMNS = ("task", "registered", "active", "rate", "failed", "refused", "runtime", "worked")
SHOWN = ("", "active", "failing", "refused", "unknown")
OUTSIDE = "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksQuery:
    """What the page's address asks for; anything that is not understood means the default."""

    q: str = ""
    show: str = ""
    order: str = ""  # a column, with "-" before it for the other way round; "": by prefix, and then by name

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "TasksQuery":
        show, order = query.get("show", ""), query.get("o", "")
        return cls(q=query.get("q", "").strip(), show=show if show in SHOWN else "", order=order if order.removeprefix("-") in COLUMNS else "")

    def given(self) -> dict[str, str]:
        """The query again, without what is the default."""
        given = {"q": self.q, "show": self.show, "o": self.order}
        return {name: value for name, value in given.items() if value}

    def url(self) -> str:
        """The page with this query."""
        encoded = urlencode(self.given())
        return reverse("lockhouse:tasks") + (f"?{encoded}" if encoded else "")

    def ordered(self, rows: Sequence[JudgedTask]) -> list[JudgedTask]:
        """In the order of the chosen column; what is not known comes last."""
        column = self.order.removeprefix("-")
        known = [one for one in rows if not ordered_value(one, column)[0]]
        not_known = [one for one in rows if ordered_value(one, column)[0]]
        return sorted(known, key=lambda one: ordered_value(one, column), reverse=self.order.startswith("-")) + not_known


def is_shown(one: JudgedTask, show: str) -> bool:
    """Whether a chip shows this task."""
    return not show or show in one.states


class TasksPanel:
    """The live part of the Tasks page."""

    permission = "lockhouse.view_locks"
    name = "tasks"
    template = "lockhouse/live/tasks.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return TasksQuery.of(given).given()

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and changes with the query alone."""
        asked = TasksQuery.of(query)
        return {"asked": asked, "columns": list(_columns(asked))}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the chips, the state of the list, and the rows: in groups, or in the order of one column."""
        seen, asked = look(snapshot, now), TasksQuery.of(query)
        judged = judge_tasks(snapshot, seen.judged, now, seen.policy)
        matching = [one for one in judged if matches_task(one, asked.q)]
        shown = [one for one in matching if is_shown(one, asked.show)]
        return [
            *frame(seen, self.name, _("Tasks"), may),
            piece("tasks-summary", "panels/tasks_summary.html", **_summary(seen, judged)),
            piece("tasks-chips", "panels/tasks_chips.html", chips=list(_chips(asked, matching))),
            piece("tasks-state", "panels/region_state.html", state=_state(seen, asked, len(shown), len(judged)), cut=_cut(shown)),
            *(_sorted_rows(asked, shown, seen) if asked.order else _grouped_rows(shown, judged, seen)),
        ]


def _sorted_rows(asked: TasksQuery, shown: Sequence[JudgedTask], seen: Look) -> Iterator[Piece]:
    urls = queue_urls(seen.snapshot)
    for one in asked.ordered(shown)[:MAX_ROWS]:
        yield _row(one, seen.now, urls)


def _grouped_rows(shown: Sequence[JudgedTask], judged: Sequence[JudgedTask], seen: Look) -> Iterator[Piece]:
    left, urls = MAX_ROWS, queue_urls(seen.snapshot)
    for prefix, tasks in grouped(shown, [one.name for one in judged]):
        if left <= 0:
            return
        yield piece(f"task-group-{identity(prefix)[:12]}", "panels/tasks_group.html", "tasks-rows", prefix=visible(prefix), **_totals(tasks))
        for one in tasks[:left]:
            yield _row(one, seen.now, urls)
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


def _state(seen: Look, asked: TasksQuery, shown: int, total: int) -> object:
    empty = (_("No task is known"), _("A name is known as soon as a worker registers it, a schedule has it, or a message carries it."))
    return region_state(seen, shown=shown, total=total, sources=("broker", "workers", "events"), empty=empty, clear=replace(asked, q="", show="").url())


def _cut(shown: Sequence[JudgedTask]) -> str:
    if len(shown) <= MAX_ROWS:
        return ""
    return _("The first %(shown)d of %(all)d; filter to see the others.") % {"shown": MAX_ROWS, "all": len(shown)}


def _summary(seen: Look, judged: Sequence[JudgedTask]) -> dict[str, Any]:
    counted = [one.task.counted_since for one in judged if one.task and one.task.counted_since]
    app = next((source for source in seen.snapshot.sources if source.name == "app"), None)
    return {
        "count": len(judged) if seen.has_observer else None,
        "active": sum(len(one.active) for one in judged),
        "away": ", ".join(visible(source.name) for source in seen.away("broker", "workers", "events")),
        "read": maybe(seen.snapshot.at, seen.now),
        "counted_since": maybe(max(counted, default=None), seen.now),
        "is_outside": app is not None and app.mode == OUTSIDE,
        "is_current": seen.is_current,
    }


def _chips(asked: TasksQuery, matching: Sequence[JudgedTask]) -> Iterator[dict[str, object]]:
    """Each with how many it would show."""
    words = {"": _("All"), "active": _("Active now"), "failing": _("Failing"), "refused": _("Refused"), "unknown": _("Unknown name")}
    for show in SHOWN:
        count = sum(1 for one in matching if is_shown(one, show))
        tone = {"failing": "orphaned", "refused": "expiring", "unknown": "unknown-task"}.get(show, "") if count else ""
        yield {"kind": tone, "word": words[show], "count": count, "is_on": asked.show == show, "url": replace(asked, show=show).url()}


def _columns(asked: TasksQuery) -> Iterator[dict[str, object]]:
    words = {
        "task": _("Task"), "registered": _("Workers"), "active": _("Active"), "rate": _("Per minute"), "failed": _("Failed / h"),
        "refused": _("Refused / h"), "runtime": _("Runtime"), "worked": _("Last worked"),
    }  # fmt: skip
    for name in COLUMNS:
        is_up, is_down = asked.order == name, asked.order == f"-{name}"
        order = f"-{name}" if is_up else "" if is_down else name
        yield {"name": name, "word": words[name], "url": replace(asked, order=order).url(), "sort": "ascending" if is_up else "descending" if is_down else ""}
