"""One result as the pages show it: flat strings, so that a row whose record did not change is not rendered again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from dashboard.judge.results import JudgedResult
from dashboard.web.instants import Instant, maybe
from dashboard.web.links import run_url, task_url
from dashboard.web.panels.listing import Value
from dashboard.words import short_id, visible
from dashboard.words.results import STATE_MEANINGS, size, state_word

TONES = {"never-expires": "never-expires", "retrieving": "expiring", "there": "held", "expired": "free", "deleted": "free", "awaited": "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """What one row says; every string is ready to be escaped and shown."""

    row_id: str
    name: str
    url: str
    cache: str
    key: str
    tone: str
    word: str
    meaning: str
    stored_state: str
    expires: Instant | None
    never_expires: bool
    gone: Instant | None
    size: str
    since: Instant | None  # written, or seen first
    since_is_minimum: bool
    pattern: str
    task: str
    task_url: str
    is_stored: bool
    runs: tuple[tuple[str, str], ...]  # id and link


def result_row(one: JudgedResult, now: datetime) -> ResultRow:
    """The row of one judged result."""
    result = one.result
    since = result.written_at or result.first_seen_at
    return ResultRow(
        row_id=f"result-{result.id[:12]}",
        name=visible(result.name),
        url=reverse("lockhouse:result", args=[result.id]),
        cache=visible(result.cache),
        key=visible(result.key),
        tone=TONES[one.state],
        word=state_word(one.state),
        meaning=str(STATE_MEANINGS[one.state]),
        stored_state=visible(result.state or ""),
        expires=maybe(result.expires_at, now) if one.is_there else None,
        never_expires=one.is_there and result.expires_at is None,
        gone=maybe(result.gone_at, now) if result.first_seen_at is not None else None,
        size=_size(one),
        since=maybe(since, now) if one.is_there else None,
        since_is_minimum=result.written_at is None,
        pattern=visible(result.pattern),
        task=visible(one.task or ""),
        task_url=task_url(one.task) if one.task else "",
        is_stored=result.is_stored,
        runs=tuple((short_id(run.task_id), run_url(run.task_id)) for run in one.runs[:3]),
    )


def _size(one: JudgedResult) -> str:
    if not one.is_there:
        return ""
    return size(one.result.payload_bytes) if one.result.payload_bytes is not None else _("a %(kind)s") % {"kind": visible(one.result.kind)}


def render_row(row: ResultRow) -> str:
    """The row's HTML, rendered once for as long as nothing in it changes."""
    return _rendered(row, get_language())


@lru_cache(maxsize=4096)
def _rendered(row: ResultRow, language: str | None) -> str:
    return render_to_string("lockhouse/panels/results_row.html", {"row": row, "say": _fixed_words(language)}).strip()


@lru_cache(maxsize=64)
def _fixed_words(_language: str | None) -> Mapping[str, str]:
    """What every row says alike, looked up once."""
    return {
        "ttl": _("Time to live"),
        "until": _("until"),
        "never": _("never expires"),
        "at": _("at"),
        "ago": _("gone since"),
        "size": _("Size"),
        "age": _("Age"),
        "since": _("since"),
        "at_least": _("It was there already when it was first seen"),
        "task": _("Written by"),
        "task_unknown": _("The settings do not say which task writes it (LOCKHOUSE_RESULTS)"),
        "run_forgotten": _("The run that left it is no longer remembered"),
        "not_known": _("Not known"),
        "run": _("run"),
    }


def sort_value(one: JudgedResult, column: str, _now: datetime) -> Value:
    """What a column sorts by."""
    result = one.result
    since = result.written_at or result.first_seen_at
    values: Mapping[str, Value] = {
        "name": result.name.casefold(),
        "ttl": result.expires_at.timestamp() if result.expires_at and one.is_there else None,
        "size": result.payload_bytes,
        "age": -since.timestamp() if since and one.is_there else None,
        "task": one.task,
    }
    return values[column]
