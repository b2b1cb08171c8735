"""One run as the pages show it: flat strings, so that a row of which nothing changed is not made again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from dashboard.judge.runs import JudgedRun, tie_of
from dashboard.records import Evidence, QueueReading
from dashboard.redaction import hide_secrets
from dashboard.web.instants import Instant, maybe
from dashboard.web.links import lock_url, run_url, task_url, worker_url
from dashboard.web.panels.listing import Value
from dashboard.web.panels.queue_row import url_of
from dashboard.words import duration, sentences, short_id, spelled_out, visible
from dashboard.words.runs import STATE_MEANINGS, TIES, state_word

UNREDACTED = "lockhouse.view_unredacted"
MAX_KEPT = 8192  # rendered rows, about 2 KB each
MAX_ERROR = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """What one row says; every string is ready to be escaped and shown."""

    row_id: str
    state: str
    word: str
    meaning: str
    task: str
    task_url: str
    task_id: str
    short: str
    url: str
    notes: tuple[str, ...]
    began: Instant | None
    began_word: str
    counts_up: bool
    runtime: str
    ended: Instant | None
    worker: str
    worker_url: str
    queue: str
    queue_url: str
    locks: tuple[tuple[str, str, str], ...]  # what it has to do with it, name, link
    why: tuple[str, ...]
    error: str


def run_row(one: JudgedRun, queue: QueueReading | None, may: frozenset[str], now: datetime) -> RunRow:
    """The row of one judged run, for people with these permissions."""
    run = one.run
    began, word = _began(one)
    return RunRow(
        row_id=row_id(one),
        state=one.state,
        word=state_word(one.state),
        meaning=str(STATE_MEANINGS[one.state]),
        task=visible(run.name or _("a task not known")),
        task_url=task_url(run.name) if run.name else "",
        task_id=visible(run.task_id),
        short=short_id(run.task_id),
        url=run_url(run.task_id),
        notes=tuple(_notes(one)),
        began=maybe(began, now),
        began_word=word,
        counts_up=one.state == "active" and one.began_at is not None,
        runtime=_runtime(one),
        ended=maybe(one.ended_at, now),
        worker=visible(run.worker or ""),
        worker_url=worker_url(run.worker) if run.worker else "",
        queue=visible(run.queue or ""),
        queue_url=url_of(queue) if queue else "",
        locks=tuple(_locks(one)),
        why=tuple(sentences(one.evidence, now)) if one.state in {"lost", "unknown", "sent"} else (),
        error=secret_free(run.error, may)[:MAX_ERROR] if one.state in {"failed", "retried", "rejected"} else "",
    )


def row_id(one: JudgedRun) -> str:
    """Stable while this execution is known."""
    again = f"-{one.run.retries}" + (f"-{one.delivery}" if one.delivery else "") if one.run.retries or one.delivery else ""
    return f"run-{one.id[:12]}{again}"


def secret_free(text: str | None, may: frozenset[str]) -> str:
    """Text that a task made, as this person may see it."""
    return spelled_out(text if UNREDACTED in may else hide_secrets(text)) if text else ""


def _began(one: JudgedRun) -> tuple[datetime | None, str]:
    """The time that says most of its age, and what that is the time of where it is not its start."""
    run = one.run
    if one.began_at is not None:
        return one.began_at, ""
    if run.received_at is not None:
        return one.by_our_clock(run.received_at), _("received")
    return (run.sent_at, _("sent")) if run.sent_at is not None else (None, "")


def _runtime(one: JudgedRun) -> str:
    if one.run.runtime is not None:
        return duration(one.run.runtime)
    return duration(one.ended_at - one.began_at) if one.ended_at is not None and one.began_at is not None else ""


def _notes(one: JudgedRun) -> list[str]:
    retry = [_("retry %(n)d") % {"n": one.run.retries}] if one.run.retries else []
    return retry + ([_("delivered again")] if one.run.redelivered else [])


def _locks(one: JudgedRun) -> list[tuple[str, str, str]]:
    found = [(str(TIES[tie_of(lock)]), visible(lock.lock.name), lock_url(lock.lock.id)) for lock in one.locks]
    if one.run.refused_by is not None and not one.locks:
        found.append((_("turned away by"), visible(one.run.refused_by), lock_url(one.run.refused_lock_id)))
    return found


_rows: dict[tuple[object, ...], str] = {}  # threads may both render one row: the result is the same


def row_html(one: JudgedRun, queue: QueueReading | None, may: frozenset[str], now: datetime) -> str:
    """The row's HTML, made once for as long as nothing that it shows changes."""
    key = (*_shown(one), queue.id if queue else "", UNREDACTED in may, now.date(), get_language())
    html = _rows.get(key)
    if html is None:
        if len(_rows) >= MAX_KEPT:
            _rows.clear()
        html = _rows[key] = render_row(run_row(one, queue, may, now))
    return html


def _shown(one: JudgedRun) -> tuple[object, ...]:
    """Everything that a row depends on, without the times that move while nothing happens."""
    run = one.run
    identity = (run.task_id, run.retries, one.delivery, run.name, run.worker, run.queue, run.redelivered)
    times = (run.sent_at, run.received_at, run.started_at, run.ended_at, run.runtime, one.skew)
    locks = tuple((lock.lock.id, lock.lock.name, lock.lock.lapsed_at, lock.verdict == "orphaned") for lock in one.locks)
    return (*identity, *times, one.state, run.refused_by, run.refused_lock_id, run.error, locks, *map(_fact, one.evidence))


def _fact(fact: Evidence) -> tuple[str, ...]:
    return (fact.code, *map(str, fact.values.values()))


def render_row(row: RunRow) -> str:
    """The row's HTML."""
    flat = {name: getattr(row, name) for name in RunRow.__slots__}  # templates try each name as a key first, and what is no dict raises at each
    return render_to_string("lockhouse/panels/runs_row.html", {"row": flat, "say": _fixed_words(get_language())}).strip()


@lru_cache(maxsize=64)
def _fixed_words(_language: str | None) -> Mapping[str, str]:
    """What every row says alike, looked up and escaped once."""
    words = {
        "task": _("Task"),
        "run": _("Run"),
        "started": _("Started"),
        "runtime": _("Runtime"),
        "ended": _("Ended"),
        "worker": _("Worker"),
        "queue": _("Queue"),
        "lock": _("Lock"),
        "since": _("since"),
        "at": _("at"),
        "not_known": _("Not known"),
    }
    return {name: escape(word) for name, word in words.items()}


def sort_value(one: JudgedRun, column: str, now: datetime) -> Value:
    """What a column sorts by."""
    run, began = one.run, _began(one)[0]
    runtime = run.runtime or ((one.ended_at or now) - one.began_at if one.began_at and (one.ended_at or one.state == "active") else None)
    locks = [lock.lock.name for lock in one.locks]
    values: Mapping[str, Value] = {
        "task": run.name,
        "run": run.task_id,
        "started": -began.timestamp() if began else None,
        "runtime": runtime.total_seconds() if runtime is not None else None,
        "ended": -one.ended_at.timestamp() if one.ended_at else None,
        "worker": run.worker,
        "queue": run.queue,
        "lock": locks[0] if locks else run.refused_by,
    }
    return values[column]
