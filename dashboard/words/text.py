"""Text as a screen may show it: names made visible, spans and instants of time, short ids. Plain text only; nothing here is ever marked safe for HTML."""

import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django.utils.translation import gettext as _

HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, format (bidi, zero width), surrogates, private, line and paragraph ends
BLANK_LETTERS = {"\u115f", "\u1160", "\u2800", "\u3164", "\uffa0"}  # letters by category, and yet nothing to be seen
FIRST_BEYOND_BMP = 0x10000
SHORT_ID = 8  # of a task id's 36 characters: enough to find it, and what workers' logs are searched for
UUID_LENGTH = 36


@lru_cache(maxsize=8192)
def visible(text: str) -> str:
    r"""The text with everything that a screen hides or turns around spelled out: U+202E becomes `\u202e`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelled(character) if _is_hidden(character) else character for character in text)


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in HIDDEN_CATEGORIES or character in BLANK_LETTERS


def _spelled(character: str) -> str:
    code = ord(character)
    return f"\\U{code:08x}" if code >= FIRST_BEYOND_BMP else f"\\u{code:04x}"


def duration(span: timedelta) -> str:
    """At most two units, cut and never rounded up: `340 ms`, `8 s`, `18 m 40 s`, `20 m`, `2 h 4 m`, `3 d 4 h`."""
    milliseconds = abs(span) // timedelta(milliseconds=1)
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
    return visible(task_id[:SHORT_ID] if len(task_id) == UUID_LENGTH else task_id)
