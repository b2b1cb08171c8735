"""django-celery-beat's own tables, written by its own models: what is read of them, and what is malformed there."""

from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery
from django.apps import apps
from django.contrib import admin
from django.db import connection

from dashboard.exceptions import SourceUnavailable
from dashboard.observer.schedules_feed import schedule_places
from dashboard.sources.schedules import has_tables, read_tables

pytest.importorskip("django_celery_beat", reason="its newest release allows no Django that this Python gets")
NOW = datetime(2026, 11, 23, 14, 7, 41, tzinfo=UTC)


@pytest.fixture
def installed(settings):
    """The app, whose models are in nobody's admin after the test."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django_celery_beat"]
    yield
    for model in [model for model in admin.site._registry if model._meta.app_label == "django_celery_beat"]:
        admin.site.unregister(model)


@pytest.fixture
def beat_models(installed, transactional_db):
    """Its models with their tables, which are gone after the test."""
    models = list(apps.get_app_config("django_celery_beat").get_models())
    with connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    yield {model.__name__: model for model in models}
    with connection.schema_editor() as editor:
        for model in reversed(models):
            editor.delete_model(model)


@pytest.fixture
def task(beat_models):
    """Make a PeriodicTask, every 10 s unless it is given another schedule."""

    def make(**fields):
        if not {"crontab", "solar", "clocked"} & fields.keys():
            fields["interval"] = beat_models["IntervalSchedule"].objects.create(every=10, period="seconds")
        return beat_models["PeriodicTask"].objects.create(**{"name": "notify a user", "task": "notify", **fields})

    return make


def only():
    (entry,) = read_tables(Celery("guest", broker="memory://", set_as_current=False))
    return entry


def test_tables_are_read_where_the_app_is_installed(beat_models):
    assert has_tables()
    assert [name for name, _ in schedule_places()] == ["beat_schedule", "django-celery-beat"]
    assert read_tables(None) == []


def test_periodic_task_with_everything(task):
    task(
        args='["a", 1]',
        kwargs='{"b": 2}',
        queue="emails",
        priority=3,
        headers='{"x": 1}',
        last_run_at=NOW,
        total_run_count=7,
        start_time=NOW - timedelta(days=1),
        expires=NOW + timedelta(days=1),
    )

    entry = only()

    assert (entry.name, entry.task, entry.source, entry.args, entry.kwargs) == ("notify a user", "notify", "django-celery-beat", '["a", 1]', '{"b": 2}')
    assert (entry.schedule, entry.interval, entry.queue, entry.can_be_sent) == ("every 10 s", timedelta(seconds=10), "emails", True)
    assert dict(entry.options) == {"priority": "3", "headers": '{"x": 1}'}
    assert (entry.last_sent_at, entry.last_is_from, entry.run_count) == (NOW, "database", 7)
    assert (entry.starts_at, entry.ends_at, entry.is_enabled, entry.problem) == (NOW - timedelta(days=1), NOW + timedelta(days=1), True, "")


def test_disabled_and_one_off(task):
    task(enabled=False, one_off=True)

    assert (only().is_enabled, only().is_one_off) == (False, True)


def test_crontab_is_next_in_its_own_time_zone(task, beat_models):
    task(crontab=beat_models["CrontabSchedule"].objects.create(minute="0", hour="3", timezone="Asia/Tokyo"))

    entry = only()

    assert entry.schedule == "crontab 0 3 * * * (Asia/Tokyo)"
    assert entry.next_at is not None
    assert (entry.next_at.astimezone(UTC).hour, entry.next_at.minute) == (18, 0)


def test_clocked_is_once(task, beat_models):
    task(clocked=beat_models["ClockedSchedule"].objects.create(clocked_time=NOW), one_off=True)

    assert (only().schedule, only().next_at) == ("once at 2026-11-23 14:07:41 UTC", NOW)


def test_31_february_is_a_problem_of_that_row_alone(task, beat_models):
    task(crontab=beat_models["CrontabSchedule"].objects.create(day_of_month="31", month_of_year="2"))
    task(name="the other", task="other")

    impossible, other = read_tables(None)

    assert impossible.problem == "broken-schedule"
    assert "never occurs" in impossible.detail
    assert (other.problem, other.interval) == ("", timedelta(seconds=10))


def test_solar_is_said_with_its_place(task, beat_models):
    task(solar=beat_models["SolarSchedule"].objects.create(event="sunset", latitude="46.9", longitude="7.4"))

    assert only().next_at is not None or "ephem" in only().detail


@pytest.mark.parametrize("stored", ["{", "[1, 2", "'a'", '{"a": 1}', "null", "7", "[" * 200_000, "\x00"])
def test_malformed_arguments_are_a_problem_and_shown_as_they_stand(task, stored):
    task(args=stored)

    entry = only()

    assert (entry.problem, entry.can_be_sent, entry.args[:5]) == ("arguments-not-json", False, stored[:5])


def test_task_without_a_schedule_is_a_problem(beat_models):
    beat_models["PeriodicTask"].objects.bulk_create([beat_models["PeriodicTask"](name="odd", task="notify")])

    assert only().problem == "no-schedule"


def test_interval_of_nothing_is_a_problem(task, beat_models):
    task()
    beat_models["IntervalSchedule"].objects.update(every=0)

    assert only().problem == "no-pause"


def test_missing_table_is_unavailable_and_not_empty(installed, db):
    with pytest.raises(SourceUnavailable, match="django-celery-beat cannot be read"):
        read_tables(None)
