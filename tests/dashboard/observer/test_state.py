"""The reducer: readings of locks, queues and sources in, sections out, and what a new observer goes on from; no server, no clock."""

from dataclasses import replace
from datetime import timedelta

from dashboard.observer.lock_readings import read_by_another
from dashboard.observer.observations import EventsSeen, QueuesRead, Scanned, SourceSaid, Tick
from dashboard.observer.state import State
from dashboard.records import Policy
from dashboard.sources.locks import lock_id
from tests.dashboard.observer.observations import IN_A_SECOND, LOCK, RUN, event, good, read, state
from tests.factories import NOW, make_claim, make_lock, make_queue, make_snapshot, make_source


def test_lock_seen_as_it_was_taken_has_its_time_and_its_whole_life():
    lock = state(read(LOCK)).snapshot(NOW).locks[0]
    assert lock.acquired_at == NOW
    assert lock.timeout == LOCK.expires_at - NOW


def test_lock_found_by_a_scan_has_the_time_its_token_tells():
    lock = state(read(make_lock(), live=False)).snapshot(NOW).locks[0]
    assert lock.acquired_at == make_lock().acquired_at


def test_second_reading_of_the_same_lock_changes_nothing():
    made = state(read(LOCK))
    again = replace(LOCK, expires_at=LOCK.expires_at + timedelta(milliseconds=3), seen_at=IN_A_SECOND)
    assert made.apply(read(again, live=False, at=IN_A_SECOND)) == set()


def test_extended_lock_keeps_its_start_and_gets_its_new_deadline():
    longer = replace(LOCK, expires_at=LOCK.expires_at + timedelta(minutes=5))
    lock = state(read(LOCK), read(longer, at=IN_A_SECOND)).snapshot(NOW).locks[0]
    assert (lock.acquired_at, lock.timeout) == (NOW, longer.expires_at - NOW)


def test_lock_gone_before_its_deadline_was_released_not_expired():
    made = state(read(LOCK), read(gone=[LOCK.id], at=IN_A_SECOND))
    assert made.snapshot(IN_A_SECOND).locks == ()
    assert [(span.end, span.to_at, span.dialect) for span in made.snapshot(IN_A_SECOND).lanes[0].spans] == [("released", IN_A_SECOND, "lockhouse")]


def test_lock_that_nobody_read_since_its_deadline_is_gone_though_the_word_of_it_was_lost():
    late = LOCK.expires_at + timedelta(seconds=20)
    assert state(read(LOCK), good("cache default", NOW), Tick(at=late)).locks.held == {}
    assert state(read(LOCK), Tick(at=late)).locks.held != {}, "of a cache that does not answer it is not known"


def test_lock_gone_at_its_deadline_expired_and_is_kept_while_its_run_may_go_on():
    late = LOCK.expires_at + timedelta(milliseconds=200)
    made = state(read(LOCK), read(gone=[LOCK.id], at=late))
    assert made.snapshot(late).locks[0].lapsed_at == LOCK.expires_at
    assert made.snapshot(late).lanes[0].spans[0].end == "expired"


def test_lock_that_changed_hands_ends_one_span_and_begins_another():
    other = replace(LOCK, token_digest="fedcba9876543210", claim=make_claim(task_id="other"))
    spans = state(read(LOCK), read(other, at=IN_A_SECOND)).snapshot(IN_A_SECOND).lanes[0].spans
    assert [(span.end, span.token_digest) for span in spans] == [("changed", LOCK.token_digest), (None, other.token_digest)]


def test_lock_that_was_put_back_by_hand_has_its_first_start_again():
    back = read(replace(LOCK, seen_at=IN_A_SECOND, first_seen_at=IN_A_SECOND), at=NOW + timedelta(seconds=9))
    lock = state(read(LOCK), read(gone=[LOCK.id], at=IN_A_SECOND), back).snapshot(NOW).locks[0]
    assert (lock.acquired_at, lock.timeout) == (NOW, LOCK.expires_at - NOW)


def test_lock_that_a_whole_scan_does_not_find_is_gone():
    assert state(read(LOCK), Scanned(cache="default", ids=[], at=IN_A_SECOND)).snapshot(NOW).locks == ()


def test_scan_of_one_cache_says_nothing_of_another():
    assert len(state(read(LOCK), Scanned(cache="broker", ids=[], at=IN_A_SECOND)).snapshot(NOW).locks) == 1


def test_refused_attempt_is_counted_for_the_lock_that_is_held_under_its_key():
    lock = replace(LOCK, id=lock_id("default", LOCK.raw_key))
    made = state(read(lock), event("lock-refused", key=":1:lock_report_12", uuid="r", task="reports", waited=1.0))
    refusal = made.snapshot(NOW).refusals[0]
    assert (refusal.lock_id, refusal.waited, refusal.task_id) == (lock.id, timedelta(seconds=1), "r")
    assert made.snapshot(NOW).workers == (), "the event of a lock is no heartbeat: its pid is the child's"


def test_report_that_was_sent_twice_counts_once():
    report = event("lock-refused", key=":1:lock_a")
    assert len(state(report, report).snapshot(NOW).refusals) == 1


def test_refused_attempt_is_forgotten_after_an_hour():
    made = state(event("lock-refused", key=":1:lock_a"))
    made.apply(Tick(at=NOW + timedelta(hours=1, seconds=1)))
    assert made.snapshot(NOW).refusals == ()


def test_queue_without_a_reader_says_since_when():
    made = state(good("workers"), QueuesRead(queues=[make_queue(name="archive", ready=3)], unacked=[], at=NOW))
    assert (made.queues[0].consumers, made.queues[0].unread_since) == ((), NOW)
    made.apply(QueuesRead(queues=[make_queue(name="archive", ready=4)], unacked=[], at=IN_A_SECOND))
    assert made.queues[0].unread_since == NOW


def test_readers_are_unknown_while_nobody_was_asked():
    made = state(QueuesRead(queues=[make_queue(name="archive", ready=3)], unacked=[], at=NOW))
    assert made.queues[0].consumers is None


def test_readers_are_unknown_while_a_worker_has_not_told_its_queues():
    made = state(good("workers"), event("worker-heartbeat"), QueuesRead(queues=[make_queue(name="archive", ready=3)], unacked=[], at=NOW))
    assert made.queues[0].consumers is None


def test_source_that_went_away_keeps_the_time_of_its_last_good_reading():
    made = state(good("broker"), SourceSaid(source=make_source("broker", ok=False, since=IN_A_SECOND, last_good_at=None, reason="gone")))
    assert (made.source_book.states["broker"].ok, made.source_book.states["broker"].last_good_at, made.source_book.states["broker"].since) == (
        False,
        NOW,
        IN_A_SECOND,
    )


def test_figures_that_are_not_known_are_none_and_not_zero():
    made = state(Tick(at=NOW))
    figures = made.snapshot(NOW).figures
    assert (figures.locks, figures.ready, figures.busy, figures.failed_last_hour, figures.refused_last_hour) == ((None,), (None,), (None,), None, None)


def test_new_observer_goes_on_from_what_the_last_one_knew():
    made = State([("default", ":1:")], Policy())
    made.restore(make_snapshot(refusals=(), lanes=()))
    assert made.snapshot(NOW).locks == tuple(read_by_another(lock) for lock in make_snapshot().locks)
    assert made.snapshot(NOW).workers == tuple(replace(worker, clock_steps=()) for worker in make_snapshot().workers)


def test_new_observer_goes_on_counting_what_failed_and_was_refused_within_the_hour():
    refused = event("lock-refused", key=":1:lock_report_12", uuid=RUN)
    made = state(good("events"), event("task-failed", uuid=RUN, exception="ValueError('x')"), refused, Tick(at=IN_A_SECOND))
    before = made.snapshot(IN_A_SECOND).figures
    assert (before.failed_last_hour, before.refused_last_hour) == (1, 1)

    restored = State([("default", ":1:")], Policy())
    restored.restore(made.snapshot(IN_A_SECOND))
    restored.apply(good("events"))
    restored.apply(event("task-failed", NOW + timedelta(minutes=2), uuid="another", exception="ValueError('x')"))

    after = restored.snapshot(NOW + timedelta(minutes=3)).figures
    assert (after.failed_last_hour, after.refused_last_hour) == (2, 1)
    assert restored.snapshot(NOW + timedelta(minutes=61, seconds=30)).figures.failed_last_hour == 1, "what is an hour old is no longer counted"


def test_what_was_refused_and_failed_after_the_last_sample_is_counted_on_as_well():
    made = state(good("events"), Tick(at=NOW), event("task-received", uuid=RUN, name="reports"))
    for told in (
        event("task-failed", IN_A_SECOND, uuid=RUN, exception="ValueError('x')"),
        event("lock-refused", IN_A_SECOND, key=":1:lock_report_12", uuid=RUN),
        Tick(at=NOW + timedelta(seconds=2)),
    ):
        made.apply(told)

    restored = State([("default", ":1:")], Policy())
    restored.restore(made.snapshot(NOW + timedelta(seconds=2)))
    restored.apply(good("events"))

    after = restored.snapshot(NOW + timedelta(minutes=3)).figures
    assert (after.failed_last_hour, after.refused_last_hour) == (1, 1)


def together(*events):
    return EventsSeen(events=tuple(one for seen in events for one in seen.events), at=NOW)


def test_events_that_follow_at_once_are_counted_before_anything_is_shown():
    sent = [event("task-sent", NOW + timedelta(milliseconds=5 * number), uuid=f"t{number}", name="mail_send", queue="mail") for number in range(3)]
    flow = state(good("events"), *sent).snapshot(NOW + timedelta(milliseconds=10)).flow
    assert [edge.count for edge in flow.edges] == [3]


def test_what_ended_last_is_known_though_ends_are_counted_together():
    lives = {end: [event("task-received", uuid=end, name="mail_send"), event(f"task-{end}", uuid=end)] for end in ("failed", "succeeded")}
    in_a_row = [
        state(good("events"), together(*lives[first], *lives[last]), Tick(at=IN_A_SECOND)).snapshot(IN_A_SECOND).tasks[0].failed_in_a_row
        for first, last in (("failed", "succeeded"), ("succeeded", "failed"))
    ]
    assert in_a_row == [0, 1]
