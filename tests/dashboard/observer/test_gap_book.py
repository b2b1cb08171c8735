"""What is said of events that were never taken in; by values alone."""

from datetime import timedelta

from dashboard.history.rows import US
from dashboard.observer.gap_book import GapBook
from dashboard.observer.history_gaps import HistoryGaps
from dashboard.observer.observations import EventsDropped, EventsLost, EventsSeen, SourceSaid, Tick
from dashboard.observer.source_book import SourceBook
from dashboard.observer.state import State
from dashboard.records import Policy, SourceState
from dashboard.sources.event import event_of
from tests.factories import NOW

WORKER, OTHER = "w@guest", "v@guest"


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def beat(processed, name=WORKER):
    return event_of({"type": "worker-heartbeat", "hostname": name, "pid": 7, "processed": processed})


def started(name=WORKER):
    return event_of({"type": "task-started", "hostname": name, "pid": 7, "uuid": "d9c2"})


def lost(from_s=0, to_s=3, *, was_cut=False):
    return EventsLost(from_at=at(from_s), to_at=at(to_s), was_cut=was_cut)


def fed(*steps):
    book = GapBook()
    for step in steps:
        if isinstance(step, EventsLost):
            book.lose(step)
        elif step.type == "task-started":
            book.started((step.hostname, step.pid), 1)
        else:
            book.beat(step)
    return book


def test_gap_is_said_at_once_and_what_is_missing_when_workers_have_told():
    book = fed(beat(100), started(), lost(was_cut=True), beat(901))
    assert [(gap.from_at, gap.to_at, gap.was_cut, gap.runs_at_least) for gap in book.gaps] == [(at(0), at(3), True, None)]

    book.settle(at(5))
    assert book.gaps[0].runs_at_least is None, "starts of before the gap may still be told"
    book.settle(at(10))
    assert book.gaps[0].runs_at_least == 800


def test_starts_that_are_told_late_are_not_missing():
    book = fed(beat(100), lost(), beat(110), *[started()] * 8)
    book.settle(at(10))
    assert book.gaps[0].runs_at_least == 2


def test_every_worker_counts_for_itself():
    book = fed(beat(100), beat(50, OTHER), lost(), beat(110), beat(50, OTHER), *[started(OTHER)] * 5)
    book.settle(at(10))
    assert book.gaps[0].runs_at_least == 10, "what one told does not make up for what another did not"


def test_nothing_is_known_where_no_worker_was_heard_on_both_sides():
    book = fed(beat(100), lost(), beat(10, OTHER))
    book.settle(at(10))
    assert book.gaps[0].runs_at_least is None


def test_what_was_dropped_adds_up_by_type():
    book = GapBook()
    book.drop(EventsDropped(by_type={"task-sent": 3}, at=at(0)))
    book.drop(EventsDropped(by_type={"task-sent": 1, "task-failed": 2}, at=at(1)))
    assert (dict(book.dropped), book.dropped_at, book.since()) == ({"task-sent": 4, "task-failed": 2}, at(1), at(1))


def test_it_stays_bounded():
    book = GapBook()
    for number in range(500):
        book.drop(EventsDropped(by_type={f"task-{number}": 1}, at=at(0)))
        book.lose(lost())
    book.forget(set())
    assert (book.dropped.total(), len(book.dropped) < 60, len(book.gaps)) == (500, True, 20)


def test_counts_are_said_to_begin_after_what_was_lost():
    state = State([], Policy())
    state.apply(SourceSaid(source=SourceState(name="events", ok=True, since=at(-60), last_good_at=at(0))))
    state.apply(EventsSeen(events=(event_of({"type": "task-received", "uuid": "d9c2", "hostname": WORKER, "pid": 7, "name": "reports"}),), at=at(0)))
    state.apply(lost())
    state.apply(Tick(at=at(4)))
    assert [task.counted_since for task in state.snapshot(at(4)).tasks] == [at(3)]


def told_to_history(book, seconds, **also):
    begin = int(NOW.timestamp())
    return [(gap.why, gap.from_us / US - begin, gap.to_us / US - begin, gap.how_many) for gap in book.for_history.take(at(seconds), **also)]


def test_history_is_told_of_a_lost_connection_at_once_and_once():
    book = fed(lost(2, 5, was_cut=True))

    assert told_to_history(book, 5) == [("cut", 2 + NOW.microsecond / US, 5 + NOW.microsecond / US, None)]
    assert told_to_history(book, 6) == []


def test_what_is_dropped_second_after_second_is_one_gap_in_the_history():
    book = GapBook()
    for second in (2, 3, 5):
        book.drop(EventsDropped(by_type={"task-sent": 10, "task-started": 1}, at=at(second)))
        assert told_to_history(book, second) == []

    [(why, _from, _to, events)] = told_to_history(book, 8)
    assert (why, events) == ("events", 33)
    assert (_from, _to) == (1 + NOW.microsecond / US, 5 + NOW.microsecond / US)
    assert told_to_history(book, 20) == []


def test_what_is_dropped_without_end_is_written_once_a_minute_and_with_the_end_of_the_observer():
    book = GapBook()
    for second in range(70):
        book.drop(EventsDropped(by_type={"task-sent": 1}, at=at(second)))
        if found := told_to_history(book, second):
            assert found[0][3] == second + 1 == 60

    assert [events for *_, events in told_to_history(book, 70, whole=True)] == [10]


def source(name, ok, seconds, good_s=None):
    return SourceState(name=name, ok=ok, since=at(seconds), last_good_at=None if good_s is None else at(good_s))


def said_to_history(*states):
    """What the history is told after these, in whole seconds since now."""
    gaps = HistoryGaps()
    book = SourceBook(gaps)
    book.restore([source("events", True, -60, -30), source("cache shop", True, -60, -30)])
    for one in states:
        book.say(one)
    begin = int(NOW.timestamp())
    return [(gap.why, gap.cache, int(gap.from_us / US - begin), int(gap.to_us / US - begin)) for gap in gaps.take(at(99))]


def test_time_in_which_a_cache_did_not_answer_is_told_while_it_goes_on_and_when_it_is_over():
    told = said_to_history(source("cache shop", True, 0, 1), source("cache shop", False, 4), source("cache shop", False, 6), source("cache shop", True, 9, 9))
    assert told == [("cache", "shop", 1, 4), ("cache", "shop", 1, 6), ("cache", "shop", 1, 9)]


def test_cache_that_never_answered_this_observer_is_missing_since_it_answered_the_one_before():
    assert said_to_history(source("cache shop", False, 4), source("cache old", False, 4)) == [("cache", "shop", -30, 4)]


def test_events_that_are_back_end_the_gap_that_began_when_they_went():
    gaps = HistoryGaps()
    gaps.away(source("events", False, 12), at(1))
    gaps.lost(lost(2, 15))
    gaps.away(source("events", True, 15, 15), at(1))
    assert {gap.from_us for gap in gaps.take(at(16))} == {int(at(1).timestamp() * US)}


def test_sources_whose_past_is_not_kept_leave_no_gap():
    assert said_to_history(source("broker", True, 0, 1), source("broker", False, 4), source("broker", True, 9, 9)) == []
