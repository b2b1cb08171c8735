"""In what state a run is: one word, and never a better one than is known."""

from datetime import timedelta

import msgspec
import pytest

from dashboard.judge import assess
from dashboard.judge.run_filter import absolute, matches_run
from dashboard.judge.run_life import moments
from dashboard.judge.runs import judge_runs, runs_of, tie_of
from dashboard.records import LockMoment, Policy, Refusal, UnackedMessage
from dashboard.records.identity import identity
from tests.factories import NOW, ago, make_claim, make_lock, make_queue, make_run, make_snapshot, make_source, make_worker

ID = make_run().task_id
HOUR = timedelta(hours=1)
GONE = {"last_heard_at": ago(minutes=2), "asked_at": ago(seconds=2), "connection_known": True, "connection_gone_at": ago(minutes=2)}


def judged(*runs, **sections):
    known = make_snapshot(**({"runs": runs, "locks": ()} | sections))
    return judge_runs(known, assess(known, NOW, Policy()), NOW, Policy())


def state(run, **sections):
    (one,) = judged(run, **sections)
    return one.state


def ended(outcome, **changes):
    return make_run(outcome=outcome, ended_at=ago(seconds=1), heard_at=ago(seconds=1), **changes)


def codes(one):
    return [fact.code for fact in one.evidence]


@pytest.mark.parametrize(
    ("run", "word"),
    [
        (make_run(), "active"),
        (make_run(started_at=None), "received"),
        (make_run(started_at=None, eta_at=NOW + HOUR), "scheduled"),
        (make_run(started_at=None, eta_at=ago(seconds=1)), "received"),
        (make_run(worker=None, started_at=None, received_at=None, sent_at=ago(seconds=3)), "sent"),
        (ended("SUCCESS"), "succeeded"),
        (ended("SUCCESS", refused_by="lock_report_12", refused_at=ago(seconds=2)), "refused"),
        (ended("FAILURE", refused_by="lock_report_12"), "failed"),
        (ended("RETRY"), "retried"),
        (ended("REVOKED"), "revoked"),
        (ended("REJECTED"), "rejected"),
        (ended("MADE UP"), "unknown"),
    ],
)
def test_state_is_one_word(run, word):
    assert state(run) == word


def test_run_of_a_worker_that_is_proved_gone_is_lost_where_it_had_been_acknowledged():
    (one,) = judged(make_run(), workers=(make_worker(**GONE),))
    assert one.state == "lost"
    assert {"worker_silent", "connection_gone", "run_lost_here"} <= set(codes(one))


def test_silent_worker_whose_connection_is_open_is_no_proof():
    frozen = make_worker(last_heard_at=ago(minutes=2), asked_at=ago(seconds=2), connection_known=True)
    assert state(make_run(), workers=(frozen,)) == "unknown"


def test_run_of_a_leaving_worker_is_active():
    assert state(make_run(), workers=(make_worker(said_offline_at=ago(minutes=1), last_heard_at=ago(minutes=1)),)) == "active"


def test_what_a_gone_worker_had_fetched_and_not_started_comes_again():
    message = UnackedMessage(tag="t", task_id=ID, task_name="a", queue="reports", fetched_at=ago(minutes=3))
    (one,) = judged(make_run(started_at=None), workers=(make_worker(**GONE),), unacked=(message,))
    assert one.state == "received"
    assert "run_comes_again" in codes(one)


def test_nothing_is_lost_while_the_broker_cannot_be_read():
    sources = (make_source("broker", ok=False), make_source("workers"), make_source("events"))
    assert state(make_run(), workers=(make_worker(**GONE),), sources=sources) == "active"


def test_nothing_is_lost_while_our_own_look_is_old():
    assert state(make_run(), workers=(make_worker(**GONE),), at=ago(minutes=5)) == "active"


def test_run_of_the_process_before_a_restart_is_lost_and_the_new_process_is_not_asked_for_it():
    before, after = make_worker(**GONE), make_worker(pid=999, first_heard_at=ago(minutes=1), active=())
    (one,) = judged(make_run(parent_pid=790), workers=(before, after))
    assert one.state == "lost"
    assert "worker_replaced" in codes(one)


def test_two_workers_of_one_name_leave_it_not_known():
    one, other = make_worker(), make_worker(pid=999, first_heard_at=ago(minutes=5))
    assert state(make_run(parent_pid=790), workers=(one, other)) == "unknown"


def test_sent_to_a_worker_that_tells_nothing_may_have_run():
    sent = make_run(worker=None, started_at=None, received_at=None, sent_at=ago(minutes=3))
    (one,) = judged(sent, workers=(make_worker(sends_events=False),), queues=(make_queue(),))
    assert codes(one) == ["run_untold"]


def test_locks_that_it_holds_are_its_own():
    (one,) = judged(make_run(), locks=(make_lock(), make_lock(name="lock_other", claim=make_claim(task_id="another"))))
    assert [lock.lock.name for lock in one.locks] == ["lock_report_12"]


def test_lost_runs_come_first_then_those_that_go_on_the_oldest_first_then_what_ended_the_latest_first():
    runs = [
        ended("SUCCESS", task_id="ended-1"),
        make_run(task_id="ended-2", outcome="FAILURE", ended_at=ago(seconds=9), heard_at=ago(seconds=9)),
        make_run(task_id="waits", started_at=None),
        make_run(task_id="young", started_at=ago(seconds=5)),
        make_run(task_id="old"),
        make_run(task_id="lost", worker="w@gone", parent_pid=5),
    ]
    found = judged(*runs, workers=(make_worker(), make_worker(name="w@gone", pid=5, **GONE)))
    assert [one.run.task_id for one in found] == ["lost", "old", "young", "waits", "ended-1", "ended-2"]


def test_tries_of_one_id_are_runs_of_their_own_the_latest_first():
    first, second = ended("RETRY"), make_run(retries=1)
    waiting = make_run(retries=2, worker=None, started_at=None, received_at=None, sent_at=NOW)
    found = runs_of(identity(ID), judged(first, second, waiting))
    assert [(one.run.retries, one.state) for one in found] == [(2, "sent"), (1, "active"), (0, "retried")]


def test_delivery_that_was_never_started_is_no_run_of_its_own_once_it_came_again():
    before = make_run(started_at=None, worker="w@gone", received_at=ago(hours=1))
    assert len(judged(before, make_run(redelivered=True))) == 1


def test_worker_whose_clock_is_ahead_is_put_right():
    (one,) = judged(make_run(parent_pid=790, started_at=NOW + HOUR), workers=(make_worker(clock_skew=HOUR),))
    assert one.began_at == NOW


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("", True),
        ("MASSIVE", True),
        ("task:massive worker:web-2 queue:reports state:active", True),
        ("id:d9c26803", True),
        ("lock:lock_report_12", True),
        ("state:waiting", False),
        ("state:success", False),
        ("worker:massive", False),
        ('"no such words"', False),
    ],
)
def test_filter(query, is_found):
    (one,) = judged(make_run(), locks=(make_lock(),))
    assert matches_run(one, query) is is_found


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("a since:10m", "a since:2026-11-23T13:57:41+00:00"),
        ("until:04:28", "until:2026-11-23T04:28:00+00:00"),
        ("since:banana", "since:banana"),
        ("until:25:00", "until:25:00"),
        ("xsince:10m", "xsince:10m"),
    ],
)
def test_times_that_hang_on_now(query, meant):
    assert absolute(query, NOW) == meant


def life_of(*runs, past=(), **sections):
    known = make_snapshot(**({"runs": runs, "locks": ()} | sections))
    found = runs_of(identity(ID), judge_runs(known, assess(known, NOW, Policy()), NOW, Policy()))
    return [(moment.what.code, moment.at) for moment in moments(found, known, NOW, HOUR, past)]


def test_life_is_told_in_the_order_of_time():
    message = UnackedMessage(tag="t", task_id=ID, task_name="a", queue="reports", fetched_at=ago(seconds=81))
    lock = make_lock(acquired_at=ago(seconds=80))
    told = life_of(make_run(sent_at=ago(seconds=90)), locks=(lock,), unacked=(message,))
    assert [code for code, _ in told] == ["run_sent_to", "run_received", "run_began_in", "run_took_lock", "run_lock_expires", "run_due_again"]
    assert [at for _, at in told] == sorted(at for _, at in told)


@pytest.mark.parametrize("ahead", [timedelta(milliseconds=5), HOUR], ids=["a little", "an hour"])
def test_life_is_told_as_one_thing_leads_to_the_next_whatever_the_clocks_say(ahead):
    run = make_run(sent_at=ago(seconds=80) + ahead, received_at=ago(seconds=80), started_at=ago(seconds=79))
    told = life_of(run, locks=(make_lock(acquired_at=ago(seconds=78)),))
    assert [code for code, _ in told][:4] == ["run_sent_to", "run_received", "run_began_in", "run_took_lock"]
    assert dict(told)["run_sent_to"] == ago(seconds=80) + ahead, "its time is as its sender told it"


def test_life_tells_of_a_refusal_and_never_of_success():
    refused = ended("SUCCESS", refused_by="lock_a", refused_lock_id="0" * 16, refused_at=ago(seconds=2))
    refusal = Refusal(lock_id="0" * 16, cache="default", name="lock_a", at=ago(seconds=2), task_id=ID, waited=timedelta(seconds=1))
    for refusals in ((), (refusal,)):
        assert [code for code, _ in life_of(refused, refusals=refusals)][-2:] == ["run_turned_away", "run_refused"]


def moment(what, at, row=1, **changes):
    told = {
        "row": row, "lock_id": "0" * 16, "cache": "default", "name": "lock_a", "what": what, "at": at, "span": timedelta(seconds=5), "task_id": ID,
        "task_name": "a", "worker": "w", "certainty": "exact", "token_digest": "digest", "by": None, "run": 0,
    }  # fmt: skip
    return LockMoment(**(told | changes))


def test_life_of_an_ended_run_tells_what_the_history_has_of_its_locks():
    run = ended("SUCCESS", started_at=ago(seconds=20), received_at=ago(seconds=21), sent_at=None)
    past = [moment("waiting", ago(seconds=15)), moment("acquired", ago(seconds=15)), moment("expired", ago(seconds=10)), moment("released", ago(seconds=9))]
    assert [code for code, _ in life_of(run, past=past)] == [
        "run_received", "run_began_in", "run_waited_for_lock", "run_took_lock", "run_lost_lock", "run_gave_back_lock", "run_succeeded",
    ]  # fmt: skip


def test_run_found_its_lock_lost_before_it_ended_though_that_is_told_later():
    run = ended("SUCCESS", started_at=ago(seconds=20), received_at=ago(seconds=21))
    past = [moment("acquired", ago(seconds=15)), moment("expired", ago(seconds=10)), moment("lost", run.ended_at + timedelta(milliseconds=15))]
    assert [code for code, _ in life_of(run, past=past)][-4:] == ["run_took_lock", "run_lost_lock", "run_found_lock_lost", "run_succeeded"]

    left = [moment("acquired", ago(seconds=15)), moment("expired", run.ended_at + timedelta(milliseconds=5)), *past[2:]]
    assert [code for code, _ in life_of(run, past=left)][-3:] == ["run_found_lock_lost", "run_succeeded", "run_left_lock_expired"]


@pytest.mark.parametrize(("what", "code"), [("expired", "run_left_lock_expired"), ("released", "run_left_lock_removed"), ("changed", "run_left_lock_removed")])
def test_what_became_of_a_lock_after_its_run_ended_is_not_told_as_its_doing(what, code):
    run = ended("FAILURE", started_at=ago(seconds=200), received_at=ago(seconds=201))
    run = msgspec.structs.replace(run, ended_at=ago(seconds=100), heard_at=ago(seconds=100))
    past = [moment("acquired", ago(seconds=150)), moment(what, ago(seconds=50))]
    told = life_of(run, past=past)
    assert [one for one, _ in told][-3:] == ["run_took_lock", "run_failed", code]
    assert [at for _, at in told] == sorted(at for _, at in told)


def test_lock_of_which_is_only_likely_whose_it_was_is_told_so_whatever_happened_to_it():
    known = make_snapshot(runs=(ended("SUCCESS"),), locks=())
    found = judge_runs(known, [], NOW, Policy())
    past = [moment(what, ago(seconds=9), certainty="likely") for what in ("acquired", "changed")]
    of_locks = [one for one in moments(found, known, NOW, HOUR, past) if "lock" in one.what.code]
    assert [(one.is_likely, one.tone) for one in of_locks] == [(True, ""), (True, "")]


def test_lock_that_is_held_now_is_told_once_though_it_is_in_the_history():
    lock = make_lock(acquired_at=ago(seconds=80))
    past = [moment("acquired", ago(seconds=80), lock_id=lock.id, token_digest=lock.token_digest), moment("acquired", ago(seconds=70))]
    assert [at for code, at in life_of(make_run(), locks=(lock,), past=past) if code == "run_took_lock"] == [ago(seconds=80), ago(seconds=70)]


def test_lock_belongs_to_the_try_that_took_it_though_it_was_given_back_after_the_next_was_received():
    tries = ended("RETRY", received_at=ago(seconds=200), started_at=ago(seconds=199), row=10), make_run(retries=1, row=20)
    past = [moment("acquired", ago(seconds=198), run=10), moment("released", ago(seconds=1), run=10), moment("acquired", ago(seconds=79), run=20)]
    codes = [code for code, _ in life_of(*tries, past=past)]
    assert codes == [
        "run_received", "run_began_in", "run_took_lock", "run_gave_back_lock", "run_retried", "run_received", "run_began_in", "run_took_lock",
    ]  # fmt: skip


def test_life_of_several_tries_goes_on_from_one_to_the_next():
    told = life_of(ended("RETRY", received_at=ago(seconds=200)), make_run(retries=1))
    assert [code for code, _ in told] == ["run_received", "run_began_in", "run_retried", "run_received", "run_began_in"]


@pytest.mark.parametrize(("worker", "tie"), [({}, "outlived"), ({"last_heard_at": ago(minutes=2), "asked_at": ago(seconds=2)}, "lost")])
def test_run_whose_lock_expired_has_outlived_it_where_it_is_known_to_go_on(worker, tie):
    gone = make_lock(lapsed_at=ago(seconds=34), expires_at=ago(seconds=34))
    (lock,) = assess(make_snapshot(locks=(gone,), workers=(make_worker(**worker),)), NOW, Policy())
    assert tie_of(lock) == tie
