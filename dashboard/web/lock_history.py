"""The pages of the history of locks: they are of the past, so they are pages alone, and nothing is pushed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard import snapshot as snapshots
from dashboard.api.lock_history import overlap_row, seen_active
from dashboard.history.locks import LAST, LockPage, page_of
from dashboard.history.overlaps import MAX_EACH, Overlap, Overlaps, overlaps
from dashboard.history.problems import AWAY, reason_of
from dashboard.history.read import EPOCH, at_id, gaps_between, time_before_all, uncovered
from dashboard.history.rows import Gap
from dashboard.records import LockMoment, Run
from dashboard.web.access import page_for
from dashboard.web.export import FILES, PAYLOADS, UNREDACTED, rows_response
from dashboard.web.instants import instant_of
from dashboard.web.links import acts_url, run_url, task_url, worker_url
from dashboard.web.panels.lock import name_of
from dashboard.web.past import kept_since
from dashboard.web.show import may_of, now_utc, show_page
from dashboard.words import CERTAINTY_WORDS, duration, short_id, spelled_out, visible
from dashboard.words.history import cut_sentence, gap_sentence, moment

ROWS = 100
MAX_SAID, MAX_GAPS = 3, 100


@require_GET
@page_for("lockhouse.view_locks")
def lock_history(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002  # the URL's own word
    """What happened to one lock, the latest first; 404 for one of which nothing is known and nothing was kept."""
    before = _before(request.GET.get("before", ""))
    now = now_utc()
    page, missing, problem = _page(id, before, now)
    name = next((one.name for one in page.moments), None) or name_of(snapshots.newest(), id)
    context = {
        "name": visible(name or ""),
        "lock_url": reverse("lockhouse:lock", args=[id]),
        "rows": [moment_row(one, now) for one in page.moments],
        "acts_url": acts_url(id, may_of(request)),
        "older": page.older,
        "missing": [gap_sentence(gap, now) for gap in missing],
        "problem": problem,
    }
    status, title = 200 if name or problem else 404, _("History of %(name)s") % {"name": visible(name or _("a lock"))}
    return show_page(request, "lockhouse/lock_history.html", here="lock", title=title, status=status, **context)


def _page(lock_id: str, before: int, now: datetime) -> tuple[LockPage, list[Gap], str]:
    """A page of its events, and what is missing in the time that the page shows."""
    try:
        page = page_of(lock_id, before, ROWS)
        from_at, to_at = page.moments[-1].at if page.older else EPOCH, at_id(before)
        first = [] if page.older else time_before_all(EPOCH, to_at, kept_since(now))
        caches = {"", *(one.cache for one in page.moments)}
        gaps = [gap for gap in gaps_between(from_at, to_at, MAX_GAPS) if gap.cache in caches or not page.moments]
        return page, [*[gap for gap in uncovered([*gaps, *first]) if gap not in first][:MAX_SAID], *first], ""
    except AWAY as error:
        return LockPage((), 0), [], reason_of(error)


def _before(told: str) -> int:
    return int(told) if told.isascii() and told.isdigit() and len(told) < 19 else LAST


def moment_row(one: LockMoment, now: datetime) -> Mapping[str, Any]:
    """One event as a page shows it."""
    return {
        "at": instant_of(one.at, now),
        "what": one.what,
        "word": moment(one.what),
        "span": duration(one.span) if one.span is not None else "",
        "task": visible(one.task_name or ""),
        "task_url": task_url(one.task_name) if one.task_name else "",
        "task_id": short_id(one.task_id) if one.task_id else "",
        "run_url": run_url(one.task_id) if one.task_id else "",
        "worker": visible(one.worker or ""),
        "worker_url": worker_url(one.worker) if one.worker else "",
        "certainty": CERTAINTY_WORDS[one.certainty] if one.task_id and one.certainty != "exact" else "",
        "by": visible(one.by or ""),
    }


@require_GET
@page_for("lockhouse.view_locks")
def locks_overlaps(request: HttpRequest) -> HttpResponse:
    """Pairs of runs that a lock should have kept apart, the latest first; `?format=csv` or `json` is the same as a file."""
    found, problem, may, now = Overlaps((), 0), "", may_of(request), now_utc()
    try:
        found = overlaps(_before(request.GET.get("before", "")))
    except AWAY as error:
        problem = reason_of(error)
    active = seen_active(found.overlaps, now)
    rows = [overlap_row(one, payloads=PAYLOADS in may, unredacted=UNREDACTED in may, active=active) for one in found.overlaps]
    if (kind := request.GET.get("format", "")) in FILES:
        return rows_response(request, kind, "overlaps", iter(rows), now, is_whole=not (problem or found.older or found.cut))
    context: dict[str, Any] = {
        "rows": [_overlap(one, row, may, now) for one, row in zip(found.overlaps, rows, strict=True)],
        "older": found.older,
        "unnamed": found.unnamed,
        "cut": cut_sentence(found.cut, MAX_EACH),
        "strays": [(visible(one.name), reverse("lockhouse:lock-history", args=[one.lock_id])) for one in found.strays],
        "problem": problem,
    }
    return show_page(request, "lockhouse/overlaps.html", here="locks", title=_("Overlaps"), **context)


def _overlap(one: Overlap, row: Mapping[str, Any], may: frozenset[str], now: datetime) -> Mapping[str, Any]:
    return {
        "at": instant_of(one.from_at, now),
        "together": duration((one.to_at or now) - one.from_at),
        "has_end": one.to_at is not None,
        "is_still": row["still_together"],
        "name": visible(one.name),
        "url": reverse("lockhouse:lock-history", args=[one.lock_id]),
        "why": moment(one.why),
        "by": visible(one.by or ""),
        "acts_url": acts_url(one.lock_id, may) if one.by else "",
        "runs": [_run_of(row, "first", one.first.task_id, one.first), _run_of(row, "second", one.second.task_id, one.second_run)],
    }


def _run_of(row: Mapping[str, Any], which: str, task_id: str | None, run: Run | None) -> Mapping[str, Any]:
    task, worker = (run.name, run.worker) if run else (None, None)
    return {
        "task": visible(task or _("a run not known")),
        "task_url": task_url(task) if task else "",
        "task_id": short_id(task_id) if task_id else "",
        "certainty": CERTAINTY_WORDS[row[f"{which}_certainty"]] if task_id and row[f"{which}_certainty"] != "exact" else "",
        "url": run_url(task_id) if task_id else "",
        "worker": visible(worker or ""),
        "worker_url": worker_url(worker) if worker else "",
        "given": spelled_out(" ".join(filter(None, (row[f"{which}_args"], row[f"{which}_kwargs"])))),
    }
