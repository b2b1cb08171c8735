"""Who holds a lock, where its token and what is known of runs disagree: values in, values out."""

from datetime import timedelta

import pytest

from dashboard.words import sentence
from tests.dashboard.judge.judged import OWNED, PLAIN, SILENT, codes, judge
from tests.factories import NOW, ago, make_claim, make_lock, make_run, make_worker

CUT = "\N{HORIZONTAL ELLIPSIS}"
OTHER = make_run(name="guest_import")


def test_token_that_calls_a_known_run_by_another_name_is_not_exact():
    (judged,) = judge(runs=(OTHER,))

    assert (judged.holder.certainty, judged.holder.task_id, judged.holder.worker) == ("unknown", None, None)
    assert (judged.verdict, codes(judged)) == ("unknown", ["holder_contradicted"])
    said = sentence(judged.evidence[0], NOW)
    assert "of reports_prepare_massive_report on worker-b@web-2" in said
    assert "known under that id is of guest_import" in said


def test_lock_of_a_contradicted_token_is_never_orphaned():
    ended = make_run(name="guest_import", ended_at=ago(seconds=10), outcome="SUCCESS")

    for worker in (make_worker(active=()), make_worker(processes=(812, 813)), make_worker(**SILENT, connection_known=True, connection_gone_at=ago(seconds=50))):
        (judged,) = judge(runs=(ended,), workers=(worker,))
        assert judged.verdict == "unknown"


def test_name_that_was_cut_in_the_token_fits_the_whole_one():
    for claimed, certainty in (("reports_prep" + CUT, "exact"), ("reports_send" + CUT, "unknown")):
        (judged,) = judge(locks=(make_lock(claim=make_claim(task_name=claimed)),))
        assert judged.holder.certainty == certainty


def test_run_of_the_right_name_is_found_beside_one_of_another_under_the_same_id():
    (judged,) = judge(runs=(OTHER, make_run()))

    assert (judged.holder.certainty, judged.verdict) == ("exact", "held")


def test_run_whose_name_was_not_told_contradicts_nothing():
    (judged,) = judge(runs=(make_run(name=None),))

    assert (judged.holder.certainty, judged.verdict) == ("exact", "held")


def test_lock_taken_outside_a_task_names_the_process_and_its_host():
    """A script or a view has no worker whose death could be proved: it counts as alive."""
    outside = make_lock(claim=make_claim(task_id=None, task_name=None, retries=None, worker=None, pid=4711, host="web-2"))

    (judged,) = judge(locks=(outside,), runs=(), workers=())

    assert (judged.holder.certainty, judged.holder.worker, judged.holder.pid, judged.holder.host) == ("exact", None, 4711, "web-2")
    assert (judged.verdict, codes(judged)) == ("unknown", ["holder_outside_worker"])
    assert sentence(judged.evidence[0], NOW) == "taken at 14:06:21 UTC outside any worker, by pid 4711 on host web-2: the token says so"


PLAIN_LOCK = make_lock(dialect="redis-py", claim=PLAIN)


def test_lock_that_the_settings_give_to_a_task_can_only_be_held_by_its_runs():
    """What else was active then cannot hold it, and is no candidate."""
    others = tuple(make_run(task_id=f"sync-{number}", name="inventory_sync", started_at=ago(seconds=80 + number / 10)) for number in range(7))
    mine = (make_run(started_at=ago(seconds=80.5)), make_run(task_id="mine", started_at=ago(seconds=80.2)))

    (judged,) = judge(OWNED, locks=(PLAIN_LOCK,), runs=(*others, *mine))
    (nobody_says,) = judge(locks=(PLAIN_LOCK,), runs=(*others, *mine))

    assert (judged.holder.certainty, judged.holder.candidates, nobody_says.holder.candidates) == ("unknown", 2, 9)
    assert [(run.task_id, run.distance) for run in judged.holder.candidate_runs] == [
        ("mine", timedelta(seconds=0.2)),
        (make_run().task_id, timedelta(seconds=0.5)),
    ]
    assert sentence(judged.evidence[0], NOW) == (
        "taken at 14:06:21 UTC; by the settings reports_prepare_massive_report takes it, and 2 of its runs were active then: any of them may hold it"
    )


def test_only_run_of_the_owner_is_the_likely_holder_among_many():
    others = tuple(make_run(task_id=f"sync-{number}", name="inventory_sync", started_at=ago(seconds=80)) for number in range(7))

    (judged,) = judge(OWNED, locks=(PLAIN_LOCK,), runs=(*others, make_run()))

    assert (judged.holder.certainty, judged.holder.task_id, judged.holder.candidates) == ("likely", make_run().task_id, 1)
    assert sentence(judged.evidence[0], NOW) == (
        "taken at 14:06:21 UTC; by the settings reports_prepare_massive_report takes it, and run d9c26803 on worker-b@web-2 started 100 ms before, "
        "its only one that was active then"
    )


def test_candidates_are_told_from_the_nearest_on_and_no_more_than_ten():
    runs = tuple(make_run(task_id=f"run-{number:02}", started_at=ago(seconds=80.1 + number / 10)) for number in range(12))

    (judged,) = judge(locks=(PLAIN_LOCK,), runs=runs)

    told = judged.holder.candidate_runs
    assert (judged.holder.candidates, [run.task_id for run in told]) == (12, [f"run-{number:02}" for number in range(10)])
    assert (told[0].task_name, told[0].worker, told[0].distance) == ("reports_prepare_massive_report", "worker-b@web-2", timedelta(seconds=0.1))


def test_exact_holder_has_no_candidates():
    (judged,) = judge()

    assert (judged.holder.candidates, judged.holder.candidate_runs) == (None, ())


@pytest.mark.parametrize("expires_at", [None, NOW + timedelta(hours=1)])
def test_key_of_another_type_under_a_locks_name_is_no_lock_and_says_what_it_keeps_from_happening(expires_at):
    (judged,) = judge(locks=(make_lock(dialect="not-a-lock", note="wrong-type:hash", claim=None, expires_at=expires_at, timeout=None, acquired_at=None),))

    assert (judged.verdict, judged.flags) == ("unknown", ["unknown"])
    assert [sentence(fact, NOW) for fact in judged.evidence] == [
        "the key has a lock's name and holds a hash: it is no lock",
        "for as long as the key is there nobody can take a lock of this name; it is not released from here: whoever put it there must delete it",
    ]
