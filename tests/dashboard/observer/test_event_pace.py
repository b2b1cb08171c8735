"""How fast and how late: by values alone, with clocks that differ."""

from datetime import timedelta

import pytest

from dashboard.observer.event_pace import EventPace
from dashboard.sources.event import event_of
from tests.factories import NOW

HOUR = timedelta(hours=1)


def later(seconds: float):
    return NOW + timedelta(seconds=seconds)


def beat(name, timestamp):
    return event_of({"type": "worker-heartbeat", "hostname": name, "pid": 7, "timestamp": timestamp})


def beating(pace: EventPace, name: str, seconds: range, *, skew: timedelta = timedelta(0), delay: timedelta = timedelta(0)) -> None:
    """Heartbeats of a worker whose clock is off by `skew`, each received `delay` after it was sent."""
    for second in seconds:
        pace.beat(beat(name, (later(second) + skew).timestamp()), later(second) + delay)


def test_rate_is_that_of_the_last_whole_seconds():
    pace = EventPace()
    for tenth in range(200):
        pace.count(1, later(tenth / 10))
    assert pace.per_s(later(20), since=NOW) == 10.0


def test_rate_is_not_known_before_some_seconds_have_passed_nor_while_events_are_away():
    pace = EventPace()
    pace.count(1, NOW)
    assert pace.per_s(later(1), since=NOW) is None
    assert pace.per_s(later(20), since=None) is None


def test_silence_is_a_rate_of_nothing():
    pace = EventPace()
    pace.count(1, NOW)
    assert pace.per_s(later(60), since=NOW) == 0.0


@pytest.mark.parametrize("skew", [timedelta(0), HOUR, -HOUR])
def test_wrong_clock_is_no_delay(skew):
    pace = EventPace()
    beating(pace, "a@h", range(20), skew=skew)
    assert pace.delay(later(20)) == timedelta(0)


@pytest.mark.parametrize("skew", [timedelta(0), HOUR, -HOUR])
def test_delay_is_seen_whatever_the_clock_says(skew):
    pace = EventPace()
    beating(pace, "a@h", range(20), skew=skew)
    beating(pace, "a@h", range(30, 42), skew=skew, delay=timedelta(seconds=4))
    assert pace.delay(later(46)) == timedelta(seconds=4)


def test_one_worker_whose_clock_was_set_is_outvoted():
    pace = EventPace()
    for name in ("a@h", "b@h", "c@h"):
        beating(pace, name, range(20))
    beating(pace, "a@h", range(20, 40), skew=timedelta(seconds=-30))
    for name in ("b@h", "c@h"):
        beating(pace, name, range(20, 40))
    assert pace.delay(later(40)) == timedelta(0)


def test_clock_that_was_set_is_believed_again_within_an_hour():
    pace = EventPace()
    beating(pace, "a@h", range(20))
    beating(pace, "a@h", range(20, 3700, 5), skew=timedelta(seconds=-30))
    assert pace.delay(later(3700)) == timedelta(0)


def test_without_heartbeats_nothing_is_known():
    pace = EventPace()
    pace.count(1, later(5))
    assert pace.delay(later(20)) is None
    beating(pace, "a@h", range(3))
    assert pace.delay(later(4)) is None, "the first ones tell of the clock"
    assert pace.delay(later(60)) is None, "it fell silent"


@pytest.mark.parametrize("timestamp", [None, "soon", -1, 1e300, float("nan"), True])
def test_odd_times_are_passed_over(timestamp):
    pace = EventPace()
    pace.beat(beat("a@h", timestamp), NOW)
    assert pace.delay(later(20)) is None


def skew(pace, seconds, *, name="a@h"):
    return pace.skew(beat(name, later(seconds).timestamp()), later(seconds))


@pytest.mark.parametrize("ahead", [timedelta(0), HOUR, -HOUR])
def test_clock_is_told_from_a_delay_that_meets_all(ahead):
    pace = EventPace()
    for name, by in (("a@h", ahead), ("b@h", timedelta(0)), ("c@h", timedelta(0))):
        beating(pace, name, range(20), skew=by)
        beating(pace, name, range(30, 42), skew=by, delay=timedelta(seconds=30))
    assert pace.delay(later(72)) == timedelta(seconds=30)
    assert skew(pace, 72) == ahead, "what is late is not a wrong clock"


def test_clock_that_was_set_is_seen_at_once_beside_others():
    pace = EventPace()
    for name in ("a@h", "b@h", "c@h"):
        beating(pace, name, range(20))
        beating(pace, name, range(30, 42), skew=-HOUR if name == "a@h" else timedelta(0))
    pace.delay(later(42))
    assert skew(pace, 42) == -HOUR


def test_clock_of_one_that_sends_no_heartbeats_is_known_by_its_event_less_what_all_are_late():
    pace = EventPace()
    for name in ("a@h", "b@h"):
        beating(pace, name, range(20))
        beating(pace, name, range(30, 42), delay=timedelta(seconds=5))
    pace.delay(later(46))
    assert pace.skew(beat("mute@h", later(41).timestamp()), later(46)) == timedelta(0)
