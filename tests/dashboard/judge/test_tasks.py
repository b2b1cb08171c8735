"""What is said of a task: where it is known, its state, its locks, and what is wrong with it."""

from datetime import timedelta

import pytest

from dashboard.judge import assess, concerns
from dashboard.judge.look_alike import likest
from dashboard.judge.task_filter import grouped, matches_task, prefix_of
from dashboard.judge.tasks import judge_tasks
from dashboard.records import CatalogueEntry, Minute, Policy, QueueHead, Refusal, RememberedRun, ScheduleReading
from tests.factories import NOW, ago, make_lock, make_queue, make_run, make_snapshot, make_source, make_task, make_worker

POLICY = Policy()
NAME = "reports_prepare_massive_report"
MINUTE = int(NOW.timestamp()) // 60
OTHER = make_worker(name="worker-a@web-1", pid=7, tasks=("main_send_email",), queues=("emails",), active=())


def judged(snapshot, policy=POLICY):
    return {one.name: one for one in judge_tasks(snapshot, assess(snapshot, NOW, policy), NOW, policy)}


def codes(one):
    return [fact.code for fact in one.warnings]


def attention(snapshot):
    return [concern for concern in concerns(snapshot, assess(snapshot, NOW, POLICY), NOW, POLICY) if concern.kind == "unknown-task"]


def sent(name, **changes):
    return make_task(name=name, queues=("emails",), last_sent_at=ago(seconds=9), **changes)


def test_names_come_from_workers_schedules_events_runs_and_messages():
    head = QueueHead(priority="0", mark="x", task_name="from_message")
    schedule = ScheduleReading(id="s" * 16, name="nightly", source="beat_schedule", task="from_schedule", queue="night")
    run = make_run(task_id="r", name="from_run")
    tasks = judged(make_snapshot(tasks=(sent("from_event"),), queues=(make_queue(ready=1, heads=(head,)),), schedules=(schedule,), runs=(run,)))
    assert set(tasks) == {NAME, "from_message", "from_schedule", "from_event", "from_run"}
    assert {name: one.known_from for name, one in tasks.items()} == {
        NAME: ("worker",), "from_message": ("event",), "from_schedule": ("schedule",), "from_event": ("event",), "from_run": ("event",),
    }  # fmt: skip
    assert tasks["from_schedule"].queues == ("night",)


def test_task_says_where_it_is_registered_and_where_not_and_who_has_not_told():
    untold = make_worker(name="worker-c@web-3", pid=9, tasks=None)
    one = judged(make_snapshot(workers=(make_worker(), OTHER, untold)))[NAME]
    assert (one.registered, one.strangers, one.untold) == (("worker-b@web-2",), ("worker-a@web-1",), ("worker-c@web-3",))


def test_name_that_no_worker_knows_is_said_with_the_nearest():
    one = judged(make_snapshot(tasks=(sent("main_send_emial"),), workers=(make_worker(), OTHER)))["main_send_emial"]
    assert codes(one) == ["task_unknown", "task_near"]
    assert (one.near, one.states) == (("main_send_email",), frozenset({"unknown"}))


@pytest.mark.parametrize(
    "worker",
    [
        make_worker(name="w3", pid=3, tasks=None),
        make_worker(name="w3", pid=3, tasks=("odd",), last_heard_at=ago(minutes=5)),
        make_worker(name="w3", pid=3, tasks=("odd",), said_offline_at=ago(minutes=5)),
        make_worker(name="w3", pid=3, tasks=None, last_heard_at=ago(minutes=5)),
    ],
    ids=["has not told", "is silent and knew it", "is leaving and knew it", "is silent and had not told"],
)
def test_doubt_counts_as_known(worker):
    assert codes(judged(make_snapshot(tasks=(sent("odd"),), workers=(make_worker(), worker)))["odd"]) == []


def test_worker_that_is_proved_gone_is_no_doubt():
    gone = make_worker(name="w3", pid=3, tasks=("odd",), last_heard_at=ago(minutes=5), connection_gone_at=ago(minutes=5))
    assert "task_unknown" in codes(judged(make_snapshot(tasks=(sent("odd"),), workers=(make_worker(), gone)))["odd"])


def test_no_worker_at_all_knows_nothing_and_says_nothing():
    assert codes(judged(make_snapshot(tasks=(sent("odd"),), workers=()))["odd"]) == []


def test_readers_that_do_not_know_a_task_of_their_queue_are_named():
    queue = make_queue(name="emails", consumers=("worker-a@web-1", "worker-b@web-2"))
    one = judged(make_snapshot(tasks=(sent("main_send_email"),), workers=(make_worker(), OTHER), queues=(queue,)))["main_send_email"]
    (fact,) = one.warnings
    assert (fact.code, fact.values) == ("task_strange_to_readers", {"queue": "emails", "workers": ["worker-b@web-2"]})


def test_task_that_only_fails_or_is_only_refused_is_warned_of():
    failed, refused = RememberedRun(task_id="f", at=ago(seconds=5)), RememberedRun(task_id="r", at=ago(seconds=5), lock="lock_x")
    task = make_task(failed_in_a_row=3, failed=failed, refused_in_a_row=4, refused=refused)
    assert codes(judged(make_snapshot(tasks=(task,), runs=()))[NAME]) == ["task_failing", "task_refused_again"]
    assert codes(judged(make_snapshot(tasks=(task,)))[NAME]) == ["task_failing"], "a run of it is at work, which is why others are refused"
    assert codes(judged(make_snapshot(tasks=(make_task(failed_in_a_row=2, failed=failed),), runs=()))[NAME]) == []


def test_counts_are_unknown_where_a_worker_sends_no_events_of_its_tasks():
    task = make_task(minutes=(Minute(MINUTE, 5, 5),))
    assert judged(make_snapshot(tasks=(task,)))[NAME].hour.received == 5
    mute = judged(make_snapshot(tasks=(task,), workers=(make_worker(sends_events=False),)))[NAME]
    assert (mute.hour, mute.per_minute, mute.quiet) == (None, None, ("worker-b@web-2",))
    assert judged(make_snapshot(tasks=(make_task(counted_since=None, minutes=task.minutes),)))[NAME].hour is None


def test_runs_per_minute_are_told_over_whole_minutes_that_were_counted():
    minutes = (Minute(MINUTE - 9, 600), Minute(MINUTE - 2, 6), Minute(MINUTE - 1, 4), Minute(MINUTE, 99))
    assert judged(make_snapshot(tasks=(make_task(minutes=minutes),)))[NAME].per_minute == 2.0
    assert judged(make_snapshot(tasks=(make_task(minutes=minutes, counted_since=NOW - timedelta(minutes=2, seconds=41)),)))[NAME].per_minute == 5.0
    assert judged(make_snapshot(tasks=(make_task(minutes=minutes, counted_since=ago(seconds=20)),)))[NAME].per_minute is None


def test_locks_come_from_settings_refusals_and_holders():
    policy = Policy(catalogue=(CatalogueEntry(pattern="lock_nightly_{day}", owner=NAME),))
    refusal = Refusal(lock_id="e" * 16, cache="shop", name="lock_other", at=ago(minutes=5), task_name=NAME)
    one = judged(make_snapshot(refusals=(refusal,)), policy)[NAME]
    found = {lock.name: (lock.verdict, lock.by_itself) for lock in one.locks}
    assert found == {"lock_nightly_{day}": ("", False), "lock_other": ("", False), "lock_report_12": ("held", True)}
    assert {lock.name: lock.lock_id for lock in one.locks}["lock_report_12"] == make_lock().id


def test_unknown_name_needs_attention_while_it_waits_or_was_sent_lately():
    head = QueueHead(priority="0", mark="x", task_name="odd")
    assert [one.subject for one in attention(make_snapshot(queues=(make_queue(name="emails", ready=1, heads=(head,)),)))] == ["odd"]
    assert [one.subject for one in attention(make_snapshot(tasks=(sent("odd"),)))] == ["odd"]
    assert attention(make_snapshot(tasks=(make_task(name="odd", last_sent_at=ago(hours=3)),))) == []
    assert attention(make_snapshot(tasks=(sent(NAME),))) == []


@pytest.mark.parametrize("source", ["broker", "events", "workers", "cache default", "lockhouse"])
def test_unknown_name_is_not_spoken_of_while_any_source_is_away(source):
    assert attention(make_snapshot(tasks=(sent("odd"),), sources=(make_source(source, ok=False),))) == []


def test_unknown_name_that_was_thrown_away_says_how_often_and_by_whom():
    task = sent("odd", minutes=(Minute(MINUTE, thrown_away=3),), failed=RememberedRun(task_id="x", at=ago(seconds=4), worker="worker-b@web-2"))
    (concern,) = attention(make_snapshot(tasks=(task,)))
    fact = concern.evidence[-1]
    assert (fact.code, fact.values["count"], fact.values["worker"]) == ("task_thrown_away", 3, "worker-b@web-2")


@pytest.mark.parametrize(
    ("name", "prefix"), [("main_send_email", "main_"), ("shop.tasks.add", "shop."), ("mail:send", "mail:"), ("alone", ""), ("_private", ""), ("", "")]
)
def test_prefix_ends_with_the_first_sign_that_parts(name, prefix):
    assert prefix_of(name) == prefix


def test_groups_are_in_order_and_what_is_alone_comes_last():
    names = ["b_1", "a_2", "a_1", "single_one", "b_2"]
    tasks = judged(make_snapshot(tasks=tuple(make_task(name=name) for name in names), workers=(), runs=(), locks=()))
    assert [(prefix, [one.name for one in rows]) for prefix, rows in grouped(list(tasks.values()), names)] == [
        ("a_", ["a_1", "a_2"]), ("b_", ["b_1", "b_2"]), ("", ["single_one"]),
    ]  # fmt: skip


def test_filter_knows_its_fields():
    snapshot = make_snapshot(tasks=(make_task(failed_in_a_row=1), sent("main_send_email")), workers=(make_worker(), OTHER))
    tasks = judged(snapshot)
    queries = ("REPORT", "task:email", "queue:emails", "worker:web-1", "state:failing", "state:active", "lock:report_12", "zzz", "state:nonsense")
    found = {query: sorted(name for name, one in tasks.items() if matches_task(one, query)) for query in queries}
    email = ["main_send_email"]
    assert found == {
        "REPORT": [NAME], "task:email": email, "queue:emails": email, "worker:web-1": email, "state:failing": [NAME], "state:active": [NAME],
        "lock:report_12": [NAME], "zzz": [], "state:nonsense": [],
    }  # fmt: skip


def test_likest_names_are_misspellings_and_other_prefixes():
    others = ("main_send_email", "send_emails", "reports_send_email", "unrelated")
    assert likest("send_email", others) == ("send_emails", "main_send_email", "reports_send_email")
    assert likest("x", others) == ()
