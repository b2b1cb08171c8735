"""What the observer makes of sends: last and next, late and missed, rhythms, two beats; by made events, without I/O."""

import json
import random
from datetime import timedelta

import pytest

from dashboard.observer.observations import SchedulesRead
from dashboard.observer.rhythm import MAX_AGAIN, MAX_ONCE, rounded
from dashboard.observer.schedule_book import ScheduleBook
from dashboard.records.identity import identity
from tests.dashboard.observer.told import Told
from tests.factories import NOW, make_schedule

BEAT, OTHER = "gen4711@web-3", "gen9@web-4"


def after(seconds: float):
    return NOW + timedelta(seconds=seconds)


LONG_AGO = after(-3600)


class Story:
    """A book with events at seconds after NOW; events are received since before NOW."""

    def __init__(self, *entries, told_since=LONG_AGO):
        self.book, self.told_since, self.number = Told(lambda runs: ScheduleBook()), told_since, 0
        if entries:
            self.written(*entries)

    def written(self, *entries, at=0.0, source="beat_schedule"):
        self.book.read(SchedulesRead(source=source, entries=entries, at=after(at)))

    def event(self, at, kind="task-sent", *, task="notify", args="[42]", kwargs="{}", origin=BEAT, queue="celery", task_id=None, **more):
        self.number += 1
        fields = {"uuid": task_id or f"run-{self.number}", "name": task, "args": args, "kwargs": kwargs, "hostname": origin, "timestamp": after(at).timestamp()}
        self.book.event({"type": kind, **fields, **more}, after(at), queue)

    def every(self, seconds, count, *, start=0.0, **event):
        for number in range(count):
            self.event(start + number * seconds, **event)

    def at(self, seconds):
        self.book.refresh(after(seconds), self.told_since)
        return self.book.readings


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


# Rhythms: nothing is written down.


def test_steady_sends_are_a_rhythm_after_the_fourth():
    story = Story()
    story.every(10, 3)
    assert story.at(21) == ()
    story.event(30)

    (entry,) = story.at(31)

    assert (entry.source, entry.task, entry.args, entry.can_be_sent, entry.queue) == ("rhythm", "notify", "[42]", True, "celery")
    assert (entry.interval, entry.schedule, entry.seen_count, entry.origin) == (timedelta(seconds=10), "every 10 s", 4, BEAT)
    assert (entry.last_sent_at, entry.next_at, entry.seen_since) == (after(30), after(40), after(0))


def test_rhythm_with_jitter_is_rounded_to_what_a_person_would_write():
    chance, story = random.Random(1), Story()
    for number in range(12):
        story.event(number * 60 + chance.uniform(0, 0.4))

    assert story.at(700)[0].interval == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(9.96, 10), (59.8, 60), (61, 61), (90, 90), (3601, 3600), (86_390, 86_400), (2.5, 2.5), (119.4, 120), (1.004, 1), (1.04, 1), (1.2, 1.2)],
)
def test_intervals_are_rounded(seconds, written):
    assert rounded(timedelta(seconds=seconds)) == timedelta(seconds=written)


def test_lost_events_do_not_hide_a_rhythm():
    story = Story()
    for number in (0, 1, 2, 3, 5, 6, 7, 9, 10, 11):
        story.event(number * 10)

    (entry,) = story.at(111)

    assert entry.interval == timedelta(seconds=10)
    assert entry.next_at == after(120)


@pytest.mark.parametrize("seed", range(5))
def test_sends_at_random_times_are_no_rhythm(seed):
    chance, story, at = random.Random(seed), Story(), 0.0
    for _ in range(300):
        at += chance.expovariate(1 / 10)
        story.event(at)

    assert story.at(at) == ()


def test_sends_faster_than_one_a_second_are_no_schedule():
    story = Story()
    story.every(0.2, 50)

    assert story.at(11) == ()


def test_rhythm_by_several_web_processes_in_turn_is_none():
    story = Story()
    for number in range(12):
        story.event(number * 10, origin=f"gen{number}@web")

    assert story.at(120) == ()


def test_rhythm_that_becomes_uneven_is_none_any_more():
    story = Story()
    story.every(10, 4)
    assert len(story.at(31)) == 1
    for at in (33, 47, 48, 61, 77, 79, 90):
        story.event(at)

    assert story.at(91) == ()


def test_rhythm_is_late_then_over_after_long():
    story = Story()
    story.every(10, 20)

    assert story.at(204)[0].missed == 0
    assert story.at(300)[0].missed == 9
    assert story.at(190 + 23 * 3600)[0].missed > 1000
    assert story.at(190 + 25 * 3600) == ()


def test_rhythm_goes_on_after_a_pause():
    story = Story()
    story.every(10, 6)
    story.every(10, 6, start=1000, origin=OTHER)

    (entry,) = story.at(1055)

    assert (entry.origin, entry.interval, entry.missed) == (OTHER, timedelta(seconds=10), 0)


def test_rhythm_that_turns_out_to_be_written_down_is_shown_once():
    story = Story()
    story.every(10, 5)
    story.written(make_schedule(interval=timedelta(seconds=10)), at=45)

    (entry,) = story.at(46)

    assert (entry.source, entry.seen_count, entry.last_sent_at) == ("beat_schedule", 5, after(40))


def test_receipts_tell_where_the_sender_does_not():
    story = Story()
    story.every(10, 5, kind="task-received", origin="w@guest")

    (entry,) = story.at(45)

    assert (entry.last_is_from, entry.origin, entry.untold, entry.interval) == ("received", None, "only-received", timedelta(seconds=10))


def test_receipt_and_send_of_one_message_are_one_whichever_comes_first():
    story = Story(make_schedule())
    story.event(0, task_id="a")
    story.event(0.1, kind="task-received", task_id="a", origin="w@guest")
    story.event(9.9, kind="task-received", task_id="b", origin="w@guest")
    story.event(10, task_id="b")

    (entry,) = story.at(20)

    assert (entry.seen_count, entry.last_is_from) == (2, "event")


def test_arguments_that_json_cannot_say_cannot_be_sent_from_here():
    story = Story()
    story.every(10, 4, args="[datetime.date(2026, 11, 23)]")

    (entry,) = story.at(31)

    assert (entry.can_be_sent, entry.args) == (False, "[datetime.date(2026, 11, 23)]")


@pytest.mark.parametrize("args", ["['" + "x" * 505 + "']", "['abc...']", "[{1, 2}]", "[" * 200, "['a', ...]", "[{1: 2}]", "", "[(1, 2)]"])
def test_odd_arguments_are_shown_as_told(args):
    story = Story()
    story.every(10, 4, args=args)

    (entry,) = story.at(31)

    assert entry.args == (args or "()") or json.loads(entry.args) == []
    assert entry.can_be_sent == (args == "")


def test_hostile_events_are_passed_over():
    story = Story()
    for odd in (None, 7, ["x"], "\ud800", "x" * 600):
        for name in ("uuid", "name", "args", "kwargs", "hostname", "timestamp", "retries"):
            story.book.event({"type": "task-sent", "uuid": "a", "name": "n", name: odd}, after(0), None)

    assert story.at(1) == ()


def test_memory_is_bounded():
    story = Story()
    for number in range(MAX_ONCE + MAX_AGAIN + 3000):
        story.event(number / 100, args=f"[{number}]")
        story.event(number / 100, args=f"[{number}]")

    assert len(story.book._candidates._once) <= MAX_ONCE
    assert len(story.book._candidates._again) <= MAX_AGAIN
    assert len(story.book._taken) <= 5000


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


def test_identity_is_the_same_after_a_restart():
    story = Story()
    story.every(10, 4)

    assert story.at(31)[0].id == identity("rhythm", "notify", "42", "{}", "celery")
