"""One schedule as the page shows it: flat strings, so that a row whose record did not change is not rendered again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from dashboard.judge.schedules import JudgedSchedule
from dashboard.records import Evidence, QueueReading, ScheduleReading
from dashboard.redaction import hide_secrets, is_secret_name
from dashboard.web.instants import Instant, maybe
from dashboard.web.links import list_url, run_url, schedule_url, send_url, task_url
from dashboard.web.panels.listing import Value
from dashboard.words import sentence, sentences, short_id, spelled_out, visible
from dashboard.words.schedules import SOURCE_WORDS, schedule_words, state_word

PAYLOADS, UNREDACTED, SEND = "lockhouse.view_payloads", "lockhouse.view_unredacted", "lockhouse.send_tasks"
HIDDEN = "••••••"
MAX_SHOWN = 2000  # characters of arguments
TONES = {"missed": "overrun", "late": "expiring", "problem": "orphaned", "never-seen": "unknown", "untold": "unknown", "on-time": "held", "waiting": "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """What one row says; every string is ready to be escaped and shown."""

    row_id: str
    name: str  # "" where only its task names it
    task: str
    task_url: str
    source: str
    schedule: str
    queue: str
    queue_url: str
    last: Instant | None
    last_how: str  # where it was not seen as it was sent
    run: str
    run_url: str
    next: Instant | None
    latest: Instant | None  # where only this can be said of the next
    is_overdue: bool
    is_off: bool
    tone: str
    word: str
    why: str
    warnings: tuple[str, ...]
    sender: str
    seen: str
    seen_since: Instant | None
    may_see: bool
    args: str
    kwargs: str
    options: tuple[tuple[str, str], ...]
    starts: Instant | None
    ends: Instant | None
    url: str
    runs_url: str
    is_one_off: bool
    send_url: str


def schedule_row(one: JudgedSchedule, queue: QueueReading | None, may: frozenset[str], now: datetime) -> ScheduleRow:
    """The row of one judged schedule, as somebody with these permissions sees it."""
    entry = one.schedule
    is_off = one.state in {"done", "ended", "disabled"}
    return ScheduleRow(
        row_id=f"schedule-{entry.id[:12]}",
        name=visible(entry.name) if entry.name != entry.task else "",
        url=schedule_url(entry.id),
        runs_url=list_url("runs", f'task:"{entry.task}"') if entry.task else "",
        task=visible(entry.task),
        task_url=task_url(entry.task) if entry.task else "",
        source=str(SOURCE_WORDS.get(entry.source, visible(entry.source))),
        schedule=visible(schedule_words(entry)),
        queue=visible(entry.queue or ""),
        queue_url=_queue_url(queue),
        last=maybe(entry.last_sent_at, now),
        last_how=_last_how(entry),
        run=short_id(entry.last_task_id) if entry.last_task_id else "",
        run_url=run_url(entry.last_task_id) if entry.last_task_id else "",
        next=None if is_off else maybe(entry.next_at, now),
        latest=maybe(entry.due_by, now) if one.state == "waiting" and entry.next_at is None else None,
        is_overdue=one.is_overdue,
        is_off=is_off,
        tone=TONES.get(one.state, "free"),
        word=state_word(one.state, entry.missed),
        why="" if one.state == "on-time" and not entry.untold else sentence(_to_the_second(one.why), now),
        warnings=tuple(sentences([_to_the_second(fact) for fact in one.warnings], now)),
        sender=visible(entry.origin or ""),
        seen=ngettext("%(n)d send seen", "%(n)d sends seen", entry.seen_count) % {"n": entry.seen_count} if entry.seen_count else "",
        seen_since=maybe(entry.seen_since, now),
        may_see=PAYLOADS in may,
        args=_payload(entry.args, may),
        kwargs=_payload(entry.kwargs, may),
        options=tuple((visible(name), _option(name, text, may)) for name, text in entry.options.items()),
        starts=maybe(entry.starts_at, now),
        ends=maybe(entry.ends_at, now),
        is_one_off=entry.is_one_off,
        send_url=send_url(schedule=entry.id) if SEND in may and entry.can_be_sent and entry.task else "",
    )


def _queue_url(queue: QueueReading | None) -> str:
    try:
        return reverse("lockhouse:queue", args=[queue.id]) if queue is not None else ""
    except NoReverseMatch:
        return ""


def _last_how(entry: ScheduleReading) -> str:
    return {"received": _("received"), "database": _("as the database says")}.get(entry.last_is_from, "")


def _payload(text: str, may: frozenset[str]) -> str:
    """The arguments as this person may see them."""
    if PAYLOADS not in may or text in {"[]", "{}", "()"}:
        return ""
    return spelled_out((text if UNREDACTED in may else hide_secrets(text))[:MAX_SHOWN])


def _option(name: str, text: str, may: frozenset[str]) -> str:
    if UNREDACTED in may:
        return spelled_out(text)
    return HIDDEN if is_secret_name(name) and name != "routing_key" else spelled_out(hide_secrets(text))


def _to_the_second(fact: Evidence) -> Evidence:
    values = {name: value.replace(microsecond=0) if isinstance(value, datetime) else value for name, value in fact.values.items()}
    return replace(fact, values=values)


def sort_value(one: JudgedSchedule, column: str, _now: datetime) -> Value:
    """What a column sorts by."""
    entry = one.schedule
    values: Mapping[str, Value] = {
        "name": entry.name.casefold(),
        "schedule": entry.interval.total_seconds() if entry.interval else None,
        "queue": entry.queue,
        "last": -entry.last_sent_at.timestamp() if entry.last_sent_at else None,
        "next": entry.next_at.timestamp() if entry.next_at and one.state not in {"done", "ended", "disabled"} else None,
    }
    return values[column]


def render_row(row: ScheduleRow) -> str:
    """The row's HTML, rendered once for as long as nothing in it changes."""
    return _rendered(row, get_language())


@lru_cache(maxsize=4096)
def _rendered(row: ScheduleRow, language: str | None) -> str:
    return render_to_string("lockhouse/panels/schedules_row.html", {"row": row, "say": _fixed_words(language)}).strip()


@lru_cache(maxsize=64)
def _fixed_words(_language: str | None) -> Mapping[str, str]:
    """What every row says alike, looked up once."""
    return {
        "schedule": _("Schedule"),
        "queue": _("Queue"),
        "queue_unknown": _("Routes decide; it is known once a send was seen"),
        "last": _("Last sent"),
        "never": _("never seen"),
        "next": _("Next"),
        "in": _("in …"),
        "by": _("by"),
        "within": _("within …"),
        "was_due": _("was due"),
        "not_known": _("Not known"),
        "run": _("run"),
        "run_now": _("Run now…"),
        "sent_by": _("sent by"),
        "since": _("since"),
        "details": _("Arguments and options"),
        "args": _("Arguments"),
        "kwargs": _("Keyword arguments"),
        "none": _("none"),
        "not_yours": _("To see arguments takes the permission lockhouse.view_payloads."),
        "source": _("Written down in"),
        "starts": _("Not before"),
        "ends": _("Not after"),
        "one_off": _("Sent once"),
        "runs": _("Runs"),
        "its_runs": _("those of its task, as far back as the history goes"),
        "yes": _("yes"),
    }
