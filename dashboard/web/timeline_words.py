"""What the overlap timeline says in words: beside its marks for whoever points at them, and in a list for whoever does not see it. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from dashboard.records import Absence, Lane, Span, Wait
from dashboard.words import ENDS, duration, instant, source_name, visible


def lane_told(lane: Lane, until: datetime, window: timedelta) -> Iterator[str]:
    """All of the lane, of which the picture shows this long."""
    for span in lane.spans:
        yield held(span)
        if span.died_at is not None:
            yield _("its holder was dead from %(at)s") % {"at": instant(span.died_at)}
        elif span.lapsed_at is not None:
            yield _lapsed(span, span.lapsed_at)
            if span.to_at is not None:
                yield _("the run went on without it until %(at)s") % {"at": instant(span.to_at)}
    yield from map(waited, lane.waits)
    recent = [at for at in lane.refused_at if until - at <= window]
    if recent:
        yield _("%(n)d refused within %(window)s, the last at %(at)s") % {"n": len(recent), "window": duration(window), "at": instant(max(recent))}


def held(span: Span) -> str:
    """From when until when one token held the lock, and how that ended."""
    to_at = span.lapsed_at or span.to_at  # its run may have gone on, but held it no more
    values = {"from": instant(span.from_at), "to": instant(to_at) if to_at else "", "end": how_it_ended(span)}
    if to_at is None:
        return (_("held since before %(from)s") if span.from_is_minimum else _("held since %(from)s")) % values
    return _("held from %(from)s to %(to)s, %(end)s") % values


def how_it_ended(span: Span) -> str:
    """Of one that is over."""
    if span.end == "by-hand" and span.by:
        return _("released by hand by %(by)s") % {"by": visible(span.by)}
    return str(ENDS.get(span.end, ENDS[None]))


def released_by_hand(span: Span, at: datetime) -> str:
    """That an operator did it, and when."""
    return f"{how_it_ended(span)} · {instant(at)}"


def _lapsed(span: Span, at: datetime) -> str:
    """How the lock left a run that went on."""
    if span.by:
        return _("released by hand at %(at)s by %(by)s while the run went on") % {"at": instant(at), "by": visible(span.by)}
    if span.end in {None, "expired"}:
        return _("its time was up at %(at)s") % {"at": instant(at)}
    return _("%(end)s at %(at)s while the run went on") % {"end": ENDS.get(span.end, ENDS[None]), "at": instant(at)}


def waited(wait: Wait) -> str:
    """Who waited, for how long, and what came of it."""
    values = {"task": wait.task_name or wait.worker or "?", "from": instant(wait.from_at), "to": instant(wait.to_at) if wait.to_at else ""}
    if wait.to_at is None:
        return _("%(task)s waits since %(from)s") % values
    return {
        "acquired": _("%(task)s waited from %(from)s until it had the lock at %(to)s"),
        "refused": _("%(task)s waited from %(from)s and was refused at %(to)s"),
    }.get(wait.end or "", _("%(task)s waited from %(from)s; its end at %(to)s was not told")) % values


def refused(at: datetime) -> str:
    """When an attempt was turned away."""
    return _("refused at %(at)s") % {"at": instant(at)}


def unknown(absence: Absence) -> str:
    """Of when nothing is known, and why."""
    if absence.is_first:
        return _("nothing is known of the time before %(to)s") % {"to": instant(absence.to_at.replace(microsecond=0))}
    between = {"from": instant(absence.from_at), "to": instant(absence.to_at), "cache": source_name(f"cache {absence.cache}")}
    if absence.goes_on:
        known = _("nothing is known since %(from)s: %(cache)s does not answer") if absence.cache else _("nothing is known since %(from)s: no observer is heard")
        return known % between
    if absence.cache:
        return _("nothing is known from %(from)s to %(to)s: nothing was heard of %(cache)s") % between
    return _("nothing is known from %(from)s to %(to)s: no observer was heard") % between
