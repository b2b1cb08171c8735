"""One worker as the pages show it: flat strings, so that a row of which nothing changed is not rendered again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.template.loader import render_to_string
from django.utils.formats import number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from dashboard.judge.workers import JudgedWorker
from dashboard.records import QueueReading
from dashboard.web.instants import Instant, maybe
from dashboard.web.links import worker_url
from dashboard.web.panels.listing import Value
from dashboard.web.panels.queue_row import url_of
from dashboard.words import sentences, visible
from dashboard.words.workers import STATE_MEANINGS, worker_state_word

MAX_QUEUES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRow:
    """What one row says; every string is ready to be escaped and shown."""

    row_id: str
    name: str
    url: str
    pid: int | None
    state: str
    word: str
    meaning: str
    since: Instant | None  # of a state in which nothing is heard
    pool: str
    busy: int | None
    concurrency: int | None
    reserved: int | None
    scheduled: int | None
    processed: str
    load: str
    software: str
    queues: tuple[tuple[str, str], ...] | None
    more_queues: int
    why: tuple[str, ...]
    warnings: tuple[str, ...]


def worker_row(one: JudgedWorker, queues: Mapping[str, QueueReading], now: datetime, most: int | None = MAX_QUEUES) -> WorkerRow:
    """The row of one judged worker, with so many of its queues; None: all."""
    worker = one.worker
    names = worker.queues or ()
    return WorkerRow(
        row_id=f"worker-{one.id[:12]}",
        name=visible(worker.name),
        url=worker_url(worker.name),
        pid=worker.pid,
        state=one.state,
        word=worker_state_word(one.state),
        meaning=str(STATE_MEANINGS[one.state]),
        since=None if one.state == "online" else maybe(worker.said_offline_at or worker.last_heard_at, now),
        pool=visible(worker.pool or ""),
        busy=one.busy,
        concurrency=worker.concurrency,
        reserved=worker.reserved,
        scheduled=worker.scheduled,
        processed="" if worker.processed is None else str(number_format(worker.processed, force_grouping=True)),
        load="" if not worker.load else str(number_format(worker.load[0], 1)),
        software=visible(worker.software or ""),
        queues=None if worker.queues is None else tuple((visible(name), url_of(queues[name]) if name in queues else "") for name in names[:most]),
        more_queues=0 if most is None else len(names[most:]),
        why=tuple(sentences(one.evidence, now)),
        warnings=tuple(sentences(one.warnings, now)),
    )


def render_row(row: WorkerRow) -> str:
    """The row's HTML, rendered once for as long as nothing in it changes."""
    return _rendered(row, get_language())


@lru_cache(maxsize=2048)
def _rendered(row: WorkerRow, language: str | None) -> str:
    return render_to_string("lockhouse/panels/workers_row.html", {"row": row, "say": _fixed_words(language)}).strip()


@lru_cache(maxsize=64)
def _fixed_words(_language: str | None) -> Mapping[str, str]:
    """What every row says alike, looked up once."""
    return {
        "pool": _("Pool"),
        "busy": _("Busy"),
        "of": _("of"),
        "waiting": _("Fetched"),
        "reserved": _("fetched and not started · to be run at a later time"),
        "later": _("later"),
        "processed": _("Processed"),
        "load": _("Load"),
        "load_why": _("of its machine, over the last minute"),
        "queues": _("Reads"),
        "more": _("more"),
        "since": _("since"),
        "not_known": _("Not known"),
        "nothing": _("nothing"),
    }


def sort_value(one: JudgedWorker, column: str, _now: datetime) -> Value:
    """What a column sorts by."""
    worker = one.worker
    waiting = None if worker.reserved is None and worker.scheduled is None else (worker.reserved or 0) + (worker.scheduled or 0)
    values: Mapping[str, Value] = {
        "worker": worker.name.casefold(),
        "pool": worker.pool,
        "busy": one.busy,
        "waiting": waiting,
        "processed": worker.processed,
        "load": worker.load[0] if worker.load else None,
        "queues": None if worker.queues is None else " ".join(worker.queues),
    }
    return values[column]
