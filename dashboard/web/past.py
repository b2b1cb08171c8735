"""The overlap timeline of any time that the history knows: paused, and moved back and forth by hand. A page alone, for the past is pushed to nobody."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import nsmallest
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard import snapshot as snapshots
from dashboard.conf import conf
from dashboard.history.lanes import Past, lanes_between
from dashboard.history.problems import AWAY, reason_of
from dashboard.history.read import absences_among, gaps_between, time_before_all, uncovered
from dashboard.history.rows import US, Gap
from dashboard.judge.run_filter import typed_time
from dashboard.records import Absence, JudgedLock, Lane
from dashboard.web.access import page_for
from dashboard.web.instants import instant_of
from dashboard.web.links import acts_url
from dashboard.web.look import Look, look
from dashboard.web.show import is_partial, may_of, now_utc, show_page
from dashboard.web.timeline import NOTHING, Drawn, Frame, draw_in
from dashboard.words import duration, visible
from dashboard.words.history import gap_sentence
from dashboard.words.run_filter import wrong_time

SPANS = (timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
REACH = 30  # how many spans back the slider goes
STEPS = 20  # of the slider in one span
FIRST = datetime(1971, 1, 1, tzinfo=UTC)  # what is longer ago is a slip of the pen, and its span might begin before time does
CENTURY_DAYS = 36_500  # what is kept for longer is kept for ever; the calendar has a beginning
MAX_LANES = 100
MAX_GAPS = 200
MAX_SAID = 3  # of these, in words above the picture
URGENT = ("overrun", "expired", "by-hand")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the history says of that time; `missing`: the times of which it knows nothing."""

    past: Past = field(default_factory=lambda: Past((), is_cut=False))
    missing: Sequence[Gap] = ()
    problem: str = ""


@require_GET
@page_for("lockhouse.view_locks")
def timeline_past(request: HttpRequest) -> HttpResponse:
    """Who held each lock up to `until` (seconds since 1970, or as in the filter of runs; now, where it is missing), over `span` seconds."""
    now = now_utc()
    told = request.GET.get("until", "")
    at = _at(told, now)
    span, until = _span(request.GET.get("span", "")), min(at or now, now)
    seen = look(snapshots.newest(), now)
    found, frame = _found(seen, until - span, until), Frame(anchor=until, window=span)
    absences = absences_among(found.missing)
    context = {
        "rows": _rows(found.past.lanes, frame, absences, seen.judged, may_of(request)),
        "more": max(len(found.past.lanes) - MAX_LANES, 0),
        "is_cut": found.past.is_cut,
        "problem": found.problem,
        "wrong": wrong_time("until", visible(told[:40])) if told and at is None else "",
        "missing": [gap_sentence(gap, now) for gap in found.missing[:MAX_SAID]],
        "unseen": draw_in(frame, NOTHING, (), until, absences),
        "is_unseen": any(one.from_at <= until - span and one.to_at >= until for one in absences if not one.cache),
        "axis": [(place, f"{until - span * (1 - place / 100):%H:%M:%S}") for place in (0, 25, 50, 75)],
        "from_at": instant_of(until - span, now),
        "until_at": instant_of(until, now),
        **_controls(span, until, now),
    }
    template, title = "lockhouse/past_moved.html" if is_partial(request) else "lockhouse/past.html", _("Overlap, back in time")
    return show_page(request, template, here="overview", title=title, **context)


def _found(seen: Look, from_at: datetime, to_at: datetime) -> Found:
    try:
        past = lanes_between(from_at, to_at, seen.snapshot.locks, seen.snapshot.waits)
        missing = [*_since_the_last(seen, to_at), *time_before_all(from_at, to_at, kept_since(seen.now)), *gaps_between(from_at, to_at, MAX_GAPS)]
        return Found(past=past, missing=uncovered(missing))
    except AWAY as error:
        return Found(problem=reason_of(error))


def kept_since(now: datetime) -> datetime:
    """What is older is deleted."""
    return now - timedelta(days=min(conf().HISTORY_DAYS, CENTURY_DAYS))


def _since_the_last(seen: Look, to_at: datetime) -> list[Gap]:
    """The time since an observer looked last, where none does now: the next one is going to write it."""
    last = seen.snapshot.at
    if seen.is_current or last is None or last >= to_at:
        return []
    return [Gap(from_us=int(last.timestamp() * US), to_us=int(seen.now.timestamp() * US), why="no-observer")]


def _rows(lanes: Sequence[Lane], frame: Frame, absences: Sequence[Absence], judged: Sequence[JudgedLock], may: frozenset[str]) -> list[Mapping[str, Any]]:
    """The most urgent lanes, drawn; `judged`: what is held still may be known for dead."""
    by_lock = defaultdict[str, list[JudgedLock]](list)
    for one in judged:
        by_lock[one.lock.id].append(one)
    first = nsmallest(MAX_LANES, lanes, key=lambda lane: _urgency(lane, by_lock[lane.lock_id]))
    drawn = [(lane, draw_in(frame, lane, by_lock[lane.lock_id], frame.anchor, absences)) for lane in first]
    return [_shown(lane, picture, may) for lane, picture in drawn if picture.bars or picture.marks or picture.tails]


def _span(told: str) -> timedelta:
    return next((span for span in SPANS if told == str(int(span.total_seconds()))), SPANS[0])


def _at(told: str, now: datetime) -> datetime | None:
    """The moment; None for what is no time, or one that nobody can mean."""
    if told.isascii() and told.isdigit() and len(told) < 11:
        at: datetime | None = datetime.fromtimestamp(int(told), UTC)
    else:
        at = typed_time(told, now)
    return at if at is not None and at >= FIRST else None


def _urgency(lane: Lane, judged: Sequence[JudgedLock]) -> tuple[bool, bool, str]:
    died = any(span.died_at is not None or span.lapsed_at is not None or span.end in URGENT for span in lane.spans)
    is_urgent = died or any(one.needs_attention for one in judged)
    return not is_urgent, not (lane.refused_at or lane.waits), lane.name


def _shown(lane: Lane, drawn: Drawn, may: frozenset[str]) -> Mapping[str, Any]:
    return {
        "name": visible(lane.name),
        "cache": visible(lane.cache),
        "url": reverse("lockhouse:lock-history", args=[lane.lock_id]),
        "drawn": drawn,
        "refused": len(drawn.marks),
        "is_by_hand": bool(drawn.hands),
        "acts_url": acts_url(lane.lock_id, may),
    }


def _controls(span: timedelta, until: datetime, now: datetime) -> Mapping[str, Any]:
    """The slider, and the links that do the same without a script."""
    seconds, at, end = int(span.total_seconds()), int(until.timestamp()), int(now.timestamp())
    return {
        "slider": {"min": min(end - seconds * REACH, at), "max": end, "step": seconds // STEPS, "value": at},
        "span": seconds,
        "spans": [{"label": duration(one), "url": _url(until, one), "is_here": one == span} for one in SPANS],
        "earlier": _url(until - span / 2, span),
        "later": _url(until + span / 2, span) if until + span / 2 < now else "",
    }


def _url(until: datetime, span: timedelta) -> str:
    return f"{reverse('lockhouse:timeline')}?{urlencode({'until': int(until.timestamp()), 'span': int(span.total_seconds())})}"
