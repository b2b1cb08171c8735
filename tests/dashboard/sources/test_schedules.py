"""Schedules as they are written down in a Celery app: every kind, and those that are broken, impossible or without end."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from celery import Celery
from celery.beat import BeatLazyFunc
from celery.schedules import BaseSchedule, crontab, schedule, solar

from dashboard.sources.schedule_times import every, times_of
from dashboard.sources.schedules import as_json, read_beat_schedule


def app_with(beat_schedule, **conf):
    app = Celery("guest", broker="memory://", set_as_current=False)
    app.conf.update(beat_schedule=beat_schedule, **conf)
    return app


def read(entry, **conf):
    (one,) = read_beat_schedule(app_with({"an entry": entry}, **conf))
    return one


class Endless(BaseSchedule):
    def remaining_estimate(self, last_run_at):
        while True:
            with suppress(Exception):
                self.nowfun = None


class Rude(BaseSchedule):
    def remaining_estimate(self, last_run_at):
        raise KeyError("<script>")

    def __repr__(self):
        return "<rude>"


class WithoutRepr(BaseSchedule):
    def __repr__(self):
        raise ValueError("no repr")


@pytest.mark.parametrize(
    ("given", "interval", "text"),
    [
        (10, timedelta(seconds=10), "every 10 s"),
        (0.25, timedelta(seconds=0.25), "every 0.25 s"),
        (timedelta(hours=1, minutes=30), timedelta(minutes=90), "every 1 h 30 min"),
        (schedule(60), timedelta(minutes=1), "every 1 min"),
    ],
)
def test_intervals(given, interval, text):
    entry = read({"task": "report", "schedule": given})

    assert (entry.interval, entry.schedule, entry.next_at, entry.problem) == (interval, text, None, "")


def test_crontab_is_next_by_the_time_zone_of_the_app():
    entry = read({"task": "report", "schedule": crontab(minute="0", hour="3")}, timezone="Asia/Tokyo")

    assert entry.schedule == "crontab 0 3 * * * (Asia/Tokyo)"
    assert entry.interval is None
    assert entry.next_at is not None
    assert (entry.next_at.astimezone(UTC).hour, entry.next_at.minute, entry.next_at.second) == (18, 0, 0)
    assert timedelta(0) < entry.next_at - datetime.now(UTC) <= timedelta(days=1)


def test_crontab_follows_its_own_clock():
    then = datetime(2020, 1, 1, 2, 0, tzinfo=UTC)
    entry = read({"task": "report", "schedule": crontab(minute="0", hour="3", nowfun=lambda: then)})

    assert entry.next_at is not None
    assert abs(entry.next_at - datetime.now(UTC) - timedelta(hours=1)) < timedelta(seconds=5)


def test_relative_interval_is_next_by_the_clock():
    entry = read({"task": "report", "schedule": 60, "relative": True})

    assert entry.next_at is not None
    assert entry.next_at.second == 0


def test_leap_day_on_a_monday_is_found():
    entry = read({"task": "report", "schedule": crontab(minute="0", hour="0", day_of_month="29", month_of_year="2", day_of_week="1")})

    assert entry.next_at is not None
    assert (entry.next_at.month, entry.next_at.day, entry.next_at.weekday()) == (2, 29, 0)


def test_31_february_is_a_problem_and_no_endless_loop():
    def impossible():
        return crontab(day_of_month="31", month_of_year="2")

    times = times_of(impossible, app=app_with({}))

    assert (times.problem, times.next_at) == ("broken-schedule", None)
    assert "never occurs" in times.detail


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (Endless(), "no-end"), (Rude(), "broken-schedule"), (WithoutRepr(), "broken-schedule"), (None, "no-schedule"),
        ("every day", "broken-schedule"), (float("nan"), "broken-schedule"), (float("inf"), "broken-schedule"), (object(), "broken-schedule"),
        (0, "no-pause"), (-5, "no-pause"),
    ],
)  # fmt: skip
def test_broken_schedules_are_rows_with_a_problem(given, problem):
    entry = read({"task": "report", "schedule": given})

    assert (entry.problem, entry.next_at, entry.name) == (problem, None, "an entry")


@pytest.mark.parametrize("entry", [None, 7, "x", [], {}, {"schedule": 5}, {"task": 7, "schedule": 5}])
def test_odd_entries_are_rows_with_a_problem(entry):
    one = read(entry)

    assert one.problem
    assert not one.can_be_sent


def test_solar_without_its_library_is_said():
    times = times_of(lambda: solar("sunset", 46.9, 7.4), app=app_with({}))

    assert times.next_at is not None or "ephem" in times.detail


@pytest.mark.parametrize(
    ("args", "shown", "can_be_sent"),
    [
        ((1, "a"), '[1, "a"]', True),
        ([None, {"a": [1]}], '[null, {"a": [1]}]', True),
        ((datetime(2026, 1, 1, tzinfo=UTC),), "[datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)]", False),
        (("\ud800",), '["\\ud800"]', True),
    ],
)
def test_arguments_are_json_or_a_repr(args, shown, can_be_sent):
    entry = read({"task": "report", "schedule": 5, "args": args})

    assert (entry.args, entry.can_be_sent) == (shown, can_be_sent)


def test_arguments_that_are_made_anew_cannot_be_sent_from_a_page():
    assert not read({"task": "report", "schedule": 5, "args": (BeatLazyFunc(print),)}).can_be_sent


def test_very_long_arguments_are_cut_and_cannot_be_sent():
    entry = read({"task": "report", "schedule": 5, "args": ["x" * 10_000_000]})

    assert len(entry.args) < 20_000
    assert not entry.can_be_sent


def test_deeply_nested_arguments_are_no_crash():
    nested: list = []
    for _ in range(100_000):
        nested = [nested]

    assert as_json(nested, list)[1] is False


def test_queue_and_options():
    entry = read({"task": "report", "schedule": 5, "options": {"queue": "reports", "expires": 10, "headers": {"token": "x"}}})

    assert (entry.queue, dict(entry.options)) == ("reports", {"expires": "10", "headers": "{'token': 'x'}"})


def test_queue_is_the_default_one_unless_routes_decide():
    entry = {"task": "report", "schedule": 5}

    assert read(entry, task_default_queue="main").queue == "main"
    assert read(entry, task_routes={"report": "other"}).queue is None
    assert read({**entry, "options": {"routing_key": "a.b"}}).queue is None


def test_periodic_tasks_that_signal_handlers_add_are_there():
    app = app_with({})

    @app.on_after_finalize.connect
    def add(sender, **_said):
        sender.add_periodic_task(30, sender.signature("report"), name="added")

    assert [entry.name for entry in read_beat_schedule(app)] == ["added"]


def test_no_app_has_no_schedule():
    assert read_beat_schedule(None) == []


def test_every_entry_can_be_written():
    entries = read_beat_schedule(app_with({"\ud800": {"task": "\ud800", "schedule": 5, "args": ["\udfff"]}}))

    assert json.loads(msgspec.json.encode(entries))[0]["name"] == "\\ud800"


@pytest.mark.parametrize(("span", "text"), [(timedelta(0), "every 0 s"), (timedelta(days=1), "every 1 d"), (timedelta(seconds=90.5), "every 1 min 30.5 s")])
def test_intervals_in_text(span, text):
    assert every(span) == text
