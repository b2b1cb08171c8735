"""What the coverage line says of events that were never taken in: between which moments, of which types, and what is known to be missing."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard.records import EventGap, Observer
from dashboard.web.look import Look
from dashboard.words import instant, visible

SAID_FOR = timedelta(minutes=15)
MAX_SAID = 3
MAX_TYPES = 4


def lost_events(seen: Look) -> Iterator[str]:
    """A sentence for each gap of late, the newest first, and one for what found no room."""
    said = seen.snapshot.observer
    if said is None:
        return
    recent = [gap for gap in said.event_gaps if seen.now - gap.to_at < SAID_FOR]
    for gap in reversed(recent[-MAX_SAID:]):
        yield " ".join(filter(None, (_gap(gap), _missing(gap))))
    if said.dropped_at is not None and seen.now - said.dropped_at < SAID_FOR:
        yield _dropped(said, said.dropped_at)


def _gap(gap: EventGap) -> str:
    times = {"from": instant(gap.from_at), "to": instant(gap.to_at)}
    if gap.was_cut:
        return (
            _(
                "From %(from)s to %(to)s no events were received: Redis had closed the connection, for they came faster than they were read "
                "(client-output-buffer-limit pubsub)."
            )
            % times
        )
    return _("From %(from)s to %(to)s no events were received: the connection to the broker was lost.") % times


def _missing(gap: EventGap) -> str:
    if not gap.runs_at_least:
        return ""
    count = gap.runs_at_least
    return ngettext("At least %(n)s run of that time is missing.", "At least %(n)s runs of that time are missing.", count) % {"n": f"{count:,}"}


def _dropped(said: Observer, at: datetime) -> str:
    total = sum(said.dropped_by_type.values())
    most = sorted(said.dropped_by_type.items(), key=lambda one: -one[1])
    types = ", ".join(f"{count:,} {visible(kind)}" for kind, count in most[:MAX_TYPES]) + (", …" if len(most) > MAX_TYPES else "")
    text = ngettext(
        "%(n)s event found no room until %(at)s and is missing (%(types)s): it came faster than it could be taken in.",
        "%(n)s events found no room until %(at)s and are missing (%(types)s): they came faster than they could be taken in.",
        total,
    )
    return text % {"n": f"{total:,}", "at": instant(at), "types": types}
