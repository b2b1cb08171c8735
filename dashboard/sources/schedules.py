"""Reads schedules where they are written down: the `beat_schedule` of this process's Celery app, and django-celery-beat's tables.

From outside there is neither: then only what is seen being sent tells of a schedule (observer/schedule_book.py).
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from celery import Celery
from django.apps import apps
from django.db import Error as DatabaseError
from django.db import close_old_connections

from dashboard.exceptions import SourceUnavailable
from dashboard.records import ScheduleReading
from dashboard.records.identity import identity
from dashboard.records.schedules import BEAT_SCHEDULE, DJANGO_CELERY_BEAT
from dashboard.sources.foreign import clean_text
from dashboard.sources.schedule_times import times_of

MAX_ENTRIES = 2000
MAX_ARGUMENTS = 16 * 1024  # characters of JSON: longer ones are cut, and cannot be sent from a page
MAX_OPTIONS = 20
TABLES = "django_celery_beat"  # the app's label


def has_tables() -> bool:
    """Whether django-celery-beat is installed in this project."""
    return apps.is_installed(TABLES)


def read_beat_schedule(app: Celery | None) -> list[ScheduleReading]:
    """Every entry of the app's `beat_schedule`, in its order; empty where there is no app.  Cost: no I/O; the project's own signal handlers
    that add periodic tasks run the first time.
    """
    if app is None:
        return []
    app.finalize()  # handlers of on_after_finalize add their entries, as they do in beat
    entries = app.conf.beat_schedule
    return [_of_beat(str(name), entry, app) for name, entry in list(entries.items())[:MAX_ENTRIES]] if isinstance(entries, Mapping) else []


def _of_beat(name: str, entry: object, app: Celery) -> ScheduleReading:
    known = entry if isinstance(entry, Mapping) else {key: getattr(entry, key, None) for key in ("task", "schedule", "args", "kwargs", "options", "relative")}
    task, options = known.get("task"), known.get("options")
    args, args_are_json = as_json(known.get("args") or (), list)
    kwargs, kwargs_are_json = as_json(known.get("kwargs") or {}, dict)
    times = times_of(lambda: known.get("schedule"), app=app, relative=bool(known.get("relative")))
    options = options if isinstance(options, Mapping) else {}
    return ScheduleReading(
        id=identity(BEAT_SCHEDULE, name),
        name=clean_text(name),
        source=BEAT_SCHEDULE,
        task=clean_text(task) if isinstance(task, str) else "",
        args=args,
        kwargs=kwargs,
        can_be_sent=args_are_json and kwargs_are_json and isinstance(task, str),
        queue=queue_of(options.get("queue"), app, is_routed="exchange" in options or "routing_key" in options),
        options=dict(_as_text(options)),
        schedule=times.text,
        interval=times.interval,
        next_at=times.next_at,
        problem=times.problem if isinstance(task, str) else "no-task",
        detail=times.detail,
    )


def read_tables(app: Celery | None) -> list[ScheduleReading]:
    """Every PeriodicTask of django-celery-beat, by name.  Cost: one query.  Raises: SourceUnavailable if the database does not answer."""
    model = apps.get_model(TABLES, "PeriodicTask")
    try:
        close_old_connections()
        rows = list(model._default_manager.select_related("interval", "crontab", "solar", "clocked").order_by("name")[:MAX_ENTRIES])
    except DatabaseError as error:
        raise SourceUnavailable(DJANGO_CELERY_BEAT, f"cannot be read: {error}") from error
    finally:
        close_old_connections()
    return [_of_row(row, app) for row in rows]


def _of_row(row: Any, app: Celery | None) -> ScheduleReading:
    args, args_problem = _stored(row.args or "[]", list)
    kwargs, kwargs_problem = _stored(row.kwargs or "{}", dict)
    headers, _ = _stored(row.headers or "{}", dict)
    times = times_of(lambda: row.schedule if row.scheduler is not None else None, app=app)
    options = {"exchange": row.exchange, "routing_key": row.routing_key, "priority": row.priority, "expire_seconds": row.expire_seconds}
    given_options = {name: value for name, value in options.items() if value is not None and value != ""} | ({"headers": headers} if headers != "{}" else {})
    malformed = args_problem or kwargs_problem
    return ScheduleReading(
        id=identity(DJANGO_CELERY_BEAT, str(row.pk)),
        name=clean_text(row.name),
        source=DJANGO_CELERY_BEAT,
        task=clean_text(row.task),
        args=args,
        kwargs=kwargs,
        can_be_sent=not malformed and max(len(args), len(kwargs)) < MAX_ARGUMENTS,
        queue=queue_of(row.queue or None, app, is_routed=bool(row.exchange or row.routing_key)),
        options=dict(_as_text(given_options)),
        schedule=times.text,
        interval=times.interval,
        is_enabled=row.enabled,
        is_one_off=row.one_off,
        starts_at=_aware(row.start_time),
        ends_at=_aware(row.expires),
        last_sent_at=_aware(row.last_run_at),
        last_is_from="database" if row.last_run_at else "",
        next_at=times.next_at,
        run_count=row.total_run_count,
        problem="arguments-not-json" if malformed else times.problem,
        detail=clean_text(malformed or times.detail),
    )


def as_json(value: Any, kind: type) -> tuple[str, bool]:
    """Arguments as JSON, and whether that is all of them; of what is no JSON (a lazy function, a date) the repr."""
    if isinstance(value, tuple):
        value = list(value)
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return clean_text(_repr(value), MAX_ARGUMENTS), False
    return clean_text(text, MAX_ARGUMENTS), isinstance(value, kind) and len(text) < MAX_ARGUMENTS


def _stored(text: str, kind: type) -> tuple[str, str]:
    """The JSON text as it stands in the database, and what is wrong with it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return clean_text(text, MAX_ARGUMENTS), f"{type(error).__name__}: {error}"
    return clean_text(text, MAX_ARGUMENTS), "" if isinstance(value, kind) else f"{kind.__name__} expected, found {type(value).__name__}"


def queue_of(named: object, app: Celery | None, *, is_routed: bool) -> str | None:
    """The queue that an entry goes to; None where routes decide, which only the sender can ask."""
    name = getattr(named, "name", named)  # a kombu Queue is allowed as well
    if isinstance(name, str) and name:
        return clean_text(name)
    if app is None or is_routed or app.conf.task_routes:
        return None
    return clean_text(str(app.conf.task_default_queue))


def _as_text(options: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    for name, value in list(options.items())[:MAX_OPTIONS]:
        if name != "queue":
            yield clean_text(str(name), 64), clean_text(value if isinstance(value, str) else _repr(value), 200)


def _aware(at: datetime | None) -> datetime | None:
    """The instant; a project without time zones stores it in UTC."""
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=UTC)


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  # a repr is the project's own code
        return f"<{type(value).__name__}>"
