"""Who holds a lock, where its token and what is known of runs disagree: values in, values out."""

from dashboard.words import sentence
from tests.dashboard.judge.test_verdicts import SILENT, codes, judge
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
