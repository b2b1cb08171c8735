"""One task as the pages show it: flat strings, so that a row whose record did not change is not rendered again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.judge.tasks import JudgedTask
from dashboard.records import Evidence, Minute, Snapshot
from dashboard.records.identity import identity
from dashboard.web import sparks
from dashboard.web.instants import Instant, maybe
from dashboard.web.links import lock_url, task_url, worker_url
from dashboard.web.panels.listing import Value
from dashboard.web.panels.queue_row import rate, url_of
from dashboard.words import duration, sentences, visible

MAX_SHOWN = 3  # workers, queues, locks in a row
MINUTES = 60
MAX_NAME = 500  # characters; a longer one is cut wherever it is shown
BADGES: Mapping[str, tuple[str, str | Promise]] = {  # a warning's colour and word, the most urgent first
    "task_unknown": ("unknown-task", gettext_lazy("unknown name")),
    "task_thrown_away": ("orphaned", gettext_lazy("thrown away")),
    "task_failing": ("orphaned", gettext_lazy("failing")),
    "task_strange_to_readers": ("overrun", gettext_lazy("unknown to readers")),
    "task_refused_again": ("expiring", gettext_lazy("always refused")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """What one row says; every string is ready to be escaped and shown."""

    row_id: str
    name: str
    url: str
    tone: str  # of its most urgent warning
    badges: tuple[tuple[str, str], ...]
    workers: tuple[tuple[str, str], ...]  # name and link
    more_workers: int
    registered: int
    of_workers: int
    untold: int
    active: int
    per_minute: str | None
    counts_are_known: bool
    received: int
    succeeded: int
    failed: int
    refused: int
    retried: int
    revoked: int
    thrown_away: int
    median: str
    p95: str
    worked: Instant | None
    queues: tuple[tuple[str, str], ...]
    more_queues: int
    locks: tuple[tuple[str, str], ...]  # that its runs hold: name and link
    schedules: int
    lines: tuple[str, ...]
    warnings: tuple[str, ...]


def queue_urls(snapshot: Snapshot) -> dict[str, str]:
    """The page of each queue that is known, by its name."""
    return {queue.name: url_of(queue) for queue in snapshot.queues}


def task_row(one: JudgedTask, now: datetime, urls: Mapping[str, str], shown: int | None = MAX_SHOWN) -> TaskRow:
    """The row of one judged task, with so many of its workers and queues, None meaning all; `urls` are the queues' pages."""
    codes, task = {fact.code for fact in one.warnings}, one.task
    badges = tuple((tone, str(word)) for code, (tone, word) in BADGES.items() if code in codes)
    hour = one.hour or Minute(0)
    return TaskRow(
        row_id=row_id(one.name),
        name=shown_name(one.name),
        url=task_url(one.name),
        tone=badges[0][0] if badges else "",
        badges=badges,
        workers=tuple((visible(name), worker_url(name)) for name in one.registered[:shown]),
        more_workers=_more(one.registered, shown),
        registered=len(one.registered),
        of_workers=len(one.registered) + len(one.strangers) + len(one.untold),
        untold=len(one.untold),
        active=len(one.active),
        per_minute=rate(one.per_minute),
        counts_are_known=one.hour is not None,
        received=hour.received,
        succeeded=hour.succeeded,
        failed=hour.failed,
        refused=hour.refused,
        retried=hour.retried,
        revoked=hour.revoked,
        thrown_away=hour.thrown_away,
        median=duration(task.median_runtime) if task and task.median_runtime is not None else "",
        p95=duration(task.p95_runtime) if task and task.p95_runtime is not None else "",
        worked=maybe(task.worked.at, now) if task and task.worked else None,
        queues=tuple((visible(name), urls.get(name, "")) for name in one.queues[:shown]),
        more_queues=_more(one.queues, shown),
        locks=tuple((visible(lock.name), lock_url(lock.lock_id)) for lock in one.locks if lock.by_itself)[:shown],
        schedules=len(one.schedules),
        lines=tuple(sparks.lines(per_minute(one, now))),
        warnings=tuple(sentences([to_the_second(fact) for fact in one.warnings], now)),
    )


def _more(names: Sequence[str], shown: int | None) -> int:
    return len(names[shown:]) if shown is not None else 0


def per_minute(one: JudgedTask, now: datetime) -> list[int | None]:
    """Received in each of the last 60 whole minutes, None where nothing was counted; empty where there was none at all."""
    task = one.task
    if task is None or task.counted_since is None or one.quiet:
        return []
    counts = {minute.number: minute.received for minute in task.minutes if minute.received}
    this, began, missed = _minute(now), _minute(task.counted_since), range(0)
    if task.missed_since is not None and task.missed_until is not None:
        missed = range(_minute(task.missed_since), _minute(task.missed_until) + 1)
    return [counts.get(number, 0 if number >= began and number not in missed else None) for number in range(this - MINUTES, this)] if counts else []


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def to_the_second(fact: Evidence) -> Evidence:
    """Without the milliseconds that no column of times has."""
    values = {name: value.replace(microsecond=0) if isinstance(value, datetime) else value for name, value in fact.values.items()}
    return replace(fact, values=values)


def shown_name(name: str) -> str:
    """The name as a page shows it."""
    return visible(name if len(name) <= MAX_NAME else name[:MAX_NAME] + "…")


def row_id(name: str) -> str:
    """Stable while the task is known."""
    return f"task-{identity(name)[:12]}"


def sort_value(one: JudgedTask, column: str, _now: datetime) -> Value:
    """What a column sorts by."""
    hour, task = one.hour, one.task
    values: Mapping[str, Value] = {
        "task": one.name.casefold(),
        "registered": len(one.registered),
        "active": len(one.active),
        "rate": one.per_minute,
        "failed": hour.failed if hour else None,
        "refused": hour.refused if hour else None,
        "runtime": task.median_runtime.total_seconds() if task and task.median_runtime is not None else None,
        "worked": task.worked.at.timestamp() if task and task.worked else None,
    }
    return values[column]


@lru_cache(maxsize=4096)
def render_row(row: TaskRow, language: str | None) -> str:
    """The row's HTML; the same row in the same language is made once."""
    return render_to_string("lockhouse/panels/tasks_row.html", {"row": row, "say": _fixed_words(language)}).strip()


@lru_cache(maxsize=64)
def _fixed_words(_language: str | None) -> Mapping[str, str]:
    """What every row says alike, looked up once."""
    return {
        "registered": _("Workers"),
        "active": _("Active"),
        "rate": _("Per minute"),
        "failed": _("Failed / h"),
        "refused": _("Refused / h"),
        "runtime": _("Runtime"),
        "worked": _("Last worked"),
        "of": _("of"),
        "more": _("more"),
        "nobody": _("none"),
        "not_told": _("not told"),
        "not_told_why": _("living workers that have not told their tasks"),
        "not_counted": _("Not known: runs are counted only while events are received, and where its workers send them"),
        "rate_unknown": _("Not known: a rate is told only after a whole minute, and where its workers send events"),
        "p95": _("p95"),
        "runtime_why": _("half of its last runs took no longer; p95: nearly all"),
        "never": _("not seen"),
        "never_why": _("No run that worked was seen since it is watched"),
        "queues": _("in"),
        "holds": _("holds"),
        "schedules": _("on a schedule"),
    }
