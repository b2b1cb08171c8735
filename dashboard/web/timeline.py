"""The geometry of the overlap timeline: a lane's last two minutes as bars in percent of its width, and what is left of its time to live.

Pure. Bars are placed relative to an anchor (now, cut to five seconds), so that a lane in which nothing happens is drawn the same for
five seconds and need not be pushed; `timeline.js` shifts the picture between two anchors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import log10

from dashboard.records import Absence, Evidence, JudgedLock, Lane, Span, Wait
from dashboard.web import timeline_words
from dashboard.words import visible

WINDOW = timedelta(minutes=2)
QUANTUM = timedelta(seconds=5)
BEYOND = timedelta(seconds=20)  # how far a held bar is drawn past the anchor: a page that hears no more stops growing it
LAPSED = {"overrun", "unsure"}  # a run goes on without its lock, or may do so
NARROWEST = 0.4  # percent: a lock held for 50 ms must be seen
NAME_BEGINS, LETTER, LONGEST_NAME = 4.0, 1.8, 16  # percent beside a mark, percent a letter where the picture is as narrow as a phone, letters
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


NOTHING = Lane(lock_id="", cache="", name="", spans=(), refused_at=())  # of no lock: it shows what is not known of any


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
class Hand:
    """A release by an operator, with the name on that side of its mark; "" where there is no room for it."""

    x: float
    title: str
    by: str
    side: str


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
    told: tuple[str, ...]
    blanks: tuple[Blank, ...] = ()
    hands: tuple[Hand, ...] = ()


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
    unseen = [one for one in absent_in(frame, absences) if one.cache in {"", lane.cache} or lane is NOTHING]
    bars = [bar for span in lane.spans for bar in _bars(span, judged, frame, edge)]
    marks = [Mark(x=round(frame.place(at), 2), title=timeline_words.refused(at)) for at in lane.refused_at]
    tails = [tail for wait in lane.waits if (tail := _tail(wait, frame, edge)).x + tail.width > 0]
    return Drawn(
        bars=tuple(_side_by_side([bar for bar in map(_clipped, bars) if bar.x + bar.width > 0])),
        marks=tuple(mark for mark in marks if mark.x >= 0),
        tails=tuple(tails),
        told=(*timeline_words.lane_told(lane, frame.anchor, frame.window), *map(timeline_words.unknown, unseen)),
        blanks=tuple(_blank(one, frame) for one in unseen),
        hands=tuple(_hands(lane.spans, frame, [*((mark.x, mark.x) for mark in marks), *((tail.x, tail.x + tail.width) for tail in tails)])),
    )


def _hands(spans: Sequence[Span], frame: Frame, others: Sequence[tuple[float, float]]) -> Iterator[Hand]:
    """`others`: from where to where the line that the names stand on is taken."""
    released = [(span, at) for span in spans if span.end == "by-hand" and (at := span.lapsed_at or span.to_at) is not None]
    places = [round(frame.place(at), 2) for _span, at in released]
    for (span, at), x in zip(released, places, strict=True):
        by = visible(span.by or "")[:LONGEST_NAME]
        taken = [*others, *((place, place) for place in places if place != x)]
        if x >= 0:
            yield Hand(x=x, title=timeline_words.released_by_hand(span, at), by=by, side=_side(x, len(by), taken))


def _side(x: float, letters: int, taken: Sequence[tuple[float, float]]) -> str:
    room = NAME_BEGINS + letters * LETTER
    for side, fits, left, right in (("right", x + room <= 100, x, x + room), ("left", x >= room, x - room, x)):
        if letters and fits and not any(begin <= right and left <= end for begin, end in taken):
            return side
    return ""


def absent_in(frame: Frame, absences: Sequence[Absence]) -> list[Absence]:
    """Those that have a part of what the picture shows."""
    return [one for one in absences if one.to_at > frame.anchor - frame.window and one.from_at < frame.anchor]


def _blank(absence: Absence, frame: Frame) -> Blank:
    x, end = max(frame.place(absence.from_at), -10.0), frame.place(absence.to_at)
    width = (end if absence.goes_on else min(end, 100.0)) - x
    return Blank(x=round(x, 2), width=round(max(width, NARROWEST), 2), title=timeline_words.unknown(absence))


def _bars(span: Span, judged: Sequence[JudgedLock], frame: Frame, edge: datetime) -> Iterator[Bar]:
    mine = next((one for one in judged if one.lock.token_digest == span.token_digest), None)
    to_at, died_at = span.to_at or edge, _died_at(span, mine)
    cuts = [(span.from_at, _first_kind(span, mine))]
    if died_at is not None:
        to_at = span.lapsed_at or to_at  # nobody went on without it
        cuts.append((max(span.from_at, died_at), "orphaned"))
    elif span.lapsed_at is not None:
        cuts.append((span.lapsed_at, "unsure" if mine is not None and "unknown" in mine.flags else "overrun"))
    for (from_at, kind), (until, _kind) in zip(cuts, [*cuts[1:], (to_at, "")], strict=True):
        if until > from_at or len(cuts) == 1:
            x = frame.place(from_at)
            yield Bar(kind=kind, x=round(x, 2), width=round(max(frame.place(until) - x, NARROWEST), 2), title=timeline_words.held(span))


def _tail(wait: Wait, frame: Frame, edge: datetime) -> Tail:
    x = max(frame.place(wait.from_at), -10.0)
    return Tail(x=round(x, 2), width=round(max(frame.place(wait.to_at or edge) - x, NARROWEST), 2), title=timeline_words.waited(wait))


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
    yield from (bar for bar in bars if bar.kind not in LAPSED)
    for bar in bars:
        if bar.kind not in LAPSED:
            continue
        others = [other.x for other in bars if other.kind not in LAPSED and bar.x <= other.x < bar.x + bar.width]
        taken = min(others, default=bar.x + bar.width)
        if taken > bar.x:
            yield replace(bar, width=round(taken - bar.x, 2))
        if others:
            yield replace(bar, x=taken, width=round(bar.x + bar.width - taken, 2), is_beside=True)
