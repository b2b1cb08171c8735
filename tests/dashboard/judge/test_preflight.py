"""Will this run? Values in, a verdict and its checks out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.judge.preflight import preflight
from dashboard.records import CatalogueEntry, Parameter, Policy, Sending, Signature, Transport
from dashboard.words import sentence
from tests.factories import NOW, ago, make_lock, make_queue, make_run, make_schedule, make_snapshot, make_source, make_task, make_worker

TASK = "reports_prepare_massive_report"
SENDING = Sending(task=TASK, queue="reports", args=(12,))
CATALOGUE = Policy(catalogue=(CatalogueEntry(pattern="lock_report_{data_id}", owner=TASK),))
SIGNATURE = Signature(parameters=(Parameter(name="data_id", annotation="int"), Parameter(name="seconds", has_default=True, default="40")))


def asked(sending=SENDING, *, signature=SIGNATURE, policy=CATALOGUE, transport=None, **sections):
    sections = {"locks": (), **sections}
    return preflight(make_snapshot(**sections), policy, sending, now=NOW, signature=signature, transport=transport)


def codes(found, *states):
    return [check.evidence.code for check in found.checks if not states or check.state in states]


def check_of(found, code):
    [check] = [check for check in found.checks if check.evidence.code == code]
    return check


def test_what_is_known_read_free_and_fits_will_run():
    found = asked()

    assert found.verdict == "will-run"
    assert codes(found) == ["send_name_known", "send_queue_read", "send_readers_know", "send_arguments_fit", "send_lock_free", "send_next"]


def test_name_that_no_worker_knows_fails_with_the_nearest():
    found = asked(replace(SENDING, task="reports_prepare_masive_report"), signature=None)

    assert found.verdict == "will-not-run"
    assert check_of(found, "send_name_unknown").suggestion == TASK


def test_name_is_not_known_while_a_worker_has_not_told_its_tasks():
    found = asked(workers=(make_worker(tasks=None),))

    assert found.verdict == "unknown"
    assert "send_name_not_told" in codes(found, "unknown")


def test_no_living_worker_fails():
    found = asked(workers=(make_worker(last_heard_at=ago(seconds=60)),))

    assert "send_no_worker" in codes(found, "fails")
    assert "send_readers_silent" in codes(found, "warning")


def test_living_worker_that_has_not_told_its_queues_may_read_this_one():
    found = asked(replace(SENDING, queue="archive"), workers=(make_worker(), make_worker(name="new@web-1", queues=None, tasks=None)))

    assert codes(found, "unknown") == ["send_readers_unknown"]
    assert found.verdict == "unknown"


def test_where_no_events_are_received_a_worker_that_answers_nobody_may_still_live():
    found = asked(workers=(), queues=(make_queue(consumers=()),), sources=(make_source("broker"), make_source("workers"), make_source("cache default")))

    assert found.verdict == "unknown"
    assert codes(found, "unknown") == ["send_nobody_answers", "send_readers_unknown"]


def test_misspelt_queue_fails_and_the_one_that_is_read_is_meant():
    check = check_of(asked(replace(SENDING, queue="reprots")), "send_queue_unknown")

    assert (check.state, check.suggestion) == ("fails", "reports")


def test_queue_that_nobody_reads_fails():
    found = asked(replace(SENDING, queue="archive"), queues=(make_queue(), make_queue(name="archive", consumers=(), is_named=True)))

    assert "send_queue_unread" in codes(found, "fails")


@pytest.mark.parametrize(
    ("known", "suggested"),
    [
        ({"tasks": (make_task(app_queue="reports", queues=("default",)),)}, "reports"),
        ({"tasks": (make_task(queues=("gone", "slow", "default")),)}, "slow"),
        ({"schedules": (make_schedule(task=TASK, queue="reports"),), "tasks": (make_task(queues=("slow",)),)}, "reports"),
        ({"schedules": (make_schedule(task="other", queue="reports"),), "tasks": ()}, "default"),
        ({"tasks": (make_task(name="other", app_queue="reports"),)}, "default"),
        ({"tasks": (make_task(app_queue="strangers", queues=()),)}, "default"),
        ({"tasks": ()}, "default"),
    ],
)
def test_for_a_queue_that_nobody_reads_the_tasks_own_is_suggested_where_it_is_read(known, suggested):
    workers = (make_worker(queues=("slow", "reports", "default")), make_worker(name="other@web-1", queues=("strangers",), tasks=("other",)))

    found = asked(replace(SENDING, queue="archive"), workers=workers, queues=(make_queue(name="archive", consumers=(), is_named=True),), **known)

    check = check_of(found, "send_queue_unread")
    assert (check.suggestion, check.evidence.values["elsewhere"]) == (suggested, suggested)


def test_key_of_another_type_fails():
    assert "send_queue_wrong_type" in codes(asked(queues=(make_queue(wrong_type="hash"),)), "fails")


def test_readers_that_leave_are_a_warning():
    found = asked(workers=(make_worker(said_offline_at=ago(seconds=2)), make_worker(name="other@x", queues=("other",))))

    assert found.verdict == "may-not-run"
    assert "send_readers_leaving" in codes(found, "warning")


def test_readers_that_left_long_ago_are_none_and_the_last_is_named():
    queues = (make_queue(consumers=()),)

    left = asked(workers=(make_worker(said_offline_at=ago(minutes=5)), make_worker(name="other@x", queues=("other",))), queues=queues)
    leaving = asked(workers=(make_worker(said_offline_at=ago(seconds=5)), make_worker(name="other@x", queues=("other",))), queues=queues)

    assert check_of(left, "send_queue_unread").evidence.values["reader"] == "worker-b@web-2"
    assert "; worker-b@web-2 did until 14:02:41 UTC" in sentence(check_of(left, "send_queue_unread").evidence)
    assert check_of(leaving, "send_readers_leaving").state == "warning"


def test_readers_that_do_not_know_the_task_throw_it_away():
    workers = (make_worker(tasks=("other",)), make_worker(name="worker-c@web-3", queues=("slow",)))

    check = check_of(asked(workers=workers), "send_readers_do_not_know")

    assert (check.state, check.suggestion) == ("fails", "slow")


def test_one_reader_that_does_not_know_the_task_is_a_warning():
    workers = (make_worker(), make_worker(name="old@web-1", tasks=("other",)))
    found = asked(workers=workers, queues=(make_queue(consumers=("old@web-1", "worker-b@web-2")),))

    assert found.verdict == "may-not-run"
    assert check_of(found, "send_some_do_not_know").evidence.values["workers"] == ["old@web-1"]


@pytest.mark.parametrize(
    ("args", "kwargs", "code"),
    [
        ((), {}, "send_missing"),
        ((1, 2, 3), {}, "send_too_many"),
        ((1,), {"second": 3}, "send_unexpected"),
        ((1,), {"data_id": 3}, "send_given_twice"),
    ],
)
def test_arguments_that_do_not_fit_fail(args, kwargs, code):
    assert code in codes(asked(replace(SENDING, args=args, kwargs=kwargs)), "fails")


def test_arguments_are_not_known_to_fit_without_a_signature():
    found = asked(signature=None)

    assert "send_not_checked" in codes(found, "unknown")
    assert found.verdict == "will-run"


def test_held_lock_refuses_what_starts_now():
    check = check_of(asked(locks=(make_lock(),)), "send_lock_held")

    assert check.state == "fails"
    assert check.lock_id == make_lock().id
    assert check.evidence.values["task_id"] == make_run().task_id


def test_held_lock_that_expires_before_it_starts_is_no_obstacle():
    found = asked(replace(SENDING, countdown=timedelta(hours=1)), locks=(make_lock(),))

    assert "send_lock_over_by_then" in codes(found, "ok")


def test_held_lock_may_be_free_behind_a_backlog():
    queues = (make_queue(ready=5, ready_by_priority={"0": 5}, out_per_s=1.0),)

    assert "send_lock_may_be_held" in codes(asked(locks=(make_lock(),), queues=queues), "warning")


def test_lock_is_not_known_while_its_cache_is_away():
    sources = (make_source("broker"), make_source("workers"), make_source("cache default", ok=False))

    found = asked(sources=sources)

    assert found.verdict == "unknown"
    assert "send_lock_unknown" in codes(found, "unknown")


def test_several_with_one_lock_are_said_to_refuse_each_other():
    found = asked(replace(SENDING, count=3))

    assert "send_lock_shared" in codes(found, "warning")
    assert (found.verdict, found.shares_lock) == ("may-not-run", True)


def test_several_with_one_lock_and_something_else_against_them_may_all_not_run():
    leaving = (make_worker(said_offline_at=ago(seconds=2)), make_worker(name="other@x", queues=("other",)))

    assert not asked(replace(SENDING, count=3), workers=leaving).shares_lock
    assert not asked(replace(SENDING, count=3), locks=(make_lock(),)).shares_lock
    assert not asked().shares_lock


def test_what_expires_before_its_turn_fails():
    queues = (make_queue(ready=100, ready_by_priority={"0": 100}, out_per_s=1.0),)

    assert "send_expires_waiting" in codes(asked(replace(SENDING, expires_in=timedelta(seconds=20)), queues=queues), "fails")


def test_whether_it_expires_behind_a_backlog_of_which_no_rate_is_known_is_unknown():
    queues = (make_queue(ready=200, ready_by_priority={"0": 200}, out_per_s=None),)

    found = codes(asked(replace(SENDING, expires_in=timedelta(seconds=20)), queues=queues), "unknown")
    assert {"send_expires_unknown", "send_behind_unknown"} <= set(found)


def test_what_expires_before_its_eta_fails():
    sending = replace(SENDING, countdown=timedelta(seconds=60), expires_in=timedelta(seconds=20))

    assert "send_expires_before_eta" in codes(asked(sending), "fails")


def test_eta_beyond_the_visibility_timeout_is_a_warning():
    found = asked(replace(SENDING, countdown=timedelta(hours=2)), transport=Transport(visibility_timeout=timedelta(hours=1)))

    assert "send_eta_too_late" in codes(found, "warning")


def test_custom_steps_say_which_list_a_priority_means():
    found = asked(replace(SENDING, priority=7), transport=Transport(priority_steps=(0, 5)))

    assert check_of(found, "send_priority").evidence.values["step"] == 5
    assert "send_no_priorities" in codes(asked(replace(SENDING, priority=7), transport=Transport(priority_steps=(0,))))


def test_nothing_is_ok_where_nothing_was_heard_for_long():
    found = asked(at=ago(seconds=60))

    assert found.verdict == "unknown"
    assert codes(found, "ok") == ["send_arguments_fit"]


def test_key_that_is_no_lock_keeps_the_run_from_taking_its_own():
    no_lock = make_lock(dialect="not-a-lock", note="wrong-type:hash", claim=None, expires_at=None, timeout=None)

    check = check_of(asked(locks=(no_lock,)), "send_lock_no_lock")

    assert (check.state, check.lock_id) == ("fails", no_lock.id)
    assert sentence(check.evidence) == "lock_report_12 cannot be taken: under its key stands a hash, which is no lock"
