"""Locks that no run takes: by who sends, by a beat, by the broker's library; and values that are only a task id. Nothing here is orphaned without proof."""

from datetime import timedelta

import pytest

from dashboard.judge import assess
from dashboard.records import CatalogueEntry, Claim, Policy, QueueHead, UnackedMessage, digest_of_id
from tests.factories import NOW, ago, make_claim, make_lock, make_queue, make_run, make_snapshot, make_source, make_task, make_worker

TASK_ID = "d9c26803-1111-4222-8333-444455556666"
ID_ALONE = make_claim(
    attempted_at=None, node=None, task_name=None, retries=None, worker=None, pid=None, parent_pid=None, process_started=None, boot_id=None, host=None
)
VALUE_ALONE = Claim(task_digest=digest_of_id(TASK_ID))
TIME_ALONE = make_claim(task_id=None, task_name=None, retries=None, worker=None, pid=None, parent_pid=None, process_started=None, boot_id=None, host=None)


def singleton(**changes):
    return make_lock(**{"name": "SINGLETONLOCK_" + "a" * 32, "dialect": "celery-singleton", "taken_by": "send", "claim": ID_ALONE, **changes})


def once(**changes):
    return make_lock(**{"name": "qo_emails_send_digest_user_id-7", "dialect": "celery-once", "taken_by": "send", "claim": TIME_ALONE, **changes})


def unacked(task_id=TASK_ID):
    return UnackedMessage(tag="t", task_id=task_id, task_name="stock_sync", queue="stock", fetched_at=ago(seconds=30))


def judged(lock, policy=None, **facts):
    (one,) = assess(make_snapshot(locks=(lock,), **facts), NOW, policy or Policy())
    return one


def codes(one):
    return [fact.code for fact in one.evidence]


def test_singleton_whose_message_may_wait_is_unknown_and_names_the_message():
    one = judged(singleton(), runs=(), workers=(make_worker(),))

    assert (one.verdict, one.holder.certainty, one.holder.task_id) == ("unknown", "exact", TASK_ID)
    assert codes(one) == ["sent_with", "sent_unseen"]


WAITS = (make_queue(name="stock", ready=3, consumers=(), heads=(QueueHead(priority="0", mark=TASK_ID, task_id=TASK_ID),)),)


@pytest.mark.parametrize(
    "runs",
    [(), (make_run(worker=None, started_at=None, last_active_at=None),), (make_run(outcome="RETRY", ended_at=ago(seconds=9)),)],
    ids=["", "sent", "retried"],
)
def test_singleton_whose_message_is_seen_to_wait_is_held_and_says_where(runs):
    one = judged(singleton(), runs=runs, workers=(), queues=WAITS)

    assert (one.verdict, one.evidence[-1].code, one.evidence[-1].values) == ("held", "sent_ready", {"task_id": TASK_ID, "queue": "stock"})


def test_singleton_whose_message_was_seen_to_wait_before_the_broker_was_away_is_in_doubt():
    away = (make_source("broker", ok=False), make_source("cache default"), make_source("workers"), make_source("events"))
    assert codes(judged(singleton(), runs=(), workers=(), queues=WAITS, sources=away)) == ["sent_with", "sent_unseen"]


def test_singleton_whose_run_ended_is_no_more_held_by_a_message_that_was_read_before():
    ended = make_run(outcome="SUCCESS", ended_at=ago(seconds=20))
    assert judged(singleton(), runs=(ended,), workers=(), queues=WAITS).verdict == "orphaned"


def test_singleton_whose_message_is_fetched_is_held():
    one = judged(singleton(), runs=(), unacked=(unacked(),))

    assert (one.verdict, one.holder.task_name) == ("held", "stock_sync")


def test_singleton_whose_run_is_active_is_held():
    one = judged(singleton(), runs=(make_run(),), workers=(make_worker(active=(TASK_ID,)),))

    assert (one.verdict, one.holder.worker) == ("held", "worker-b@web-2")


def test_singleton_whose_run_is_only_reserved_is_never_orphaned_though_its_worker_does_not_run_it():
    received = make_run(started_at=None, last_active_at=None)

    one = judged(singleton(), runs=(received,), workers=(make_worker(active=()),))

    assert one.verdict == "unknown"
    assert "sent_waits" in codes(one)


@pytest.mark.parametrize("outcome", ["SUCCESS", "FAILURE", "REVOKED"])
def test_singleton_that_its_ended_run_left_behind_is_orphaned(outcome):
    ended = make_run(ended_at=ago(seconds=60), outcome=outcome)

    assert judged(singleton(), runs=(ended,), workers=(make_worker(active=()),)).verdict == "orphaned"


def test_singleton_whose_run_is_tried_again_is_not_orphaned():
    ended = make_run(ended_at=ago(seconds=60), outcome="RETRY")

    assert judged(singleton(), runs=(ended,), workers=(make_worker(active=()),)).verdict == "unknown"


def test_singleton_whose_run_ended_but_whose_message_comes_again_is_held():
    ended = make_run(ended_at=ago(seconds=60), outcome="FAILURE")

    assert judged(singleton(), runs=(ended,), unacked=(unacked(),)).verdict == "held"


def test_forged_end_of_a_run_that_its_worker_still_names_is_not_believed():
    ended = make_run(ended_at=ago(seconds=60), outcome="SUCCESS")

    assert judged(singleton(), runs=(ended,), workers=(make_worker(active=(TASK_ID,)),)).verdict == "held"


def test_senders_time_in_celery_onces_token_is_matched_with_no_run():
    at_that_time = make_run(name="another_task", started_at=ago(seconds=80), args=None)

    one = judged(once(), runs=(at_that_time,), workers=(make_worker(),))

    assert (one.verdict, one.holder.certainty, one.holder.task_id, one.holder.task_name) == ("unknown", "unknown", None, None)
    assert codes(one) == ["sent_by_somebody", "sent_nameless"]


def test_longest_known_task_name_in_celery_onces_key_is_the_task():
    tasks = tuple(make_task(name=name) for name in ("emails", "emails_send_digest", "emails_send_digest_user_id-70"))

    one = judged(once(), runs=(), tasks=tasks)

    assert one.holder.task_name == "emails_send_digest"
    assert (one.verdict, codes(one)) == ("unknown", ["sent_by", "sent_nameless"])


def test_celery_once_is_held_while_a_run_of_its_task_is_active():
    one = judged(once(), runs=(make_run(name="emails_send_digest"),))

    assert (one.verdict, one.holder.certainty) == ("held", "unknown")


def test_celery_once_is_never_orphaned_even_where_the_catalogue_names_its_task():
    ended = make_run(name="emails_send_digest", ended_at=ago(seconds=60), outcome="SUCCESS")
    policy = Policy(catalogue=(CatalogueEntry(pattern="qo_emails_send_digest_user_id-{id}", owner="emails_send_digest"),))

    assert judged(once(), policy, runs=(ended,), workers=(make_worker(),)).verdict == "unknown"


def test_expired_lock_of_a_sender_is_history_at_once():
    assert assess(make_snapshot(locks=(singleton(lapsed_at=ago(seconds=1)),), runs=()), NOW, Policy()) == []


def beat(**changes):
    return make_lock(**{"name": "redbeat::lock", "dialect": "redbeat", "taken_by": "beat", "claim": TIME_ALONE, **changes})


def test_beats_lock_is_held_while_its_deadline_is_put_off():
    one = judged(beat(renewed_at=ago(seconds=60), expires_at=NOW + timedelta(seconds=240)), runs=(make_run(),))

    assert (one.verdict, one.holder.certainty, codes(one)) == ("held", "unknown", ["holder_beat", "renewed"])


@pytest.mark.parametrize("changes", [{}, {"renewed_at": ago(seconds=200), "expires_at": NOW + timedelta(seconds=100)}])
def test_beats_lock_that_nobody_puts_off_is_unknown_and_matched_with_no_run(changes):
    one = judged(beat(**changes), runs=(make_run(),))

    assert (one.verdict, one.holder.task_id) == ("unknown", None)


def test_kombus_own_lock_is_internal_and_never_released():
    one = judged(make_lock(name="unacked_mutex", dialect="kombu", taken_by="broker", claim=TIME_ALONE), runs=(make_run(),))

    assert (one.verdict, one.no_release, codes(one)) == ("unknown", "internal", ["holder_broker"])


def test_value_that_is_a_known_runs_id_names_the_holder_exactly():
    one = judged(make_lock(dialect="cache.add", claim=VALUE_ALONE), runs=(make_run(parent_pid=790),), workers=(make_worker(active=(TASK_ID,)),))

    assert (one.verdict, one.holder.certainty, one.holder.task_name) == ("held", "exact", "reports_prepare_massive_report")


def test_value_that_is_the_id_of_a_fetched_message_proves_nothing():
    one = judged(make_lock(dialect="cache.add", claim=VALUE_ALONE), runs=(), unacked=(unacked(),))

    assert (one.verdict, one.holder.certainty, one.holder.task_id, codes(one)) == ("unknown", "unknown", TASK_ID, ["holder_task_id"])


def test_value_that_is_no_id_which_is_known_says_nothing():
    one = judged(make_lock(dialect="cache.add", claim=VALUE_ALONE), runs=(make_run(task_id="another"),))

    assert (one.verdict, one.holder.certainty, one.holder.task_id, codes(one)) == ("unknown", "unknown", None, ["holder_unreadable"])


def test_token_from_the_future_is_matched_with_no_run():
    claim = Claim(attempted_at=NOW + timedelta(days=365), node="0242ac110002")

    one = judged(make_lock(dialect="redis-py", claim=claim), runs=(make_run(),))

    assert (one.verdict, one.holder.certainty, codes(one)[0]) == ("unknown", "unknown", "holder_future")
