"""Lanes of the overlap timeline as pieces: which locks, in which order, and what each says beside its picture."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.judge.one_lock import held_first
from dashboard.judge.verdicts import URGENCY
from dashboard.records import Absence, JudgedLock, Lane
from dashboard.web import timeline
from dashboard.web.instants import Instant, iso, maybe
from dashboard.web.links import acts_url
from dashboard.web.look import Look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import piece
from dashboard.web.panels.lock_row import lapsed_word
from dashboard.web.timeline_words import how_it_ended
from dashboard.words import verdict, visible
from dashboard.words.history import absence_sentence

MAX_LANES = 12
MAX_SAID = 3


def ordered_lanes(look: Look) -> list[tuple[Lane, list[JudgedLock]]]:
    """Those that need attention in the judge's order, then by name, so that a lane stays where it is while nothing is wrong with it."""
    judged, urgent = defaultdict[str, list[JudgedLock]](list), dict[str, int]()
    for index, one in enumerate(look.judged):
        judged[one.lock.id].append(one)
        if one.needs_attention:
            urgent.setdefault(one.lock.id, index)
    last = len(look.judged)
    lanes = sorted(look.snapshot.lanes, key=lambda lane: (urgent.get(lane.lock_id, last), lane.lock_id not in judged, lane.name))
    return [(lane, judged[lane.lock_id]) for lane in lanes]


def lane_piece(lane: Lane, judged: Sequence[JudgedLock], look: Look, within: str, may: frozenset[str]) -> Piece:
    """One row of the timeline: of the most urgent verdict on its lock, and with the time to live of what holds it now."""
    absences = absences_of(look)
    drawn = timeline.draw(lane, judged, look.now, None if look.is_current else look.snapshot.at, absences)
    is_unseen = any(one.goes_on and one.cache in {"", lane.cache} for one in absences)
    urgent = min(judged, key=lambda one: URGENCY.index(one.verdict), default=None)
    kind = urgent.verdict if urgent else "unknown" if is_unseen else "free"
    held = next(iter(held_first(judged)), None)
    return piece(
        f"lane-{lane.lock_id[:12]}",
        "panels/lane.html",
        within,
        name=visible(lane.name),
        cache=visible(lane.cache),
        url=reverse("lockhouse:lock", args=[lane.lock_id]),
        kind=kind,
        word=_("free") if kind == "free" else verdict(kind),
        note=_note(lane, held),
        note_url=acts_url(lane.lock_id, may) if held is None and is_last_by_hand(lane) else "",
        drawn=drawn,
        anchor=iso(timeline.anchor_of(look.now)),
        **_left(held, look.now),
    )


def absences_of(look: Look) -> Sequence[Absence]:
    """When nobody looked, of late, and since when nobody does."""
    return (*(look.snapshot.observer.absences if look.snapshot.observer else ()), *_going_on(look))


def _going_on(look: Look) -> Iterator[Absence]:
    """Drawn as far as bars are: a lane in which nothing stands would be a lock that is known to be free."""
    until = timeline.anchor_of(look.now) + timeline.BEYOND
    if look.is_stale and look.snapshot.at is not None:
        yield Absence(from_at=look.snapshot.at, to_at=until, goes_on=True)
        return
    for source in look.away("cache"):
        yield Absence(from_at=source.last_good_at or source.since, to_at=until, goes_on=True, cache=source.name.removeprefix("cache "))


def unseen(look: Look) -> str:
    """A sentence for each of these that is over and that the picture still shows: of the others the page's head tells."""
    over = [one for one in absences_of(look) if not one.goes_on]
    shown = timeline.absent_in(timeline.Frame(anchor=timeline.anchor_of(look.now)), over)
    return " ".join(absence_sentence(one, look.now) for one in shown[-MAX_SAID:])


def _note(lane: Lane, now_held: JudgedLock | None) -> str:
    if now_held is not None:
        return visible(now_held.holder.task_name or now_held.holder.worker or "")
    ended = [span for span in lane.spans if span.to_at is not None]
    return how_it_ended(ended[-1]) if ended else ""


def is_last_by_hand(lane: Lane) -> bool:
    """Whether an operator released what held it last."""
    ended = [span for span in lane.spans if span.to_at is not None]
    return bool(ended) and ended[-1].end == "by-hand"


def _left(now_held: JudgedLock | None, now: datetime) -> dict[str, object]:
    """What is left of the time to live, as text and as a place on the strip."""
    lock = now_held.lock if now_held else None
    expires: Instant | None = maybe(lock.expires_at, now) if lock and lock.lapsed_at is None else None
    place = None
    if lock is not None and lock.expires_at is not None and expires:
        place = timeline.strip_place(lock.expires_at - timeline.anchor_of(now))
    return {
        "expires": expires,
        "lapsed": maybe(lock.lapsed_at, now) if lock else None,
        "lapsed_word": lapsed_word(lock) if lock and lock.lapsed_at else "",
        "never": lock is not None and lock.never_expires and lock.lapsed_at is None,
        "place": place,
    }


def axis() -> dict[str, object]:
    """The lines of the picture that do not move."""
    past = [(0, _("2 m ago")), (25, _("90 s")), (50, _("60 s")), (75, _("30 s"))]
    words = ("1 s", "10 s", "1 m", "10 m", "1 h")
    return {"past": past, "ticks": [(timeline.strip_place(tick), word) for tick, word in zip(timeline.TICKS, words, strict=True)]}
