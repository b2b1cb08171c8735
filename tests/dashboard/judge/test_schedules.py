"""What is to be said of schedules: states, what the next send will run into, silent beats; and that a silence of ours is none of theirs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.judge import assess, concerns
from dashboard.judge.schedules import judge_schedules, matches_schedule, silent_beats
from dashboard.records import Policy, Sender
from dashboard.words import sentence
from tests.factories import NOW, ago, make_queue, make_run, make_schedule, make_snapshot, make_source, make_worker

BEAT = "gen4711@web-3"


def seen(**changes):
    """An entry that is sent every 10 s, the last time 4 s ago."""
    known = {"origin": BEAT, "last_sent_at": ago(seconds=4), "last_task_id": "d9c26803-1111-4222-8333-444455556666", "last_is_from": "event", "seen_count": 9}
    times = {"next_at": NOW + timedelta(seconds=6), "due_by": NOW + timedelta(seconds=8), "missed": 0}
    return make_schedule(**(known | times | changes))


def late(seconds=25, **changes):
    """The same, with the last send so long ago."""
    last = ago(seconds=seconds)
    due = last + timedelta(seconds=10)
    missed = max(0, int((seconds - 12) // 10))
    return seen(**({"last_sent_at": last, "next_at": due, "due_by": due + timedelta(seconds=2), "missed": missed} | changes))


def snapshot(*entries, **sections):
    known = {"schedules": entries, "queues": (make_queue(name="celery"),), "workers": (make_worker(tasks=("notify",), queues=("celery",)),), "runs": ()}
    return make_snapshot(locks=(), **(known | sections))


def judge(*entries, **sections):
    return judge_schedules(snapshot(*entries, **sections), NOW, Policy())


def state(entry, **sections):
    return judge(entry, **sections)[0].state


def said(entry, **sections):
    (one,) = judge(entry, **sections)
    return [sentence(fact, NOW) for fact in (one.why, *one.warnings)]


def test_states_by_time():
    assert state(seen()) == "on-time"
    assert state(late(15)) == "late"
    assert state(late(25)) == "missed"
    assert said(late(45)) == ["was due at 14:07:06 UTC and has not been sent; 3 whole intervals have passed since"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"is_enabled": False}, "disabled"),
        ({"is_enabled": False, "is_one_off": True, "last_sent_at": ago(hours=1)}, "done"),
        ({"is_enabled": False, "is_one_off": True, "last_sent_at": None}, "disabled"),
        ({"ends_at": ago(seconds=1)}, "ended"),
        ({"problem": "broken-schedule", "detail": "ValueError: 31 February"}, "problem"),
        ({"due_by": None, "untold": "events-away"}, "untold"),
        ({"last_sent_at": None, "untold": "none-seen"}, "waiting"),
        ({"last_sent_at": None, "untold": "none-seen", "due_by": ago(seconds=1)}, "never-seen"),
    ],
)
def test_states_of_what_is_not_sent(changes, expected):
    assert state(seen(**changes)) == expected


@pytest.mark.parametrize("source", ["events", "broker", "lockhouse"])
def test_nothing_is_late_while_we_are_blind(source):
    away = (make_source(source, ok=False),)

    assert state(late(300), sources=away) == "untold"
    assert silent_beats(judge(late(300), sources=away)) == []


def test_nothing_is_late_in_an_old_snapshot():
    assert state(late(300), at=ago(seconds=20)) == "untold"


def test_what_was_only_received_is_late_only_where_its_queue_is_read_and_empty():
    only_received = late(45, untold="only-received", origin=None, last_is_from="received")

    assert state(only_received) == "missed"
    assert state(only_received, queues=(make_queue(name="celery", ready=1),)) == "untold"
    assert state(only_received, queues=(make_queue(name="celery", consumers=()),)) == "untold"
    assert state(only_received, queues=()) == "untold"
    assert "task_send_sent_event" in said(only_received, queues=())[0]


def test_next_send_that_nobody_will_read_or_know():
    assert "nobody reads its queue celery" in said(seen(), queues=(make_queue(name="celery", consumers=()),))
    assert "no worker knows the task notify" in said(seen(), workers=(make_worker(tasks=("other",)),))
    assert said(seen(), workers=(make_worker(tasks=None),)) == ["each send came when it was due"], "a worker that did not tell its tasks may know it"
    assert said(seen(), queues=(make_queue(name="celery", consumers=None),)) == ["each send came when it was due"]


def test_last_run_that_is_still_active_when_the_next_is_near():
    active = {"name": "notify", "args": "(42,)", "started_at": ago(seconds=8)}
    run = make_run(**active)
    near = seen(last_sent_at=ago(seconds=9), next_at=NOW + timedelta(seconds=1))

    assert "the next send is near" in said(near, runs=(run,))[1]
    assert len(said(seen(), runs=(run,))) == 1, "it may well end before"
    assert len(said(near, runs=(make_run(**active, ended_at=NOW, outcome="SUCCESS"),))) == 1


def test_earlier_run_that_is_active_beside_the_last():
    last = make_run(name="notify", args="(42,)", started_at=ago(seconds=3))
    before = make_run(task_id="before", name="notify", args="(42,)", started_at=ago(seconds=13))
    other = make_run(task_id="before", name="notify", args="(43,)", started_at=ago(seconds=13))

    assert "its run before is active since 14:07:28 UTC, and the next was sent meanwhile" in said(seen(), runs=(last, before))
    assert len(said(seen(), runs=(last, other))) == 1


def test_last_run_that_a_lock_turned_away():
    run = make_run(name="notify", ended_at=NOW, outcome="SUCCESS", refused_by="lock_notify", refused_at=NOW)

    assert "its last run d9c26803 was turned away by the lock lock_notify" in said(seen(), runs=(run,))


def test_sent_twice_by_two_origins():
    both = (Sender(origin=BEAT, last_at=ago(seconds=4), count=9, is_steady=True), Sender(origin="gen9@web-4", last_at=ago(seconds=7), count=9, is_steady=True))

    assert f"sent twice, by two origins: {BEAT}, gen9@web-4" in said(seen(senders=both))
    replaced = (both[0], replace(both[1], last_at=ago(seconds=60)))
    assert len(said(seen(senders=replaced))) == 1, "the one before it"


def test_disabled_entry_has_no_warnings():
    assert len(said(seen(is_enabled=False), queues=(make_queue(name="celery", consumers=()),))) == 1


# Silent beats.


def beats(*entries, **sections):
    return [(beat.name, len(beat.overdue)) for beat in silent_beats(judge(*entries, **sections))]


def test_beat_that_sent_nothing_since_is_silent_with_all_that_is_overdue():
    slow = seen(
        name="report", interval=timedelta(hours=1), last_sent_at=ago(minutes=20), next_at=NOW + timedelta(minutes=40), due_by=NOW + timedelta(minutes=41)
    )

    assert beats(late(25), late(35, name="b"), slow) == [(BEAT, 2)]


def test_beat_is_late_before_it_is_silent():
    assert beats(late(15)) == []


def test_beat_that_sends_other_things_is_not_silent():
    assert beats(late(45), seen(name="b")) == []


def test_entry_that_was_in_trouble_before_does_not_hide_that_beat_is_silent():
    assert beats(late(25), late(3600, name="b")) == [(BEAT, 1)]


def test_rhythms_are_silent_by_their_origin():
    mine = late(45, source="rhythm")
    other = seen(name="b", source="rhythm", origin="gen9@web-4")

    assert beats(mine, other) == [(BEAT, 1)]


def test_origin_that_was_replaced_is_no_silent_beat():
    taken_over = seen(
        name="b",
        source="rhythm",
        origin="gen9@web-4",
        senders=(Sender(origin="gen9@web-4", last_at=ago(seconds=4)), Sender(origin=BEAT, last_at=ago(seconds=60))),
    )

    assert beats(late(45, source="rhythm"), taken_over) == []


def test_silent_beat_is_a_concern_in_one_sentence():
    known = snapshot(late(25), late(35, name="b"))

    (concern,) = concerns(known, assess(known, NOW, Policy()), NOW, Policy())

    assert (concern.kind, concern.subject) == ("beat-silent", BEAT)
    assert sentence(concern.evidence[0], NOW) == "has sent nothing since 14:07:16 UTC; 2 schedules are overdue, among them b, notify a user"


def test_no_concern_while_events_are_away():
    known = snapshot(late(25), sources=(make_source("events", ok=False),))

    assert [concern.kind for concern in concerns(known, [], NOW, Policy())] == ["source"]


def test_overdue_ones_come_first():
    judged = judge(seen(name="a"), seen(name="b", is_enabled=False), late(15, name="c"), late(45, name="d"))

    assert [one.schedule.name for one in judged] == ["d", "c", "a", "b"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("notify", True),
        ("state:on-time", True),
        ("state:late", False),
        ("task:noti queue:cel", True),
        ("origin:web-3", True),
        ("source:beat", True),
        ('"every 10"', True),
    ],
)
def test_filter(query, found):
    assert matches_schedule(judge(seen())[0], query) is found
