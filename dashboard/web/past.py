"""The overlap timeline of any time that the history knows: paused, and moved back and forth by hand. A page alone, for the past is pushed to nobody."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard import snapshot as snapshots
from dashboard.history.lanes import Past, lanes_between
from dashboard.history.problems import AWAY, reason_of
from dashboard.history.read import absences_among, gaps_between
from dashboard.history.rows import Gap
from dashboard.judge.run_filter import typed_time
from dashboard.records import Lane
from dashboard.web.access import page_for
from dashboard.web.instants import instant_of
from dashboard.web.look import look
from dashboard.web.show import is_partial, now_utc, show_page
from dashboard.web.timeline import Drawn, Frame, draw_in
from dashboard.words import duration, visible
from dashboard.words.history import gap_sentence
from dashboard.words.run_filter import wrong_time

SPANS = (timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
REACH = 30  # how many spans back the slider goes
STEPS = 20  # of the slider in one span
MAX_LANES = 100
MAX_GAPS = 200
MAX_SAID = 3  # of these, in words above the picture
URGENT = ("overrun", "expired", "by-hand")


@require_GET
@page_for("lockhouse.view_locks")
def timeline_past(request: HttpRequest) -> HttpResponse:
    """Who held each lock up to `until` (seconds since 1970, or as in the filter of runs; now, where it is missing), over `span` seconds."""
    now = now_utc()
    told = request.GET.get("until", "")
    at = _at(told, now)
    span, until = _span(request.GET.get("span", "")), min(at or now, now)
    past, missing, problem = Past((), is_cut=False), list[Gap](), ""
    try:
        newest = snapshots.newest()
        past = lanes_between(until - span, until, newest.locks, newest.waits)
        missing = gaps_between(until - span, until, MAX_GAPS)
    except AWAY as error:
        problem = reason_of(error)
    frame, absences = Frame(anchor=until, window=span), absences_among(missing)
    judged = look(snapshots.newest(), now).judged  # what is held still may be known for dead
    pictures = (draw_in(frame, lane, [one for one in judged if one.lock.id == lane.lock_id], until, absences) for lane in past.lanes)
    drawn = sorted(zip(past.lanes, pictures, strict=True), key=_urgency)
    shown = [_shown(lane, picture) for lane, picture in drawn if picture.bars or picture.marks or picture.tails]
    context = {
        "rows": shown[:MAX_LANES],
        "more": max(len(shown) - MAX_LANES, 0),
        "is_cut": past.is_cut,
        "problem": problem,
        "wrong": wrong_time("until", visible(told[:40])) if told and at is None else "",
        "missing": [gap_sentence(gap, now) for gap in missing[:MAX_SAID]],
        "axis": [(place, f"{until - span * (1 - place / 100):%H:%M:%S}") for place in (0, 25, 50, 75)],
        "from_at": instant_of(until - span, now),
        "until_at": instant_of(until, now),
        **_controls(span, until, now),
    }
    template, title = "lockhouse/past_moved.html" if is_partial(request) else "lockhouse/past.html", _("Overlap, back in time")
    return show_page(request, template, here="overview", title=title, **context)


def _span(told: str) -> timedelta:
    return next((span for span in SPANS if told == str(int(span.total_seconds()))), SPANS[0])


def _at(told: str, now: datetime) -> datetime | None:
    """The moment; None for what is no time."""
    if told.isascii() and told.isdigit() and len(told) < 11:
        return datetime.fromtimestamp(int(told), UTC)
    return typed_time(told, now)


def _urgency(one: tuple[Lane, Drawn]) -> tuple[bool, bool, str]:
    lane, drawn = one
    is_urgent = any(bar.kind in {"overrun", "orphaned"} for bar in drawn.bars) or any(span.end in URGENT for span in lane.spans)
    return not is_urgent, not (drawn.marks or drawn.tails), lane.name


def _shown(lane: Lane, drawn: Drawn) -> Mapping[str, Any]:
    return {
        "name": visible(lane.name),
        "cache": visible(lane.cache),
        "url": reverse("lockhouse:lock-history", args=[lane.lock_id]),
        "drawn": drawn,
        "refused": len(drawn.marks),
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
