"""What is sent again and again by a schedule, as it is written down or as it is seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

BEAT_SCHEDULE, DJANGO_CELERY_BEAT, RHYTHM = "beat_schedule", "django-celery-beat", "rhythm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """One process that was seen sending an entry."""

    origin: str | None  # gen4711@web-3; None: only the workers told, who do not know it
    last_at: datetime
    count: int = 1  # sends that were seen
    is_steady: bool = False  # it sent at the times of the schedule, as a beat does


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleReading:
    """One entry of a schedule; a rhythm that was only seen from outside is one as well."""

    id: str  # 16 hex digits
    name: str
    source: str  # "beat_schedule", "django-celery-beat", "rhythm"
    task: str
    args: str = "[]"  # JSON as it would be sent, secrets included; where `can_be_sent` is false a repr or what stands in the database
    kwargs: str = "{}"
    can_be_sent: bool = True  # args and kwargs are whole and JSON: it can be run now
    queue: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)  # the others that it is sent with, as text
    schedule: str = ""  # "every 5 s", "crontab 0 3 * * *"
    interval: timedelta | None = None  # how long from one to the next, where that is always the same
    is_enabled: bool = True
    is_one_off: bool = False
    starts_at: datetime | None = None  # not sent before
    ends_at: datetime | None = None  # not sent after
    origin: str | None = None  # who was seen sending it: gen4711@web-3
    senders: tuple[Sender, ...] = ()  # that were seen, the latest first
    last_sent_at: datetime | None = None
    last_task_id: str | None = None
    last_is_from: str = ""  # how that is known: "event"; "received": a worker told when it came; "database"
    next_at: datetime | None = None  # the first due time after the last send, so it is in the past where that one is overdue
    due_by: datetime | None = None  # until then the next send would have been seen, tolerance included; None: it cannot be told
    missed: int | None = None  # whole intervals that passed without a send; None: it cannot be told
    seen_count: int = 0  # sends that were seen
    run_count: int | None = None  # what the database counts
    seen_since: datetime | None = None  # by us; None: none was seen
    untold: str = ""  # a code: why it cannot be told whether it is late
    problem: str = ""  # a code: why it cannot be told when it is next
    detail: str = ""  # of the problem
