"""What is sent again and again by a schedule, as it is written down or as it is seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleReading:
    """One entry of a schedule; a rhythm that was only seen from outside is one as well."""

    id: str  # 16 hex digits
    name: str
    source: str  # "beat_schedule", "django-celery-beat", "rhythm"
    task: str
    args: str = "[]"  # JSON as it would be sent, secrets included; of a rhythm the event's repr
    kwargs: str = "{}"
    can_be_sent: bool = True  # args and kwargs are JSON: it can be run now
    queue: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)  # the others that it is sent with, as text
    schedule: str = ""  # "every 5 s", "crontab 0 3 * * *"
    interval: timedelta | None = None  # how long from one to the next, where that is always the same
    is_enabled: bool = True
    is_one_off: bool = False
    origin: str | None = None  # who was seen sending it: gen4711@web-3
    last_sent_at: datetime | None = None
    last_task_id: str | None = None
    last_is_from: str = ""  # how that is known: "event", "database"
    next_at: datetime | None = None
    missed: int | None = None  # sends that were due since the last one and did not come; None: it cannot be told
    seen_count: int = 0  # sends that were seen
    seen_since: datetime | None = None  # by us; None: none was seen
    problem: str = ""  # a code: why it cannot be told when it is next
    detail: str = ""  # of the problem
