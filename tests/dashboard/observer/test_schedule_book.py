"""What the observer makes of sends of what is written down: last and next, late and missed, two beats; by made events, without I/O."""

from datetime import timedelta

import pytest

from tests.dashboard.observer.schedule_story import BEAT, OTHER, Story, after
from tests.factories import make_schedule


def test_last_next_and_count_of_an_entry_that_is_written_down():
    story = Story(make_schedule(interval=timedelta(seconds=10)))
    story.every(10, 3)

    (entry,) = story.at(25)

    assert (entry.last_sent_at, entry.last_task_id, entry.last_is_from, entry.origin) == (after(20), "run-3", "event", BEAT)
    assert (entry.next_at, entry.due_by, entry.missed, entry.seen_count) == (after(30), after(32), 0, 3)


@pytest.mark.parametrize(("seconds", "missed"), [(31, 0), (33, 0), (43, 1), (95, 6)])
def test_whole_intervals_that_pass_are_missed(seconds, missed):
    story = Story(make_schedule(interval=timedelta(seconds=10)))
    story.every(10, 3)

    assert story.at(seconds)[0].missed == missed


def test_arguments_written_as_a_tuple_are_sent_as_a_list():
    story = Story(make_schedule(args='["reader@shop.example", "newsletter"]', kwargs='{"a": 1}'))
    story.event(0, args="['reader@shop.example', 'newsletter']", kwargs="{'a': 1}")
    story.event(5, args="('reader@shop.example', 'newsletter')", kwargs="{'a': 1}")
    story.event(7, args="['somebody.else@shop.example', 'newsletter']", kwargs="{'a': 1}")

    assert story.at(8)[0].seen_count == 2


def test_retry_is_no_send():
    story = Story(make_schedule())
    story.event(0)
    story.event(3, retries=1)

    assert story.at(4)[0].last_sent_at == after(0)


def test_nothing_is_missed_while_events_are_not_received():
    story = Story(make_schedule(interval=timedelta(seconds=10)))
    story.every(10, 3)
    story.told_since = None

    (entry,) = story.at(500)

    assert (entry.due_by, entry.missed, entry.untold) == (None, None, "events-away")


def test_after_a_gap_in_the_events_a_whole_interval_is_waited_for():
    story = Story(make_schedule(interval=timedelta(seconds=10)))
    story.every(10, 3)
    story.told_since = after(100)

    assert story.at(105)[0].due_by == after(112)


def test_entry_without_an_interval_is_due_when_it_said():
    story = Story(make_schedule(interval=None, schedule="crontab * * * * *", next_at=after(60)))
    story.event(60.2)
    story.written(make_schedule(interval=None, schedule="crontab * * * * *", next_at=after(120)), at=61)
    (on_time,) = story.at(62)
    story.written(make_schedule(interval=None, schedule="crontab * * * * *", next_at=after(180)), at=121)
    story.written(make_schedule(interval=None, schedule="crontab * * * * *", next_at=after(240)), at=181)

    (late,) = story.at(200)

    assert (on_time.next_at, on_time.missed) == (after(120), 0)
    assert (late.next_at, late.due_by, late.missed) == (after(120), after(126), 1)


def test_beat_that_starts_again_under_a_new_origin_goes_on():
    story = Story(make_schedule(interval=timedelta(seconds=10)))
    story.every(10, 3)
    story.every(10, 3, start=34, origin=OTHER)

    (entry,) = story.at(56)

    assert (entry.origin, entry.last_sent_at, entry.missed) == (OTHER, after(54), 0)


def test_send_by_hand_does_not_hide_that_beat_is_late():
    story = Story(make_schedule(interval=timedelta(seconds=10)))
    story.every(10, 3)
    story.event(24, origin=OTHER)

    (entry,) = story.at(35)

    assert (entry.origin, entry.last_sent_at) == (BEAT, after(20))


def test_two_beats_that_send_the_same_are_both_steady():
    story = Story(make_schedule(interval=timedelta(seconds=10)))
    for number in range(4):
        story.event(number * 10)
        story.event(number * 10 + 3, origin=OTHER)

    (entry,) = story.at(34)

    assert {sender.origin for sender in entry.senders if sender.is_steady} == {BEAT, OTHER}


def test_lazy_arguments_are_matched_by_the_task_alone():
    story = Story(make_schedule(args="[<lazy>]", can_be_sent=False))
    story.event(0, args="['2026-11-23']")

    assert story.at(1)[0].seen_count == 1


def test_two_entries_alike_are_told_apart_by_their_queue():
    story = Story(make_schedule(name="a", queue="one"), make_schedule(name="b", queue="two"))
    story.event(0, queue="two")

    assert [(entry.name, entry.seen_count) for entry in story.at(1)] == [("a", 0), ("b", 1)]


def test_entry_that_django_celery_beat_took_over_is_shown_once():
    story = Story(make_schedule(name="notify a user"))
    story.written(make_schedule(name="notify a user", source="django-celery-beat", id="f" * 16), source="django-celery-beat")

    assert [entry.source for entry in story.at(1)] == ["django-celery-beat"]


def test_database_tells_where_no_event_does():
    entry = make_schedule(source="django-celery-beat", interval=timedelta(minutes=10), last_sent_at=after(-60), last_is_from="database")
    story = Story()
    story.written(entry, source="django-celery-beat")

    (one,) = story.at(0)

    assert (one.last_is_from, one.next_at, one.untold) == ("database", after(540), "")
    assert one.due_by > after(700), "the database is written minutes later"


def test_receipt_and_send_of_one_message_are_one_whichever_comes_first():
    story = Story(make_schedule())
    story.event(0, task_id="a")
    story.event(0.1, kind="task-received", task_id="a", origin="w@guest")
    story.event(9.9, kind="task-received", task_id="b", origin="w@guest")
    story.event(10, task_id="b")

    (entry,) = story.at(20)

    assert (entry.seen_count, entry.last_is_from) == (2, "event")


def test_hostile_events_are_passed_over():
    story = Story()
    for odd in (None, 7, ["x"], "\ud800", "x" * 600):
        for name in ("uuid", "name", "args", "kwargs", "hostname", "timestamp", "retries"):
            story.book.event({"type": "task-sent", "uuid": "a", "name": "n", name: odd}, after(0), None)

    assert story.at(1) == ()


def test_new_observer_goes_on_from_the_old_one():
    old = Story()
    old.every(10, 5)
    written = make_schedule(task="report", interval=timedelta(seconds=30))
    old.written(written)
    old.event(20, task="report")
    kept = old.at(45)

    new = Story(told_since=after(55))
    new.book.restore(kept)
    new.written(written, at=51)
    new.every(10, 2, start=50)

    by_name = {entry.task: entry for entry in new.at(65)}
    assert (by_name["notify"].seen_count, by_name["notify"].source) == (7, "rhythm")
    assert (by_name["report"].last_sent_at, by_name["report"].due_by) == (after(20), after(88))


def test_nothing_changes_from_tick_to_tick():
    story = Story(make_schedule())
    story.event(0)
    story.at(1)

    assert not story.book.refresh(after(2), story.told_since)
