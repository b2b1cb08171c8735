"""When a schedule is due next, and its text. A schedule may be an object of the project's own: whatever it does, it ends and is told."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any, TypeVar

from celery import Celery
from celery.schedules import crontab, maybe_schedule, schedule, solar

from dashboard.sources.foreign import clean_text

MAX_LINES = 100_000  # of Python; the longest crontab of Celery's takes 2,000
SHORTEST = timedelta(milliseconds=1)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """What a schedule says of itself; with a problem there is no next time."""

    text: str = ""
    interval: timedelta | None = None
    next_at: datetime | None = None
    problem: str = ""
    detail: str = ""


class TookTooLong(BaseException):
    """Not an Exception, so that no `except Exception` of a loop catches it."""


def times_of(give: Callable[[], Any], *, app: Celery | None, relative: bool = False) -> Times:
    """The text of the schedule that `give` gives, and either its interval or its next due time.  Cost: no I/O, at most MAX_LINES lines of Python.

    Source: `celery.beat` asks `is_due` and `remaining_estimate` of what `maybe_schedule` makes of an entry.
    """
    text = ""
    try:
        known = bounded(lambda: maybe_schedule(give(), relative, app=app))
        if known is None:
            return Times(problem="no-schedule")
        text = bounded(lambda: text_of(known))
        return bounded(lambda: _times(known, text))
    except TookTooLong:
        return Times(text=text, problem="no-end")
    except Exception as error:  # noqa: BLE001  # a schedule is the project's own code and may raise anything: the row says what
        return Times(text=text, problem="broken-schedule", detail=clean_text(f"{type(error).__name__}: {error}", 200))


def _times(known: Any, text: str) -> Times:
    has_interval = isinstance(known, schedule) and not known.relative  # a relative one is rounded to the clock: its first interval is shorter
    interval: timedelta | None = known.run_every if has_interval else None
    if interval is None:
        return Times(text=text, next_at=next_of(known))
    return Times(text=text, interval=interval) if interval >= SHORTEST else Times(text=text, problem="no-pause")


def next_of(known: Any) -> datetime:
    """When it is due next if it was run just now."""
    if not hasattr(known, "remaining_estimate"):
        return datetime.now(UTC) + timedelta(seconds=float(known.is_due(datetime.now(UTC))[1]))
    now = known.maybe_make_aware(known.now()) if hasattr(known, "maybe_make_aware") else datetime.now(UTC)
    remaining: timedelta = known.remaining_estimate(now)
    return _whole(datetime.now(UTC) + remaining)


def bounded(work: Callable[[], T]) -> T:
    """What `work` gives.  Raises: TookTooLong after MAX_LINES lines of Python, for nothing else ends a loop in a thread."""
    left, before = MAX_LINES, sys.gettrace()

    def count(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal left
        left -= event == "line"
        if left < 0:
            raise TookTooLong
        return count

    sys.settrace(count)
    try:
        return work()
    finally:
        sys.settrace(before)


def text_of(known: Any) -> str:
    """`every 10 s`, `crontab 0 3 * * *`, `sunset at 46.9, 7.4`; of an object of the project's own its repr."""
    is_crontab, is_plain = isinstance(known, crontab), isinstance(known, schedule)
    if is_crontab:
        parts = (known._orig_minute, known._orig_hour, known._orig_day_of_month, known._orig_month_of_year, known._orig_day_of_week)
        zone = str(known.tz)
        return clean_text("crontab " + " ".join(_field(part) for part in parts) + ("" if zone == "UTC" else f" ({zone})"), 200)
    if isinstance(known, solar):
        return clean_text(f"{known.event} at {known.lat}, {known.lon}", 100)
    if is_plain:
        return every(known.run_every)
    clocked = getattr(known, "clocked_time", None)
    return f"once at {clocked.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if isinstance(clocked, datetime) else clean_text(repr(known), 100)


def every(span: timedelta) -> str:
    """`every 10 s`, `every 5 min`, `every 1 h 30 min`: whole units, to the millisecond."""
    left, parts = abs(span) // timedelta(milliseconds=1), []
    for unit, factor in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000)):
        if count := left // factor:
            parts.append(f"{count} {unit}")
        left %= factor
    if left or not parts:
        parts.append(f"{left / 1000:g} s")
    return "every " + " ".join(parts)


def _field(part: object) -> str:
    return ",".join(str(one) for one in sorted(part)) if isinstance(part, (set, list, tuple)) else str(part)


def _whole(at: datetime) -> datetime:
    """Rounded to the second: two readings of the clock lie between, and a crontab knows no parts of a second."""
    return (at + timedelta(milliseconds=500)).replace(microsecond=0)
