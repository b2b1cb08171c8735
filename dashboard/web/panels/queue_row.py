"""One queue as the pages show it: flat strings, so that a row whose record did not change is not rendered again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from dashboard.records import Evidence, JudgedQueue, QueueReading
from dashboard.web import sparks
from dashboard.web.instants import Instant, maybe
from dashboard.web.links import task_url, worker_url
from dashboard.web.panels.listing import Value
from dashboard.words import duration, sentence, sentences, visible

MAX_READERS = 3
BADGES: Mapping[str, tuple[str, str | Promise]] = {  # a warning's colour and word, the most urgent first
    "queue_wrong_type": ("source", gettext_lazy("no queue")),
    "no_reader": ("no-reader", gettext_lazy("no reader")),
    "queue_readers_leaving": ("no-reader", gettext_lazy("readers leaving")),
    "queue_readers_silent": ("no-reader", gettext_lazy("readers silent")),
    "queue_odd_head": ("orphaned", gettext_lazy("bad message")),
    "queue_unknown_task": ("overrun", gettext_lazy("task unknown")),
    "queue_typo": ("expiring", gettext_lazy("misspelt?")),
    "queue_bound_twice": ("expiring", gettext_lazy("bound twice")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """What one row says; every string is ready to be escaped and shown."""

    row_id: str
    name: str
    url: str
    tone: str  # of its most urgent warning
    badges: tuple[tuple[str, str], ...]
    ready: int | None
    priorities: tuple[tuple[str, int], ...]  # where not all messages have the first priority
    unacked: int | None
    eta: int | None
    readers: tuple[tuple[str, str], ...]  # name and link
    more_readers: int
    readers_are_known: bool
    into: str | None
    out: str | None
    drains_in: str
    never_drains: bool
    oldest: Instant | None
    oldest_is_minimum: bool
    next_task: str
    next_url: str
    lines: tuple[str, ...]
    why: str
    warnings: tuple[str, ...]


def queue_row(judged: JudgedQueue, now: datetime, readers: int | None = MAX_READERS) -> QueueRow:
    """The row of one judged queue, with so many of its readers; None: all."""
    queue = judged.queue
    codes = {fact.code for fact in judged.warnings}
    badges = tuple((tone, str(word)) for code, (tone, word) in BADGES.items() if code in codes)
    names = queue.consumers or ()
    upcoming = next((head.task_name for head in queue.heads if head.task_name), "")
    return QueueRow(
        row_id=row_id(queue),
        name=visible(queue.name),
        url=url_of(queue),
        tone=badges[0][0] if badges else "",
        badges=badges,
        ready=queue.ready if queue.wrong_type is None else None,
        priorities=tuple(queue.ready_by_priority.items()) if set(queue.ready_by_priority) - {"0"} else (),
        unacked=queue.unacked,
        eta=queue.eta,
        readers=tuple((visible(name), worker_url(name)) for name in names[:readers]),
        more_readers=len(names[readers:]) if readers is not None else 0,
        readers_are_known=queue.consumers is not None,
        into=rate(queue.in_per_s),
        out=rate(queue.out_per_s),
        drains_in=duration(judged.drains_in) if judged.drains_in is not None else "",
        never_drains=never_drains(queue),
        oldest=maybe(queue.oldest_at, now) if queue.ready else None,
        oldest_is_minimum=queue.oldest_is_minimum,
        next_task=visible(upcoming),
        next_url=task_url(upcoming) if upcoming else "",
        lines=tuple(sparks.lines(queue.samples)),
        why=sentence(_to_the_second(judged.why), now),
        warnings=tuple(sentences([_to_the_second(fact) for fact in judged.warnings if not _is_said(fact, judged)], now)),
    )


def _is_said(fact: Evidence, judged: JudgedQueue) -> bool:
    """Why it waits says that already."""
    return fact.code == judged.why.code or (fact.code == "no_reader" and judged.why.code in {"queue_nobody_reads", "queue_last_leaving"})


def _to_the_second(fact: Evidence) -> Evidence:
    values = {name: value.replace(microsecond=0) if isinstance(value, datetime) else value for name, value in fact.values.items()}
    return replace(fact, values=values)


def row_id(queue: QueueReading) -> str:
    """Stable while the queue is known."""
    return f"queue-{queue.id[:12]}"


def url_of(queue: QueueReading) -> str:
    """The queue's own page, where there is one."""
    try:
        return reverse("lockhouse:queue", args=[queue.id])
    except NoReverseMatch:
        return ""


def never_drains(queue: QueueReading) -> bool:
    """As things are it gets no shorter."""
    return bool(queue.ready) and queue.out_per_s is not None and queue.in_per_s is not None and queue.out_per_s <= queue.in_per_s


def rate(per_s: float | None) -> str | None:
    """A number a second with the digits that matter."""
    if per_s is None:
        return None
    digits = 0 if per_s >= 100 or per_s == 0 else 1 if per_s >= 1 else 2
    return str(number_format(per_s, digits))


def sort_value(one: JudgedQueue, column: str, _now: datetime) -> Value:
    """What a column sorts by."""
    queue = one.queue
    oldest = -queue.oldest_at.timestamp() if queue.oldest_at and queue.ready else None
    values: Mapping[str, Value] = {
        "queue": queue.name.casefold(),
        "ready": queue.ready,
        "unacked": queue.unacked,
        "readers": None if queue.consumers is None else len(queue.consumers),
        "rates": queue.out_per_s,
        "drains": None if one.drains_in is None else one.drains_in.total_seconds(),
        "oldest": oldest,
    }
    return values[column]


@lru_cache(maxsize=4096)
def render_row(row: QueueRow, language: str | None) -> str:
    """The row's HTML; the same row in the same language is made once."""
    return render_to_string("lockhouse/panels/queues_row.html", {"row": row, "say": _fixed_words(language)}).strip()


@lru_cache(maxsize=64)
def _fixed_words(_language: str | None) -> Mapping[str, str]:
    """What every row says alike, looked up once."""
    return {
        "ready": _("Ready"),
        "unacked": _("Unacked"),
        "read_by": _("Read by"),
        "rates": _("Per second"),
        "drains": _("Drains in"),
        "oldest": _("Oldest"),
        "not_known": _("Not known"),
        "rates_unknown": _("Not known: a rate is told only after 10 s, and where every reader sends its events"),
        "nobody": _("nobody"),
        "more": _("more"),
        "later": _("later"),
        "later_why": _("of these, fetched by a worker to be run at a later time"),
        "in": _("in"),
        "out": _("out"),
        "priorities": _("by priority"),
        "next": _("next is"),
        "never": _("does not"),
        "at_least": _("It waited already when it was first seen next in its queue"),
        "since": _("since"),
    }


def language() -> str | None:
    """The language that rows are rendered in."""
    return get_language()
