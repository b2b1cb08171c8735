"""Readings that do not say what they seem to: a list that was cut, an answer noted late, our own clock set, no room in the inbox."""

import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest

from dashboard import connections
from dashboard import snapshot as snapshots
from dashboard.judge import assess
from dashboard.observer.asking import told
from dashboard.observer.leader import Leadership
from dashboard.observer.lock_readings import read_by_another
from dashboard.observer.observations import ClockSet, ConnectionSeen, EventsLost, Tick, WorkersAnswered
from dashboard.observer.process import MAX_INBOX, Watch
from dashboard.observer.worker_book import WorkerBook
from dashboard.records import Claim, Policy, digest_of_id
from dashboard.sources.heartbeats import may_be_open
from tests.dashboard.judge.judged import PLAIN
from tests.dashboard.observer.observations import LOCK, RUN, event, good, read, state
from tests.factories import NOW, ago, make_claim, make_lock, make_snapshot, make_worker

NAME, PID = "worker-b@web-2", 790
SOURCES = ("broker", "cache default", "workers", "events")


def later(seconds):
    return NOW + timedelta(seconds=seconds)


def up(at):
    return [good(name, at) for name in SOURCES]


def answer(command, said, at, *, took=0.1, call=False):
    return WorkersAnswered(command=command, asked=() if call else (NAME,), replies={NAME: said}, asked_at=at - timedelta(seconds=took), at=at)


def stats(processes, at, *, pool="prefork", uptime=7200, **more):
    return answer(
        "stats", {"pid": PID, "uptime": uptime, "pool": {"implementation": f"celery.concurrency.{pool}:TaskPool", "processes": processes}}, at, **more
    )


def answered_alone(processes, *, since=-26, uptime=7200, **more):
    """The calls after which it is known to be the only one of its name."""
    return [stats(processes, later(at), uptime=uptime + at, call=True, **more) for at in range(since, since + 8, 2)]


def flags(made, at):
    made.apply(Tick(at=at))
    (judged,) = assess(made.snapshot(at), at, Policy())
    return judged.flags


def test_run_that_is_one_of_thousands_is_not_dead_because_the_list_was_cut():
    """`celery worker -P gevent -c 5000`."""
    entries = [{"id": f"run-{number}", "name": "fetch", "worker_pid": PID, "time_start": NOW.timestamp()} for number in range(2500)]
    entries.append({"id": RUN, "worker_pid": PID})
    made = state(*up(later(-60)), event("worker-heartbeat", later(-30)), *answered_alone(None, pool="gevent"))
    made.apply(event("task-received", later(-0.1), uuid=RUN))
    made.apply(event("task-started", NOW, uuid=RUN))
    made.apply(read(make_lock(claim=make_claim(pid=PID, parent_pid=1, attempted_at=NOW), first_seen_at=NOW, seen_at=NOW), at=NOW))
    for at in (5, 7, 9):
        made.apply(event("worker-heartbeat", later(at)))
        made.apply(answer("active", told("active", {NAME: entries})[NAME], later(at)))
        made.apply(stats(None, later(at + 0.2), pool="gevent", uptime=7200 + at, call=True))

    assert "orphaned" not in flags(made, later(9.5))


def test_worker_whose_list_of_tasks_was_cut_has_not_told_them():
    names = [f"tasks.number_{number}" for number in range(2500)]
    made = state(*up(later(-60)), stats([811], later(-20)), answer("registered", told("registered", {NAME: names})[NAME], later(-19)))
    (worker,) = made.snapshot(NOW).workers
    assert worker.tasks is None


@pytest.mark.parametrize("said", ["reports [v2]", "reports [v2] [rate_limit=3/m]"])
def test_name_of_a_task_is_told_apart_from_its_options(said):
    made = state(*up(later(-60)), stats([811], later(-20)), answer("registered", [said], later(-19)))
    assert made.snapshot(NOW).workers[0].tasks == ("reports [v2]",)


@pytest.mark.parametrize("by", [20, -20, -3600], ids=["20 s on", "20 s back", "an hour back"])
def test_connection_of_a_frozen_worker_stays_open_though_our_clock_was_set(by):
    """The server counts by its own clock how long a connection is idle; it is compared with two readings of ours."""
    beats = [event("worker-heartbeat", later(second)) for second in range(-30, 1, 2)]
    made = state(*up(later(-60)), stats([811, 812], later(-25), call=True), *beats)
    made.apply(ConnectionSeen(worker=NAME, pid=PID, is_open=True, last_event_at=NOW, at=later(0.5)))
    made.apply(read(make_lock(claim=make_claim(attempted_at=later(-20)), expires_at=None, first_seen_at=NOW, seen_at=NOW), at=NOW))
    seen = set()
    for number, real in enumerate((15, 17, 19, 28) if by > 0 else (7 - by, 9 - by, 13 - by, 20 - by)):  # seconds since it froze; the clock was set before
        ours = later(real + by)
        if not number:
            made.apply(ClockSet(at=ours))
        for name in SOURCES:
            made.apply(good(name, ours))
        if (last := made.snapshot(ours).workers[0].last_event_at) is not None:
            made.apply(ConnectionSeen(worker=NAME, pid=PID, is_open=may_be_open([real], last, ours, ours), last_event_at=last, at=ours))
        made.apply(WorkersAnswered(command="ping", asked=(NAME,), replies={}, asked_at=ours, at=ours))
        seen |= set(flags(made, ours + timedelta(seconds=1)))

    assert "orphaned" not in seen


def test_lock_taken_after_our_clock_was_set_back_is_not_judged_by_an_answer_from_before():
    """Its worker answered two seconds before, when the run had not begun, and is busy with it since, in the solo pool."""
    made = state(*up(later(-120)), *answered_alone(None, since=-100, pool="solo"), event("worker-heartbeat", later(-2)))
    for at in (-14, -8, -2):
        made.apply(answer("active", [], later(at)))
        made.apply(stats(None, later(at + 0.2), pool="solo", uptime=7200 + at, call=True))
    ours = later(-10)
    made.apply(ClockSet(at=ours))
    claim = make_claim(pid=PID, parent_pid=1, attempted_at=ours)
    made.apply(read(make_lock(claim=claim, first_seen_at=ours, seen_at=ours, expires_at=ours + timedelta(minutes=20)), at=ours))

    assert "orphaned" not in flags(made, ours + timedelta(seconds=1))


def test_clock_that_was_set_leaves_no_gap_in_the_history_and_everything_unsure_until_then():
    made = state(*up(later(-60)))
    made.apply(ClockSet(at=NOW))
    made.apply(Tick(at=NOW))

    assert made.gaps.for_history.take(later(60), whole=True) == []
    assert made.snapshot(NOW).flow.since == NOW


def test_observer_whose_clock_is_behind_that_of_the_one_before_compares_nothing_with_what_that_one_heard(watching):
    heard_at = datetime.now(UTC) + timedelta(seconds=20)
    before = state(*up(heard_at), event("worker-heartbeat", heard_at)).snapshot(heard_at)
    snapshots.put(connections.own(), before, dict.fromkeys(snapshots.SECTIONS, 1), set(snapshots.SECTIONS), epoch=1)
    watch = Watch(Leadership(connections.own()), threading.Event())

    watch._restore()

    now = datetime.now(UTC)
    restored = watch.state.snapshot(now)
    assert restored.workers[0].last_heard_at <= now < before.workers[0].last_heard_at
    assert not restored.workers[0].connection_known


def test_observer_that_takes_over_while_our_redis_hangs_for_a_moment_loses_nothing_of_what_was_known(watching):
    snapshots.put(connections.own(), make_snapshot(at=datetime.now(UTC)), dict.fromkeys(snapshots.SECTIONS, 1), set(snapshots.SECTIONS), epoch=1)
    server, watch = int(connections.own().info("server")["process_id"]), Watch(Leadership(connections.own()), threading.Event())
    os.kill(server, signal.SIGSTOP)
    goes_on = threading.Timer(2.5, os.kill, (server, signal.SIGCONT))  # twice a second's timeout, and a little more
    goes_on.start()

    watch._restore()

    goes_on.join()
    assert watch.state.snapshot(datetime.now(UTC)).locks == tuple(read_by_another(lock) for lock in make_snapshot().locks)


def test_child_that_came_after_the_question_is_not_gone_because_the_answer_was_noted_late():
    """`max_tasks_per_child=1`: the answer was given before the child was forked, and noted three seconds later, for we stood still."""
    told_before = [event("worker-heartbeat", later(-28)), answer("active", [], later(-27)), *answered_alone([700]), event("worker-heartbeat", later(-1))]
    made = state(*up(later(-60)), *told_before)
    made.apply(read(make_lock(claim=make_claim(attempted_at=NOW), first_seen_at=NOW, seen_at=NOW), at=NOW))
    made.apply(stats([700], later(3), took=3.2, uptime=7203))

    assert "orphaned" not in flags(made, later(3.1))


def test_process_that_was_still_starting_when_the_lock_was_taken_is_not_the_one_that_took_it():
    """One node name, one pid, the new container started first: it began, the old one took the lock and left, the new one came online."""
    beats = (event("worker-heartbeat", later(second)) for second in range(-40, 0, 2))
    made = state(*up(later(-60)), *beats, *answered_alone([811], uptime=3600))
    made.apply(event("task-received", later(-0.1), uuid=RUN))
    made.apply(event("task-started", NOW, uuid=RUN))
    made.apply(read(make_lock(claim=make_claim(attempted_at=NOW, parent_pid=PID), first_seen_at=NOW, seen_at=NOW), at=NOW))
    made.apply(event("worker-offline", later(1)))
    made.apply(event("worker-online", later(2)))
    for at in range(4, 20, 2):
        made.apply(event("worker-heartbeat", later(at)))
        made.apply(answer("active", [], later(at)))
        made.apply(stats([811], later(at + 0.2), uptime=at + 4, call=True))

    assert "orphaned" not in flags(made, later(19))


def test_that_events_were_lost_is_not_forgotten_where_the_inbox_is_full(watching):
    """Our own Redis stands still, each look at it takes its whole time, and ten thousand pushes wait."""
    watch = Watch(Mock(epoch=1), threading.Event())
    for seen in up(later(-60)):
        watch.state.apply(seen)
    for _ in range(MAX_INBOX):
        watch._emit(read(LOCK))
    watch._emit(EventsLost(from_at=later(-20), to_at=later(-1), was_cut=False))

    watch._tick()

    assert watch.state.passed_over == 1
    since = watch.state.snapshot(NOW).flow.since
    assert since is not None and since > later(-1)


ANYBODYS = {name: getattr(PLAIN, name) for name in ("task_id", "worker", "pid")}


@pytest.mark.parametrize(
    "claim",
    [
        make_claim(**ANYBODYS, attempted_at=ago(minutes=62)),
        make_claim(**ANYBODYS, attempted_at=ago(minutes=62) + timedelta(hours=2)),
        Claim(task_digest=digest_of_id(RUN)),
    ],
    ids=["plain", "by a clock that is two hours ahead", "an id alone"],
)
def test_worker_that_has_been_silent_for_an_hour_is_kept_while_a_lock_that_names_none_is_held_from_before(claim):
    book = WorkerBook()
    book.restore(
        [make_worker(), make_worker(name="w@frozen", pid=4, last_heard_at=ago(minutes=61)), make_worker(name="w@gone", pid=5, last_heard_at=ago(minutes=70))]
    )

    book.forget([make_lock(dialect="redis-py", claim=claim, first_seen_at=ago(minutes=62))], NOW)

    assert {name for name, _pid in book.workers} == {NAME, "w@frozen"}
