"""Times as a page carries them: absolute in the HTML, so that they are whole without a script; `times.js` makes them relative."""

from dataclasses import dataclass
from datetime import UTC, datetime

from dashboard.words import clock


@dataclass(frozen=True, slots=True)
class Instant:
    """One `<time>`: what machines read, and what people read until the script has run."""

    iso: str
    text: str


def instant_of(at: datetime, now: datetime) -> Instant:
    """The instant to the second in words, to the millisecond for the script."""
    return Instant(iso=iso(at), text=clock(at, now))


def maybe(at: datetime | None, now: datetime) -> Instant | None:
    """The instant, None where it is not known."""
    return None if at is None else instant_of(at, now)


def iso(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
