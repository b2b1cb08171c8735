"""What Prometheus gets from a snapshot: parsed again by its own parser, so that what is written is what it reads."""

from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from dashboard.metrics import rendered
from dashboard.metrics.family import MAX_SERIES
from dashboard.records import Counts, Observer, ResultCount, Spread, TaskCount
from tests.factories import NOW, ago, make_queue, make_snapshot, make_source, make_worker

OBSERVER = Observer(
    leader="web-1:7", since=ago(hours=1), rss_bytes=5, events_received=70, events_dropped=2, events_per_s=1.5, events_lag=timedelta(seconds=0.25)
)
TASK = TaskCount(
    name="mail_send",
    host="web-2",
    queue="emails",
    events={"task-received": 5, "task-started": 5, "task-succeeded": 3, "task-failed": 2},
    failures={"ValueError": 2},
    runtimes=Spread(counts=(0,) * 5 + (2,) + (0,) * 10 + (1,), total_s=700.2),
)
COUNTS = Counts(since=ago(hours=1), tasks=(TASK,), refused={"shop": 4}, uncounted=1)


def told(snapshot=None, **sections):
    """Every sample: name -> labels -> value."""
    body, _type = rendered(snapshot or make_snapshot(**sections), NOW)
    found = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in found.setdefault(sample.name, {}), f"{sample.name} {labels} is told twice"
            found[sample.name][labels] = sample.value
    return found


def by_queue(name):
    return (("queue_name", name),)


def test_queues_go_by_the_names_of_celery_exporter():
    said = told(queues=(make_queue(ready=12, unacked=3, eta=1, oldest_at=ago(seconds=40), oldest_is_minimum=True),))
    queue = by_queue("reports")
    assert said["celery_queue_length"][queue] == 12
    assert said["celery_active_consumer_count"][queue] == said["celery_active_worker_count"][queue] == 1
    assert said["celery_active_process_count"][queue] == 2
    assert (said["lockhouse_queue_unacked"][queue], said["lockhouse_queue_eta"][queue]) == (3, 1)
    assert (said["lockhouse_queue_oldest_age_seconds"][queue], said["lockhouse_queue_oldest_age_is_minimum"][queue]) == (40, 1)


def test_what_is_not_known_is_absent_and_never_0():
    said = told(queues=(make_queue(ready=1, unacked=None, eta=None, consumers=None),), result_counts=(ResultCount(cache="shop", total=None),))
    assert said["celery_queue_length"] == {by_queue("reports"): 1}
    for name in ("celery_active_worker_count", "celery_active_process_count", "lockhouse_queue_unacked", "lockhouse_queue_eta", "lockhouse_results"):
        assert name not in said
    assert "lockhouse_queue_oldest_age_seconds" not in said


def test_processes_are_not_known_where_one_reader_did_not_tell():
    silent = make_worker(name="c@web-3", concurrency=None)
    said = told(queues=(make_queue(consumers=("worker-b@web-2", "c@web-3")),), workers=(make_worker(), silent))
    assert said["celery_active_worker_count"][by_queue("reports")] == 2
    assert "celery_active_process_count" not in said


@pytest.mark.parametrize(
    ("away", "gone"),
    [
        ("broker", ["celery_queue_length", "lockhouse_locks"]),
        ("cache default", ["lockhouse_locks", "lockhouse_results"]),
        ("events", ["celery_task_received_total", "lockhouse_locks_refused_total"]),
        ("result backend", ["lockhouse_results"]),
    ],
)
def test_source_that_is_away_takes_its_metrics_with_it_and_says_so(away, gone):
    everything = {"counts": COUNTS, "result_counts": (ResultCount(cache="default", total=2),)}
    good = ("broker", "cache default", "workers", "events", "result backend")
    said = told(**everything, sources=tuple(make_source(name, ok=name != away) for name in good))
    assert said["lockhouse_source_up"][("source", away),] == 0
    assert not [name for name in gone if name in said]
    assert all(name in told(**everything, sources=tuple(make_source(name) for name in good)) for name in gone)


def test_silent_observer_means_that_nothing_of_the_system_is_told():
    said = told(make_snapshot(at=ago(minutes=1), counts=COUNTS, observer=OBSERVER))
    assert said == {"lockhouse_observer_up": {(): 0}, "lockhouse_snapshot_age_seconds": {(): 60}}


def test_observer_that_never_ran_has_no_age():
    said = told(make_snapshot(at=None))
    assert said == {"lockhouse_observer_up": {(): 0}}


def test_runs_are_counted_by_task_host_and_queue():
    said = told(counts=COUNTS)
    labels = (("hostname", "web-2"), ("name", "mail_send"), ("queue_name", "emails"))
    assert said["celery_task_received_total"][labels] == 5
    assert said["celery_task_retried_total"][labels] == 0, "none was seen, and that is known"
    assert "celery_task_sent_total" not in said, "a worker's events say nothing of senders"
    assert said["celery_task_failed_total"][("exception", "ValueError"), *labels] == 2
    assert said["celery_task_failed_total"][("exception", ""), *labels] == 0
    assert said["celery_task_runtime_bucket"][*labels[:1], ("le", "0.1"), *labels[1:]] == 2
    assert said["celery_task_runtime_bucket"][*labels[:1], ("le", "+Inf"), *labels[1:]] == said["celery_task_runtime_count"][labels] == 3
    assert said["celery_task_runtime_sum"][labels] == 700.2
    assert "celery_task_queue_wait_time_bucket" not in said, "none was measured"
    assert said["lockhouse_locks_refused_total"] == {(("cache", "shop"),): 4}
    assert said["lockhouse_task_events_uncounted_total"] == {(): 1}


def test_workers_are_up_by_name_and_by_host():
    gone = make_worker(name="c@web-2", last_heard_at=ago(seconds=90), active=("x",))
    older = make_worker(pid=1, last_heard_at=ago(seconds=50), said_offline_at=ago(seconds=50))
    forgotten = make_worker(name="d@web-9", last_heard_at=ago(minutes=30))
    said = told(workers=(make_worker(), older, gone, forgotten))
    assert said["lockhouse_worker_up"] == {(("worker", "worker-b@web-2"),): 1, (("worker", "c@web-2"),): 0}
    assert said["celery_worker_up"] == {(("hostname", "web-2"),): 0}
    assert said["celery_worker_tasks_active"] == {(("hostname", "web-2"),): 1}


def test_locks_are_told_by_verdict():
    said = told()
    assert said["lockhouse_locks"][("verdict", "held"),] == 1
    assert said["lockhouse_locks"][("verdict", "orphaned"),] == 0


def test_observer_tells_of_itself():
    said = told(observer=OBSERVER)
    assert said["lockhouse_events_received_total"] == {(): 70}
    assert said["lockhouse_events_dropped_total"] == {(): 2}
    assert said["lockhouse_events_per_second"] == {(): 1.5}
    assert said["lockhouse_events_lag_seconds"] == {(): 0.25}
    assert said["lockhouse_observer_resident_memory_bytes"] == {(): 5}


def test_series_are_bounded_and_those_left_out_are_counted():
    said = told(queues=tuple(make_queue(name=f"q{number:05}") for number in range(MAX_SERIES + 7)))
    assert len(said["celery_queue_length"]) == MAX_SERIES
    assert said["lockhouse_series_dropped"][("of", "queues"),] == 7


def test_hostile_names_are_one_label_on_one_line():
    hostile = 'q"}\n# HELP x\\ \u202e' + "x" * 500
    said = told(queues=(make_queue(name=hostile), make_queue(name=hostile + "y")))
    [labels] = said["celery_queue_length"]
    assert labels[0][1].startswith('q"}\\u000a# HELP x\\ \\u202e')
    assert len(labels[0][1]) == 200


def test_tasks_whose_names_are_cut_to_the_same_are_added_up():
    long = "x" * 300
    tasks = tuple(replace(TASK, name=long + end) for end in "ab")
    said = told(counts=replace(COUNTS, tasks=tasks))
    [(labels, count)] = said["celery_task_received_total"].items()
    assert (dict(labels)["name"], count) == ("x" * 200, 10)
    assert sum(said["celery_task_failed_total"].values()) == 4


def test_openmetrics_is_spoken_where_it_is_asked_for():
    sections = {"counts": COUNTS, "queues": (make_queue(name='q"\\'),), "observer": OBSERVER}
    body, content_type = rendered(make_snapshot(**sections), NOW, "application/openmetrics-text; version=1.0.0")
    families = {family.name: family for family in openmetrics_families(body.decode())}
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    assert families["celery_task_received"].type == "counter"
    samples = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for family in families.values() for sample in family.samples}
    assert samples == {(name, labels): value for name, found in told(**sections).items() for labels, value in found.items()}


@pytest.mark.parametrize(
    ("asked", "answered"), [("allow-utf-8", "allow-utf-8"), ("underscores", "underscores"), ("dots", "underscores"), ("values", "underscores")]
)
def test_names_are_never_escaped_and_the_content_type_says_so(asked, answered):
    for kind in ("text/plain", "application/openmetrics-text"):
        body, content_type = rendered(make_snapshot(), NOW, f"{kind}; version=1.0.0; escaping={asked}; q=0.5")
        assert b"\nlockhouse_observer_up 1.0\n" in body
        assert content_type.startswith(kind)
        assert content_type.endswith(f"escaping={answered}")
