"""Text as a screen may show it: spans and instants of time, short ids. Plain text only; nothing here is ever marked safe for HTML."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django.utils.translation import gettext as _

from dashboard.inert import visible as spelled_out
from dashboard.redaction import hide_in_name

SHORT_ID = 8  # of a task id's 36 characters: enough to find it, and what workers' logs are searched for
UUID_LENGTH = 36


MILLISECOND, SECOND = timedelta(milliseconds=1), timedelta(seconds=1)
SHOWN = ((timedelta(days=1), timedelta(hours=1)), (timedelta(hours=1), timedelta(minutes=1)), (SECOND, SECOND))  # from how long on, the smallest unit


@lru_cache(maxsize=8192)
def visible(text: str) -> str:
    """A name of the watched system as anybody may see it: what is surely a secret in it is hidden, what a screen would hide is spelled out.

    Whatever a token, a message or an event says of a task, a run, a worker or a host is a name like that of a key: anybody may have written it.
    """
    return spelled_out(hide_in_name(text))


def duration(span: timedelta) -> str:
    """How long something took, to the nearest of the unit shown, at most two: `340 ms`, `8 s`, `18 m 40 s`, `20 m`, `2 h 4 m`, `3 d 4 h`."""
    unit = next((unit for since, unit in SHOWN if abs(span) >= since), MILLISECOND)
    return at_least((abs(span) + unit / 2) // unit * unit)


def at_least(span: timedelta) -> str:
    """The same, cut and never rounded up: what is left of a time, or has passed at least, is not said to be longer than it is."""
    milliseconds = abs(span) // MILLISECOND
    seconds = milliseconds // 1000
    if seconds == 0:
        return _("%(n)d ms") % {"n": milliseconds}
    if seconds < 60:
        return _("%(n)d s") % {"n": seconds}
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return _("%(d)d d %(h)d h") % {"d": days, "h": hours % 24} if hours % 24 else _("%(d)d d") % {"d": days}
    if hours:
        return _("%(h)d h %(m)d m") % {"h": hours, "m": minutes % 60} if minutes % 60 else _("%(h)d h") % {"h": hours}
    return _("%(m)d m %(s)d s") % {"m": minutes, "s": seconds % 60} if seconds % 60 else _("%(m)d m") % {"m": minutes}


def instant(at: datetime, now: datetime | None = None) -> str:
    """The time of day in UTC, to the millisecond where it has one; with the date where `now` is given and is another day."""
    at = at.astimezone(UTC)
    shown = f"{at:%H:%M:%S}.{at.microsecond // 1000:03d} UTC" if at.microsecond >= 1000 else f"{at:%H:%M:%S} UTC"
    return shown if now is None or at.date() == now.astimezone(UTC).date() else f"{at:%Y-%m-%d} {shown}"


def clock(at: datetime, now: datetime) -> str:
    """The same to the second, for columns: tenths there would only flicker."""
    return instant(at.replace(microsecond=0), now)


def short_id(task_id: str) -> str:
    """The beginning of a task id; an id that is no uuid is shown whole."""
    return visible(task_id)[:SHORT_ID] if len(task_id) == UUID_LENGTH else visible(task_id)
