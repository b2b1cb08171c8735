"""The Schedules page: what is sent again and again, filtered and sorted by its query; when it was sent, when it is next, what is late."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.judge.schedules import JudgedSchedule, judge_schedules, matches_schedule
from dashboard.records import Snapshot
from dashboard.web.instants import maybe
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import frame, piece, region_state
from dashboard.web.panels.schedule_row import ordered_value, render_row, schedule_row
from dashboard.words import sentence, visible

MAX_ROWS = 500
COLUMNS = ("name", "schedule", "queue", "last", "next", "state")
SHOWN: Mapping[str, frozenset[str]] = {  # what a chip shows, by state
    "": frozenset(),
    "overdue": frozenset({"missed", "late"}),
    "on-time": frozenset({"on-time"}),
    "untold": frozenset({"untold", "never-seen", "waiting"}),
    "problem": frozenset({"problem"}),
    "off": frozenset({"done", "ended", "disabled"}),
}
WARNINGS = "warnings"
TONES = {"overdue": "expiring", "on-time": "held", "untold": "unknown", "problem": "orphaned"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulesQuery:
    """What the page's address asks for; anything that is not understood means the default."""

    q: str = ""
    show: str = ""  # a key of SHOWN, or WARNINGS
    order: str = ""  # a column, with "-" before it for the other way round; "": what is overdue first

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "SchedulesQuery":
        show, order = query.get("show", ""), query.get("o", "")
        return cls(
            q=query.get("q", "").strip(),
            show=show if show == WARNINGS or show in SHOWN else "",
            order=order if order.removeprefix("-") in COLUMNS else "",
        )

    def given(self) -> dict[str, str]:
        """The query again, without what is the default."""
        given = {"q": self.q, "show": self.show, "o": self.order}
        return {name: value for name, value in given.items() if value}

    def url(self) -> str:
        """The page with this query."""
        encoded = urlencode(self.given())
        return reverse("lockhouse:schedules") + (f"?{encoded}" if encoded else "")

    def chosen(self, judged: Sequence[JudgedSchedule]) -> list[JudgedSchedule]:
        """Those that are to be shown, in the chosen order."""
        rows = [one for one in judged if is_shown(one, self.show)]
        column = self.order.removeprefix("-")
        if column in {"", "state"}:
            return rows[::-1] if self.order == "-state" else rows
        known = [one for one in rows if not ordered_value(one, column)[0]]
        not_known = [one for one in rows if ordered_value(one, column)[0]]
        return sorted(known, key=lambda one: ordered_value(one, column), reverse=self.order.startswith("-")) + not_known


def is_shown(one: JudgedSchedule, show: str) -> bool:
    """Whether a chip shows this schedule."""
    return bool(one.warnings) if show == WARNINGS else not show or one.state in SHOWN[show]


class SchedulesPanel:
    """The live part of the Schedules page."""

    permission = "lockhouse.view_locks"
    name = "schedules"
    template = "lockhouse/live/schedules.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return SchedulesQuery.of(given).given()

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and changes with the query alone."""
        asked = SchedulesQuery.of(query)
        return {"asked": asked, "columns": list(_columns(asked))}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the silent beats, the chips, the state of the list, and a row for each schedule."""
        seen, asked = look(snapshot, now), SchedulesQuery.of(query)
        judged = judge_schedules(snapshot, now, seen.policy)
        matching = [one for one in judged if matches_schedule(one, asked.q)]
        shown = asked.chosen(matching)
        queues = {queue.name: queue for queue in snapshot.queues}
        rows = [schedule_row(one, queues.get(one.schedule.queue or ""), may, now) for one in shown[:MAX_ROWS]]
        return [
            *frame(seen, self.name, _("Schedules"), may),
            piece("schedules-summary", "panels/schedules_summary.html", **_summary(seen, judged)),
            piece("schedules-beats", "panels/schedules_beats.html", beats=list(_silent(seen)), notes=list(_notes(seen, judged))),
            piece("schedules-chips", "panels/schedules_chips.html", chips=list(_chips(asked, matching))),
            piece("schedules-state", "panels/region_state.html", state=_state(seen, asked, len(shown), len(judged)), cut=_cut(shown)),
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


def _state(seen: Look, asked: SchedulesQuery, shown: int, total: int) -> object:
    empty = (
        _("No schedule is known"),
        _("A schedule shows itself once a task was sent at least four times at a steady interval, or where the observer runs inside the project."),
    )
    clear = replace(asked, q="", show="").url()
    sources = ("events", "broker", "beat_schedule", "django-celery-beat")
    return region_state(seen, shown=shown, total=total, sources=sources, empty=empty, clear=clear)


def _cut(shown: Sequence[JudgedSchedule]) -> str:
    if len(shown) <= MAX_ROWS:
        return ""
    return _("The first %(shown)d of %(all)d; filter to see the others.") % {"shown": MAX_ROWS, "all": len(shown)}


def _summary(seen: Look, judged: Sequence[JudgedSchedule]) -> dict[str, Any]:
    return {
        "count": len(judged) if seen.has_observer else None,
        "overdue": sum(1 for one in judged if one.is_overdue),
        "rhythms": sum(1 for one in judged if one.schedule.source == "rhythm"),
        "read": maybe(seen.snapshot.at, seen.now),
        "is_current": seen.is_current,
    }


def _chips(asked: SchedulesQuery, matching: Sequence[JudgedSchedule]) -> Iterator[dict[str, object]]:
    """All, overdue, on time and those with a warning always; the others where there are some. Each with how many it would show."""
    words = {
        "": _("All"), "overdue": _("Overdue"), "on-time": _("On time"), "untold": _("Not told or not seen yet"),
        "problem": _("Problem"), "off": _("Off or done"), WARNINGS: _("With a warning"),
    }  # fmt: skip
    for show, word in words.items():
        count = sum(1 for one in matching if is_shown(one, show))
        if count or asked.show == show or show in {"", "overdue", "on-time"}:
            tone = TONES.get(show, "") if count else ""
            yield {"tone": tone, "word": word, "count": count, "is_on": asked.show == show, "url": replace(asked, show=show).url()}


def _columns(asked: SchedulesQuery) -> Iterator[dict[str, object]]:
    words = {"name": _("Schedule"), "schedule": _("When"), "queue": _("Queue"), "last": _("Last sent"), "next": _("Next"), "state": _("State")}
    for name in COLUMNS:
        is_up, is_down = asked.order == name, asked.order == f"-{name}"
        order = f"-{name}" if is_up else "" if is_down else name
        yield {"name": name, "word": words[name], "url": replace(asked, order=order).url(), "sort": "ascending" if is_up else "descending" if is_down else ""}
