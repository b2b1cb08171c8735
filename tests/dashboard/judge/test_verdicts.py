"""The verdict on a lock, rule by rule: whether its holder lives; values in, values out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.judge import assess
from dashboard.records import CatalogueEntry, FlowReading, Policy, UnackedMessage
from tests.dashboard.judge.judged import OWNED, PLAIN, POLICY, SILENT, codes, judge
from tests.factories import NOW, ago, make_claim, make_lock, make_run, make_snapshot, make_worker


def test_lock_of_a_run_that_its_worker_has_is_held():
    (judged,) = judge()
    assert (judged.verdict, judged.flags, codes(judged)) == ("held", ["held"], ["holder_token", "run_active"])


def test_process_that_its_pool_no_longer_has_is_gone():
    (judged,) = judge(workers=(make_worker(processes=(812, 813)),))
    assert judged.verdict == "orphaned"
    assert "process_gone" in codes(judged)


def test_pool_read_just_after_the_lock_was_seen_proves_nothing():
    (judged,) = judge(locks=(make_lock(first_seen_at=ago(seconds=2)),), workers=(make_worker(processes=(812,), pool_read_at=ago(seconds=1)),))
    assert judged.verdict == "held"


def test_threads_share_their_pid_so_a_pool_without_processes_proves_nothing():
    (judged,) = judge(workers=(make_worker(pool="threads", processes=None),))
    assert judged.verdict == "held"


def test_run_that_ended_while_its_lock_stayed_is_orphaned():
    (judged,) = judge(runs=(make_run(ended_at=ago(seconds=10), outcome="SUCCESS"),), workers=(make_worker(active=()),))
    assert judged.verdict == "orphaned"
    assert "run_ended" in codes(judged)


def test_end_that_anybody_published_is_not_believed_while_its_worker_names_the_run():
    (judged,) = judge(runs=(make_run(ended_at=ago(seconds=10), outcome="SUCCESS"),))
    assert judged.verdict == "held"


@pytest.mark.parametrize(("since", "refused"), [(ago(seconds=30), 0), (None, None)], ids=["received", "not received"])
def test_attempts_that_nobody_could_tell_us_of_are_not_none(since, refused):
    (judged,) = judge(flow=FlowReading(since=since))
    assert (judged.refused_last_hour, judged.waiting, judged.lost_last_hour, judged.counted_since) == (refused, refused, refused, since)


@pytest.mark.parametrize(("put_back_at", "verdict"), [(None, "held"), (ago(seconds=1), "unknown")], ids=["taken just now", "put back just now"])
def test_lock_of_a_worker_that_lives_is_held_while_it_is_young_and_not_where_it_was_put_back(put_back_at, verdict):
    lock = make_lock(first_seen_at=ago(seconds=1), put_back_at=put_back_at)
    (judged,) = judge(locks=(lock,), runs=(), workers=(make_worker(active=()),))
    assert judged.verdict == verdict


def test_run_that_ended_just_now_may_be_releasing():
    (judged,) = judge(runs=(make_run(ended_at=ago(seconds=0.5), outcome="SUCCESS"),))
    assert judged.verdict == "held"


def test_run_that_ended_before_the_lock_was_taken_is_not_its_end():
    claim = make_claim(attempted_at=ago(seconds=5))
    (judged,) = judge(locks=(make_lock(claim=claim, first_seen_at=ago(seconds=5)),), runs=(make_run(ended_at=ago(seconds=30), outcome="RETRY"),))
    assert judged.verdict == "held"


def test_lost_process_is_said_as_such_and_its_run_is_lost():
    run = make_run(ended_at=ago(seconds=10), outcome="FAILURE", error="WorkerLostError('signal 9')")
    (judged,) = judge(runs=(run,), workers=(make_worker(active=()),))
    assert judged.verdict == "orphaned"
    assert codes(judged)[1:] == ["worker_lost", "run_lost"]


def test_run_absent_from_two_answers_is_over():
    (judged,) = judge(runs=(make_run(last_active_at=ago(seconds=10)),), workers=(make_worker(active=()),))
    assert judged.verdict == "orphaned"
    assert "run_not_active" in codes(judged)


def test_run_absent_from_one_answer_may_be_between_two_states():
    (judged,) = judge(runs=(make_run(last_active_at=ago(seconds=2)),), workers=(make_worker(active=()),))
    assert judged.verdict == "held"


def test_silent_worker_whose_connection_is_gone_is_dead():
    worker = make_worker(**SILENT, connection_known=True, connection_gone_at=ago(seconds=50))
    (judged,) = judge(workers=(worker,))
    assert judged.verdict == "orphaned"
    assert codes(judged)[1:4] == ["worker_silent", "worker_no_answer", "connection_gone"]


@pytest.mark.parametrize(("known", "code"), [(True, "connection_open"), (False, "connection_unknown")])
def test_silent_worker_that_may_be_frozen_is_unknown(known, code):
    (judged,) = judge(workers=(make_worker(**SILENT, connection_known=known),))
    assert judged.verdict == "unknown"
    assert code in codes(judged)


def test_silent_worker_that_was_not_asked_is_unknown():
    worker = make_worker(**(SILENT | {"asked_at": None}), connection_known=True, connection_gone_at=ago(seconds=50))
    (judged,) = judge(workers=(worker,))
    assert judged.verdict == "unknown"


def test_worker_that_said_goodbye_lives_until_its_run_ends():
    worker = make_worker(**SILENT, said_offline_at=ago(seconds=60), connection_known=True, connection_gone_at=ago(seconds=59))
    (judged,) = judge(workers=(worker,))
    assert judged.verdict == "held"
    assert "worker_leaving" in codes(judged)


def test_leaving_is_not_believed_for_ever():
    (judged,) = judge(workers=(make_worker(**SILENT, said_offline_at=ago(hours=2)),))
    assert judged.verdict == "unknown"


def test_other_process_of_the_same_name_says_nothing_of_the_run_but_names_its_successor():
    old = make_worker(**SILENT, connection_known=True, connection_gone_at=ago(seconds=50))
    new = make_worker(pid=815, first_heard_at=ago(seconds=40), processes=(816, 817), active=())
    (judged,) = judge(workers=(old, new))
    assert judged.verdict == "orphaned"
    assert "worker_replaced" in codes(judged)


def test_process_never_heard_of_is_unknown_even_where_its_name_answers():
    (judged,) = judge(workers=(make_worker(pid=815, processes=(816,), active=()),), runs=())
    assert judged.verdict == "unknown"
    assert next(fact for fact in judged.evidence if fact.code == "process_unknown").values == {"worker": "worker-b@web-2", "pid": 811, "known_pid": 815}


def test_worker_never_heard_of_is_unknown_and_an_expired_lock_of_it_is_nothing():
    """Anybody can write a token."""
    (judged,) = judge(workers=(), runs=())
    assert (judged.verdict, codes(judged)[-1]) == ("unknown", "worker_unknown")
    assert judge(locks=(make_lock(lapsed_at=ago(seconds=34), expires_at=ago(seconds=34)),), workers=(), runs=()) == []


def test_two_living_processes_of_one_name_prove_nothing():
    other = make_worker(pid=815, first_heard_at=ago(seconds=60), processes=(816,), active=())
    (judged,) = judge(workers=(make_worker(active=(), processes=(900,)), other))
    assert judged.verdict == "unknown"
    assert "name_shared" in codes(judged)


def test_run_that_was_given_out_again_elsewhere_says_nothing_of_the_first():
    again = make_run(worker="worker-c@web-3", parent_pid=500, pid=501, ended_at=ago(seconds=10), outcome="SUCCESS")
    (judged,) = judge(runs=(again,))
    assert judged.verdict == "held"


@pytest.mark.parametrize("source", ["cache default", "workers"])
def test_nothing_is_proved_while_a_source_is_away(source):
    snapshot = make_snapshot(workers=(make_worker(processes=()),))
    away = tuple(replace(one, ok=False, since=ago(seconds=9)) if one.name == source else one for one in snapshot.sources)
    (judged,) = assess(replace(snapshot, sources=away), NOW, POLICY)
    assert judged.verdict == "unknown"
    assert "source_unavailable" in codes(judged)


def test_nothing_is_proved_by_an_old_snapshot():
    (judged,) = judge(at=ago(seconds=30), workers=(make_worker(processes=()),))
    assert judged.verdict == "unknown"
    assert "stale" in codes(judged)


def test_dead_holder_that_is_only_likely_is_unknown_unless_the_catalogue_names_the_task():
    sections = {
        "locks": (make_lock(dialect="redis-py", claim=PLAIN),),
        "workers": (make_worker(active=()),),
        "runs": (make_run(ended_at=ago(seconds=10), outcome="FAILURE", error="WorkerLostError()"),),
    }
    assert judge(**sections)[0].verdict == "unknown"
    assert judge(OWNED, **sections)[0].verdict == "orphaned"


def test_one_run_active_at_the_attempt_is_the_likely_holder():
    (judged,) = judge(locks=(make_lock(dialect="redis-py", claim=PLAIN),))
    assert (judged.holder.certainty, judged.holder.task_name, judged.holder.candidates) == ("likely", "reports_prepare_massive_report", 1)
    assert judged.holder.distance == timedelta(seconds=0.1)


def test_two_runs_that_started_in_the_same_second_have_no_likely_one():
    other = make_run(task_id="other", started_at=ago(seconds=80.3))
    (judged,) = judge(locks=(make_lock(dialect="redis-py", claim=PLAIN),), runs=(make_run(), other))
    assert (judged.holder.certainty, judged.holder.candidates, judged.verdict) == ("unknown", 2, "unknown")


def test_run_that_started_just_before_the_attempt_beats_one_that_ran_long_before():
    other = make_run(task_id="other", started_at=ago(hours=1))
    (judged,) = judge(locks=(make_lock(dialect="redis-py", claim=PLAIN),), runs=(other, make_run()))
    assert (judged.holder.certainty, judged.holder.task_id, judged.holder.candidates) == ("likely", make_run().task_id, 2)


def test_young_lock_that_the_settings_give_to_a_task_waits_for_its_run_to_be_told():
    other, young = make_run(task_id="other", name="inventory_sync"), make_lock(dialect="redis-py", claim=PLAIN, first_seen_at=ago(seconds=0.2))
    (judged,) = judge(OWNED, locks=(young,), runs=(other,))
    assert (judged.holder.certainty, judged.holder.worker, codes(judged)[0]) == ("unknown", None, "holder_owner_awaited")
    (told,) = judge(OWNED, locks=(young,), runs=(other, make_run()))
    assert (told.holder.certainty, told.holder.task_id) == ("likely", make_run().task_id)


def test_dead_holders_unacknowledged_message_is_told_with_its_time():
    message = UnackedMessage(tag="t", task_id=make_run().task_id, task_name="x", queue="reports", fetched_at=ago(minutes=10))
    worker = make_worker(**SILENT, connection_known=True, connection_gone_at=ago(seconds=50), visibility_timeout=timedelta(hours=6))
    (judged,) = judge(workers=(worker,), unacked=(message,))
    fact = judged.evidence[-1]
    assert (fact.code, fact.values["due_at"]) == ("message_unacked", ago(minutes=10) + timedelta(hours=6))


def test_catalogues_sentence_is_filled_in_with_the_parts_of_the_name():
    policy = Policy(catalogue=(CatalogueEntry(pattern="lock_report_{data_id}", blocks="the report of customer {data_id} ({other})"),))
    assert judge(policy)[0].blocks == "the report of customer 12 ({other})"


@pytest.mark.parametrize(
    ("pattern", "blocks"), [("lock_{a}_{a}", ""), ("lock_{n}_{n}2", "x"), ("lock_{2}", ""), ("lock_{a}_*", "x"), ("{", ""), ("lock_}{_1", "")]
)
def test_odd_pattern_of_the_catalogue_breaks_nothing(pattern, blocks):
    policy = Policy(catalogue=(CatalogueEntry(pattern=pattern, blocks=blocks),))
    (judged,) = judge(policy, locks=(make_lock(name="lock_1_12"),))
    assert judged.blocks == blocks


def test_process_outside_a_worker_is_named_and_its_life_unknown():
    claim = make_claim(task_id=None, task_name=None, worker=None)
    (judged,) = judge(locks=(make_lock(claim=claim),))
    assert (judged.holder.certainty, judged.holder.pid, judged.verdict) == ("exact", 811, "unknown")


def test_missing_sources_never_prove_a_death():
    for worker in (make_worker(processes=None, active=None), make_worker(answered_at=None, active=None, pool_read_at=None, processes=None)):
        assert judge(workers=(worker,), runs=())[0].verdict in {"held", "unknown"}
