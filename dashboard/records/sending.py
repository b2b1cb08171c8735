"""What somebody means to send, what its task takes, and where what was sent waits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from dashboard.records.judged import Evidence

ParameterKind = Literal["positional", "either", "keyword", "rest", "keywords"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a task's function."""

    name: str
    kind: ParameterKind = "either"  # "rest" is *args, "keywords" is **kwargs
    has_default: bool = False
    default: str | None = None  # as JSON; None: there is none, or it is no JSON
    annotation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a task takes, in order, `self` of a bound one left out."""

    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A message, or several alike, as somebody means to send it; args and kwargs are JSON values."""

    task: str
    queue: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    countdown: timedelta | None = None
    eta_at: datetime | None = None
    expires_in: timedelta | None = None
    expires_at: datetime | None = None
    priority: int | None = None
    ignore_result: bool = True
    count: int = 1

    def starts_at(self, now: datetime) -> datetime:
        """When it may run at the earliest, if it is sent now."""
        return self.eta_at or (now + self.countdown if self.countdown else now)

    def ends_at(self, now: datetime) -> datetime | None:
        """After when it must not start, if it is sent now."""
        return self.expires_at or (now + self.expires_in if self.expires_in is not None else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """What the watched system's transport does with a message."""

    priority_steps: tuple[int, ...] = (0, 3, 6, 9)  # one list each; the first is read first
    visibility_timeout: timedelta | None = None  # as the settings say; None: they say nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """What was sent from here and is followed: where its messages wait, as last looked."""

    act_id: str
    task: str
    queue: str
    count: int
    sent_at: datetime
    places: Mapping[str, int] = field(default_factory=dict)  # task id -> how many are delivered before it
    beyond: int | None = None  # the others have at least so many before them; None: all that wait were found
    looked_at: datetime | None = None
    since: datetime | None = None  # since when it is looked for without a break
    seen: tuple[int, ...] = ()  # by number, those that were found in their queue, or of which anybody has told


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at before sending."""

    subject: str  # name, queue, readers, arguments, lock, order, expires, later, priority, result, source
    state: Literal["ok", "warning", "fails", "unknown"]
    evidence: Evidence
    suggestion: str = ""  # the name that was probably meant, of a task or of a queue
    lock_id: str = ""  # of the lock that is meant
    decides: bool = True  # False: it says what will be so, not whether it runs
