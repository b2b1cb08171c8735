"""Why messages wait, and what is wrong with a queue: values in, codes out."""

import pytest

from dashboard.judge.look_alike import like_one_of
from dashboard.judge.queue_why import judge_queues
from dashboard.records import Policy, QueueHead, UnackedMessage
from tests.factories import NOW, ago, make_queue, make_run, make_snapshot, make_source, make_worker

HEAD = QueueHead(priority="0", mark="t", task_id="t", task_name="reports_prepare_massive_report", origin="gen1@web-3")
IDLE = make_worker(active=())


def judged(queue, **sections):
    (one,) = [one for one in judge_queues(make_snapshot(queues=sections.pop("queues", (queue,)), **sections), NOW, Policy()) if one.queue.name == queue.name]
    return one


def why(queue, **sections):
    return judged(queue, **sections).why.code


def warnings(queue, **sections):
    return [fact.code for fact in judged(queue, **sections).warnings]


def waiting(**changes):
    return make_queue(**({"ready": 5, "heads": (HEAD,), "oldest_at": ago(seconds=40)} | changes))


def test_empty_queue_has_nothing_to_explain():
    assert why(make_queue()) == "queue_empty"


def test_queue_without_a_reader_says_so_and_warns():
    one = judged(waiting(consumers=(), unread_since=ago(seconds=20)))
    assert one.why.code == "queue_nobody_reads"
    assert [fact.code for fact in one.warnings] == ["no_reader"]


def test_unread_queue_is_no_warning_while_a_worker_may_still_start():
    assert warnings(waiting(consumers=(), unread_since=ago(seconds=1))) == []


def test_readers_that_could_not_be_asked_are_unknown_and_not_nobody():
    one = judged(waiting(consumers=None))
    assert (one.why.code, list(one.warnings)) == ("queue_readers_unknown", [])


def test_busy_processes_are_counted_with_what_keeps_them():
    busy = make_worker(active=("a", "b"), concurrency=2)
    runs = (make_run(task_id="a"), make_run(task_id="b", name="reports_refresh_all"), make_run(task_id="c"))
    one = judged(waiting(), workers=(busy,), runs=runs)
    assert one.why.code == "queue_all_busy"
    assert (one.why.values["processes"], one.why.values["runs"]) == (2, 1)


def test_worker_that_has_not_told_its_pool_is_not_called_busy():
    assert why(waiting(), workers=(make_worker(active=None),)) != "queue_all_busy"


def test_messages_hoarded_by_one_reader_while_another_is_idle():
    hoarder, other = make_worker(active=("a", "b"), concurrency=2), make_worker(name="worker-c@web-3", active=())
    fetched = tuple(UnackedMessage(tag=n, task_id=n, task_name="x", queue="reports", fetched_at=ago(seconds=9)) for n in ("m1", "m2"))
    runs = tuple(make_run(task_id=n, started_at=None) for n in ("m1", "m2"))
    queue = waiting(consumers=("worker-b@web-2", "worker-c@web-3"))
    one = judged(queue, workers=(hoarder, other), unacked=fetched, runs=runs)
    assert (one.why.code, one.why.values) == ("queue_prefetched", {"worker": "worker-b@web-2", "count": 2, "idle": 1})


def test_message_with_a_time_in_the_future_is_not_hoarded():
    hoarder, other = make_worker(active=("a", "b"), concurrency=2), make_worker(name="worker-c@web-3", active=())
    later = UnackedMessage(tag="m", task_id="m", task_name="x", queue="reports", fetched_at=ago(seconds=9), eta_at=ago(seconds=-60))
    queue = make_queue(consumers=("worker-b@web-2", "worker-c@web-3"))
    assert why(queue, workers=(hoarder, other), unacked=(later,), runs=(make_run(task_id="m", started_at=None),)) == "queue_empty"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"in_per_s": 3.0, "out_per_s": 1.0, "grown": 120}, "queue_more_in"),
        ({"in_per_s": 1.0, "out_per_s": 3.0, "grown": -120}, "queue_drains"),
        ({"in_per_s": 0.0, "out_per_s": 0.0, "grown": 0}, "queue_stalled"),
        ({"in_per_s": None, "out_per_s": None, "grown": 12}, "queue_grows"),
        ({"in_per_s": None, "out_per_s": None, "grown": None}, "queue_waits"),
        ({"in_per_s": 5.0, "out_per_s": 5.0, "grown": 0, "oldest_at": ago(seconds=1)}, "queue_moment"),
    ],
)
def test_rates_explain_a_queue_whose_readers_have_processes_free(changes, code):
    assert why(waiting(**changes), workers=(IDLE,)) == code


def test_readers_that_are_all_silent_explain_it_and_are_a_warning():
    one = judged(waiting(), workers=(make_worker(last_heard_at=ago(seconds=60), active=()),))
    assert (one.why.code, [fact.code for fact in one.warnings]) == ("queue_readers_silent", ["queue_readers_silent"])


def test_silence_that_may_be_ours_is_no_warning():
    deaf = (make_source("broker"), make_source("events", ok=False))
    assert warnings(waiting(), workers=(make_worker(last_heard_at=ago(seconds=60)),), sources=deaf) == []


def test_last_reader_that_is_leaving_is_told_while_its_runs_go_on():
    leaving, unread = make_worker(said_offline_at=ago(seconds=30)), waiting(consumers=(), unread_since=ago(seconds=29))
    one = judged(unread, workers=(leaving,), runs=(make_run(parent_pid=790),))
    assert (one.why.code, one.why.values["worker"]) == ("queue_last_leaving", "worker-b@web-2")
    assert judged(unread, workers=(leaving,), runs=()).why.values["reader"] == "worker-b@web-2"


def test_what_a_reader_said_of_its_processes_long_ago_is_not_the_present():
    once = make_worker(active=("a", "b"), concurrency=2, active_at=ago(seconds=60))
    assert why(waiting(), workers=(once,)) != "queue_all_busy"


def test_time_to_drain_is_told_only_where_more_leaves_than_comes():
    assert judged(waiting(ready=60, in_per_s=1.0, out_per_s=3.0, grown=-5)).drains_in.total_seconds() == 30
    assert judged(waiting(in_per_s=3.0, out_per_s=1.0, grown=5)).drains_in is None
    assert judged(waiting()).drains_in is None


def test_reader_that_does_not_know_the_next_task_is_named():
    stranger = make_worker(tasks=("main_send_email",), active=())
    one = judged(waiting(), workers=(stranger,))
    assert [fact.code for fact in one.warnings] == ["queue_unknown_task"]
    assert one.warnings[0].values["workers"] == ["worker-b@web-2"]


def test_reader_that_has_not_told_its_tasks_is_not_accused():
    assert warnings(waiting(), workers=(make_worker(tasks=None, active=()),)) == []


def test_misspelt_queue_names_the_right_one_and_its_sender():
    odd = waiting(name="reprots", consumers=(), unread_since=ago(seconds=1))
    one = judged(odd, queues=(odd, make_queue()))
    assert one.warnings[0].code == "queue_typo"
    assert (one.warnings[0].values["other"], one.warnings[0].values["origin"]) == ("reports", "gen1@web-3")


def test_queue_that_the_settings_name_is_no_typo():
    named = waiting(name="reprots", consumers=(), is_named=True)
    assert warnings(named, queues=(named, make_queue())) == []


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("emials", "emails"),
        ("email", "emails"),
        ("e-mails", "emails"),
        ("Emails", "emails"),
        ("emails2", None),
        ("emails-3", None),
        ("reports", None),
        ("em", None),
    ],
)
def test_names_that_look_alike(name, like):
    assert like_one_of(name, ("emails", "default", "archive")) == like


def test_odd_things_are_warned_of():
    assert warnings(make_queue(wrong_type="hash")) == ["queue_wrong_type"]
    assert warnings(make_queue(bound_with=("other",))) == ["queue_bound_twice"]
    assert warnings(waiting(heads=(QueueHead(priority="0", mark="x", problem="not-json"),))) == ["queue_odd_head"]
    assert warnings(waiting(heads=(QueueHead(priority="0", problem="not-looked-at"),))) == []


def test_queues_with_a_warning_come_first():
    queues = (make_queue(name="a"), make_queue(name="b", wrong_type="hash"))
    assert [one.queue.name for one in judge_queues(make_snapshot(queues=queues), NOW, Policy())] == ["b", "a"]
