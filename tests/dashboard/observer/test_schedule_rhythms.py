"""Schedules that nobody wrote down, found by their rhythm; by made events, without I/O."""

import json
import random
from datetime import timedelta

import pytest

from dashboard.observer.rhythm import MAX_AGAIN, MAX_ONCE, rounded
from dashboard.records.identity import identity
from tests.dashboard.observer.schedule_story import BEAT, OTHER, Story, after
from tests.factories import make_schedule


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


def test_memory_is_bounded():
    story = Story()
    for number in range(MAX_ONCE + MAX_AGAIN + 3000):
        story.event(number / 100, args=f"[{number}]")
        story.event(number / 100, args=f"[{number}]")

    assert len(story.book._candidates._once) <= MAX_ONCE
    assert len(story.book._candidates._again) <= MAX_AGAIN
    assert len(story.book._taken) <= 5000


def test_identity_is_the_same_after_a_restart():
    story = Story()
    story.every(10, 4)

    assert story.at(31)[0].id == identity("rhythm", "notify", "42", "{}", "celery")
