"""The geometry of the overlap timeline: a lane's last two minutes as bars in percent of its width, and what is left of its time to live.

Pure. Bars are placed relative to an anchor (now, cut to five seconds), so that a lane in which nothing happens is drawn the same for
five seconds and need not be pushed; `timeline.js` shifts the picture between two anchors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import log10

from django.utils.translation import gettext as _

from dashboard.records import Absence, Evidence, JudgedLock, Lane, Span, Wait
from dashboard.words import ENDS, duration, instant

WINDOW = timedelta(minutes=2)
QUANTUM = timedelta(seconds=5)
BEYOND = timedelta(seconds=20)  # how far a held bar is drawn past the anchor: a page that hears no more stops growing it
NARROWEST = 0.4  # percent: a lock held for 50 ms must be seen
LONGEST = timedelta(hours=1)  # the right end of the strip's scale
SCALE_ENDS_AT = 86.0  # percent; what lasts longer is drawn a little to the right of it, and never expires at the end
TICKS = (timedelta(seconds=1), timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), LONGEST)
DEATH_TIMES = {
    "run_ended": "at",
    "worker_lost": "at",
    "worker_silent": "last_heard_at",
    "connection_gone": "at",
    "worker_replaced": "since",
    "pid_given_again": "at",
    "proved_before": "since",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a picture shows: this long, up to its right edge."""

    anchor: datetime
    window: timedelta = WINDOW

    def place(self, at: datetime) -> float:
        """Where an instant lies: 0 at the left edge, 100 at the right one."""
        return 100 - (self.anchor - at) / self.window * 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A time during which the lock was held; `x` and `width` in percent of the window."""

    kind: str  # a verdict, which is its colour
    x: float
    width: float
    title: str
    is_beside: bool = False  # of a run that goes on without the lock while another run has it: drawn below that one's


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A refused attempt."""

    x: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """A time during which an attempt waited."""

    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank:
    """A time of which nothing is known, for nobody looked."""

    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One lane as the template draws it; `told` says the same in words."""

    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    tails: tuple[Tail, ...]
    began_before: str  # the kind of the bar that goes on to the left of the window, "" for none
    told: tuple[str, ...]
    blanks: tuple[Blank, ...] = ()


def anchor_of(now: datetime) -> datetime:
    """The moment that the right edge of the drawn picture stands for."""
    return datetime.fromtimestamp(now.timestamp() // QUANTUM.total_seconds() * QUANTUM.total_seconds(), UTC)


def strip_place(left: timedelta) -> float:
    """Where what is left of a time to live ends on the strip, in percent; one second at 0, an hour at SCALE_ENDS_AT, by its logarithm."""
    seconds = max(left.total_seconds(), 1)
    if left > LONGEST:
        return SCALE_ENDS_AT + 4
    return round(SCALE_ENDS_AT * log10(seconds) / log10(LONGEST.total_seconds()), 1)


def draw(lane: Lane, judged: Sequence[JudgedLock], now: datetime, known_until: datetime | None = None, absences: Sequence[Absence] = ()) -> Drawn:
    """The lane of the locks of this name; `known_until` ends the bars of what is held where nothing newer is known."""
    frame = Frame(anchor=anchor_of(now))
    return draw_in(frame, lane, judged, known_until or frame.anchor + BEYOND, absences)


def draw_in(frame: Frame, lane: Lane, judged: Sequence[JudgedLock], edge: datetime, absences: Sequence[Absence] = ()) -> Drawn:
    """The lane in this frame; what has no end goes on to the edge, and what is drawn in the absence of an observer is covered."""
    unseen = absent_in(frame, absences)
    bars = [bar for span in lane.spans for bar in _bars(span, judged, frame, edge)]
    marks = [Mark(x=round(frame.place(at), 2), title=_("refused at %(at)s") % {"at": instant(at)}) for at in lane.refused_at]
    return Drawn(
        bars=tuple(_side_by_side([bar for bar in map(_clipped, bars) if bar.x + bar.width > 0])),
        marks=tuple(mark for mark in marks if mark.x >= 0),
        tails=tuple(tail for wait in lane.waits if (tail := _tail(wait, frame, edge)).x + tail.width > 0),
        began_before=next((bar.kind for bar in bars if bar.x < 0 < bar.x + bar.width), ""),
        told=(*_told(lane, frame), *(_unknown(one) for one in unseen)),
        blanks=tuple(_blank(one, frame) for one in unseen),
    )


def absent_in(frame: Frame, absences: Sequence[Absence]) -> list[Absence]:
    """Those that have a part of what the picture shows."""
    return [one for one in absences if one.to_at > frame.anchor - frame.window and one.from_at < frame.anchor]


def _blank(absence: Absence, frame: Frame) -> Blank:
    x = max(frame.place(absence.from_at), -10.0)
    return Blank(x=round(x, 2), width=round(max(min(frame.place(absence.to_at), 100.0) - x, NARROWEST), 2), title=_unknown(absence))


def _unknown(absence: Absence) -> str:
    return _("nothing is known from %(from)s to %(to)s: no observer ran") % {"from": instant(absence.from_at), "to": instant(absence.to_at)}


def _bars(span: Span, judged: Sequence[JudgedLock], frame: Frame, edge: datetime) -> Iterator[Bar]:
    mine = next((one for one in judged if one.lock.token_digest == span.token_digest), None)
    to_at, died_at = span.to_at or edge, _died_at(span, mine)
    cuts = [(span.from_at, _first_kind(span, mine))]
    if died_at is not None:
        to_at = span.lapsed_at or to_at  # nobody went on without it
        cuts.append((max(span.from_at, died_at), "orphaned"))
    elif span.lapsed_at is not None:
        cuts.append((span.lapsed_at, "overrun"))
    for (from_at, kind), (until, _kind) in zip(cuts, [*cuts[1:], (to_at, "")], strict=True):
        if until > from_at or len(cuts) == 1:
            x = frame.place(from_at)
            yield Bar(kind=kind, x=round(x, 2), width=round(max(frame.place(until) - x, NARROWEST), 2), title=_title(span))


def _tail(wait: Wait, frame: Frame, edge: datetime) -> Tail:
    x = max(frame.place(wait.from_at), -10.0)
    return Tail(x=round(x, 2), width=round(max(frame.place(wait.to_at or edge) - x, NARROWEST), 2), title=_waited(wait))


def _waited(wait: Wait) -> str:
    values = {"task": wait.task_name or wait.worker or "?", "from": instant(wait.from_at), "to": instant(wait.to_at) if wait.to_at else ""}
    if wait.to_at is None:
        return _("%(task)s waits since %(from)s") % values
    return {
        "acquired": _("%(task)s waited from %(from)s until it had the lock at %(to)s"),
        "refused": _("%(task)s waited from %(from)s and was refused at %(to)s"),
    }.get(wait.end or "", _("%(task)s waited from %(from)s; its end at %(to)s was not told")) % values


def _first_kind(span: Span, mine: JudgedLock | None) -> str:
    """`mine`: as of `_died_at`; of a run that goes on without it, what was known while it held it counts."""
    if mine is None or span.lapsed_at is not None:
        return "unknown" if span.is_unknown else "held"
    return mine.verdict if mine.verdict == "never-expires" else "unknown" if "unknown" in mine.flags else "held"


def _died_at(span: Span, mine: JudgedLock | None) -> datetime | None:
    """Since when its holder is dead; `mine`: what is made of it now, where it is held still, or its run goes on."""
    if mine is not None and "orphaned" in mine.flags:
        return dead_since(mine.evidence) or span.from_at
    return None if mine is not None and "held" in mine.flags else span.died_at


def dead_since(evidence: Sequence[Evidence]) -> datetime | None:
    """The earliest sign that the holder was gone; None where the evidence carries no time."""
    times = [fact.values.get(DEATH_TIMES[fact.code]) for fact in evidence if fact.code in DEATH_TIMES]
    return min((at for at in times if isinstance(at, datetime)), default=None)


def _clipped(bar: Bar) -> Bar:
    """The bar without what lies far to the left: a lock held for a year must not be a rectangle of a million percent."""
    x = max(bar.x, -10.0)
    return replace(bar, x=x, width=round(bar.width - (x - bar.x), 2))


def _side_by_side(bars: Sequence[Bar]) -> Iterator[Bar]:
    """The bars, an overrun last and in two parts where another run takes the lock meanwhile: one that is hidden by the other would be no overlap to see."""
    yield from (bar for bar in bars if bar.kind != "overrun")
    for bar in bars:
        if bar.kind != "overrun":
            continue
        others = [other.x for other in bars if other.kind != "overrun" and bar.x <= other.x < bar.x + bar.width]
        taken = min(others, default=bar.x + bar.width)
        if taken > bar.x:
            yield replace(bar, width=round(taken - bar.x, 2))
        if others:
            yield replace(bar, x=taken, width=round(bar.x + bar.width - taken, 2), is_beside=True)


def _title(span: Span) -> str:
    to_at = span.lapsed_at or span.to_at  # its run may have gone on, but held it no more
    values = {"from": instant(span.from_at), "to": instant(to_at) if to_at else "", "end": ENDS.get(span.end, ENDS[None])}
    if to_at is None:
        return (_("held since before %(from)s") if span.from_is_minimum else _("held since %(from)s")) % values
    if span.end == "by-hand" and span.by:
        return _("held from %(from)s to %(to)s, released by hand by %(by)s") % {**values, "by": span.by}
    return _("held from %(from)s to %(to)s, %(end)s") % values


def _lapsed(span: Span, at: datetime) -> str:
    """How the lock left a run that went on."""
    if span.by:
        return _("released by hand at %(at)s by %(by)s while the run went on") % {"at": instant(at), "by": span.by}
    if span.end in {None, "expired"}:
        return _("its time was up at %(at)s") % {"at": instant(at)}
    return _("%(end)s at %(at)s while the run went on") % {"end": ENDS.get(span.end, ENDS[None]), "at": instant(at)}


def _told(lane: Lane, frame: Frame) -> Iterator[str]:
    for span in lane.spans:
        yield _title(span)
        if span.died_at is not None:
            yield _("its holder was dead from %(at)s") % {"at": instant(span.died_at)}
        elif span.lapsed_at is not None:
            yield _lapsed(span, span.lapsed_at)
            if span.to_at is not None:
                yield _("the run went on without it until %(at)s") % {"at": instant(span.to_at)}
    yield from map(_waited, lane.waits)
    recent = [at for at in lane.refused_at if frame.anchor - at <= frame.window]
    if recent:
        yield _("%(n)d refused within %(window)s, the last at %(at)s") % {"n": len(recent), "window": duration(frame.window), "at": instant(max(recent))}
