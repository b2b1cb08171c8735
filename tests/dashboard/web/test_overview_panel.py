"""The Overview's live part: concerns, figures, queues and workers, and that unknown is never zero."""

import re

import pytest

from dashboard.records import EventGap, Figures, Observer, Snapshot
from tests.dashboard.web.pieces import pieces_of, rows_of
from tests.factories import ago, make_claim, make_lane, make_lock, make_queue, make_run, make_snapshot, make_source, make_worker

pytestmark = pytest.mark.usefixtures("acts_on")


def shown(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def test_nothing_needs_attention_is_a_state_with_the_time_of_the_look():
    pieces = pieces_of("overview", make_snapshot())

    assert "Nothing needs attention" in pieces["attention-state"]
    assert "14:07:40 UTC" in pieces["attention-state"]


def test_what_needs_attention_is_not_known_without_an_observer():
    pieces = pieces_of("overview", Snapshot())

    assert "Nothing needs attention" not in pieces["attention-state"]
    assert "not known" in pieces["attention-state"]
    assert all(">?<" in pieces[f"figure-{name}"] for name in ("locks", "refused", "ready", "unacked", "busy", "failed"))


def test_queue_that_nobody_reads_is_a_concern():
    queue = make_queue(name="archive", ready=80, consumers=(), unread_since=ago(hours=2))

    (row,) = rows_of("overview", make_snapshot(queues=(queue,)), "attention-rows")

    assert "archive holds 80 messages, and no worker has read it since 12:07:41 UTC" in shown(row)


def test_queue_that_was_unread_when_it_was_first_seen_is_so_for_at_least_that_long():
    queue = make_queue(name="archive", ready=80, consumers=(), unread_since=ago(minutes=2), unread_is_minimum=True)

    (row,) = rows_of("overview", make_snapshot(queues=(queue,)), "attention-rows")

    assert 'data-with="for at least …">since 14:05:41 UTC or longer<' in row


def test_overlapping_lock_is_one_concern_that_says_how_the_first_run_lost_it():
    lapsed = make_lock(id="a" * 16, lapsed_at=ago(seconds=10), token_digest="1" * 16)
    again = make_lock(id="a" * 16, claim=make_claim(task_id="e" * 36), token_digest="2" * 16, acquired_at=ago(seconds=5))
    runs = (make_run(), make_run(task_id="e" * 36))

    (row,) = rows_of("overview", make_snapshot(locks=(lapsed, again), runs=runs), "attention-rows")

    assert "lock_report_12 has two runs at once, and only one holds it" in shown(row)
    assert "run d9c26803 on worker-b@web-2, which held it before, is still active · expired at 14:07:31 UTC" in shown(row)


def test_two_runs_that_both_lost_the_lock_are_one_concern():
    first = make_lock(id="a" * 16, lapsed_at=ago(seconds=20), token_digest="1" * 16)
    second = make_lock(id="a" * 16, claim=make_claim(task_id="e" * 36), token_digest="2" * 16, acquired_at=ago(seconds=15), lapsed_at=ago(seconds=5))
    runs = (make_run(), make_run(task_id="e" * 36))

    (row,) = rows_of("overview", make_snapshot(locks=(first, second), runs=runs), "attention-rows")

    assert "lock_report_12 has two runs that go on, and neither holds it" in shown(row)


def test_dead_holder_is_a_concern_with_a_release():
    gone = make_worker(
        last_heard_at=ago(seconds=70), asked_at=ago(seconds=1), answered_at=ago(seconds=72), connection_known=True, connection_gone_at=ago(seconds=69)
    )

    (row,) = rows_of("overview", make_snapshot(workers=(gone,)), "attention-rows")

    assert "lock_report_12 blocks every run that needs it until 14:26:21 UTC" in shown(row)
    assert "release/?digest=0123456789abcdef" in row


def test_seven_concerns_at_most_and_the_rest_is_counted():
    queues = tuple(make_queue(name=f"q{n}", ready=1, consumers=(), unread_since=ago(hours=1)) for n in range(12))

    snapshot = make_snapshot(queues=queues)

    assert len(rows_of("overview", snapshot, "attention-rows")) == 7
    assert "and 5 more" in pieces_of("overview", snapshot)["attention-more"]


def test_figures_count_what_is_known():
    figures = Figures(refused_last_hour=12, failed_last_hour=2, locks=(1, 2, 3))

    pieces = pieces_of("overview", make_snapshot(figures=figures, queues=(make_queue(ready=3, unacked=2), make_queue(name="b", ready=4, unacked=1))))

    assert shown(pieces["figure-ready"]) == "7 messages ready"
    assert shown(pieces["figure-unacked"]) == "3 unacknowledged"
    assert shown(pieces["figure-busy"]) == "1 of 2 processes busy"
    assert "polyline" in pieces["figure-locks"]


@pytest.mark.parametrize(("since", "note"), [(ago(minutes=5), " · complete only since 14:02:41 UTC"), (ago(hours=2), "")], ids=["lately", "long ago"])
def test_count_of_less_than_the_hour_says_since_when(since, note):
    figures = Figures(refused_last_hour=0, failed_last_hour=2, whole_since=since)
    pieces = pieces_of("overview", make_snapshot(figures=figures))
    assert (shown(pieces["figure-failed"]), shown(pieces["figure-refused"])) == (f"2 failed, last hour{note}", f"0 refused, last hour{note}")


def test_unread_source_makes_its_figures_unknown():
    sources = (make_source("broker", ok=False), make_source("workers", ok=False), make_source("cache default", ok=False))

    pieces = pieces_of("overview", make_snapshot(sources=sources))

    assert shown(pieces["figure-ready"]) == "? messages ready"
    assert shown(pieces["figure-busy"]) == "? processes busy"
    assert shown(pieces["figure-locks"]) == "? locks held · 1 known"
    assert "Does not see broker, workers, cache default." in shown(pieces["overview-coverage"])


def test_one_unknown_queue_makes_the_sum_unknown():
    pieces = pieces_of("overview", make_snapshot(queues=(make_queue(unacked=3), make_queue(name="b", unacked=None))))

    assert shown(pieces["figure-unacked"]) == "? unacknowledged"


def test_processes_of_a_silent_worker_are_unknown_not_idle():
    silent = make_worker(name="w@c", last_heard_at=ago(seconds=30))

    pieces = pieces_of("overview", make_snapshot(workers=(make_worker(), silent)))

    assert shown(pieces["figure-busy"]) == "1 of 4 processes busy · 2 unknown"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "online"),
        ({"last_heard_at": ago(seconds=30)}, "silent since 14:07:11 UTC"),
        ({"said_offline_at": ago(seconds=5)}, "leaving since 14:07:36 UTC"),
        ({"last_heard_at": ago(seconds=30), "asked_at": ago(seconds=9), "connection_gone_at": ago(seconds=29)}, "gone since 14:07:11 UTC"),
    ],
)
def test_worker_says_whether_it_lives(changes, words):
    (row,) = rows_of("overview", make_snapshot(workers=(make_worker(**changes),)), "worker-rows")

    assert words in shown(row)


@pytest.mark.parametrize(
    "changes",
    [
        {"workers": (make_worker(said_offline_at=ago(seconds=5)),), "runs": ()},
        {"workers": (make_worker(said_offline_at=ago(seconds=5)),)},
        {"at": ago(seconds=9)},
        {"sources": (make_source("events", ok=False),)},
        {"workers": (make_worker(last_heard_at=ago(seconds=30)),), "sources": (make_source("workers", ok=False),)},
    ],
    ids=["stopped", "leaving", "stale", "events away", "workers away"],
)
def test_overview_and_workers_say_the_same_of_a_worker(changes):
    snapshot = make_snapshot(**changes)
    (brief,), (row,) = rows_of("overview", snapshot, "worker-rows"), rows_of("workers", snapshot, "workers-rows")
    (word,) = [word for word in ("online", "leaving", "stopped", "silent", "gone", "not known") if word in shown(brief)]

    assert word in shown(row)
    assert word != "online"


def test_consumers_that_nobody_could_be_asked_about_are_a_question_mark():
    (row,) = rows_of("overview", make_snapshot(queues=(make_queue(ready=5, consumers=None),)), "queue-rows")

    assert "?" in shown(row)
    assert "no reader" not in row


def test_hostile_queue_name_is_text():
    (row,) = rows_of("overview", make_snapshot(queues=(make_queue(name="<script>x</script>\u202e"),)), "queue-rows")

    assert "<script>" not in row
    assert "\\u202e" in row


def test_empty_regions_say_so():
    pieces = pieces_of("overview", make_snapshot(locks=(), lanes=(), queues=(), workers=(), runs=()))

    assert "Nothing was locked" in pieces["timeline-state"]
    assert "No queue is known" in pieces["queues-state"]
    assert "No worker has been heard of" in pieces["workers-state"]


def test_notes_of_sources_are_on_the_coverage_line():
    note = "Client tracking is refused on cache default; allow CLIENT TRACKING."

    pieces = pieces_of("overview", make_snapshot(sources=(make_source(notes=(note,)), make_source("workers"))))

    assert note in pieces["overview-coverage"]
    assert "1 worker" in pieces["overview-coverage"]


def test_events_that_were_not_taken_in_are_said_with_their_times_and_types():
    gaps = (EventGap(from_at=ago(minutes=9), to_at=ago(minutes=8)), EventGap(from_at=ago(seconds=63), to_at=ago(seconds=60), was_cut=True, runs_at_least=1812))
    observer = Observer(leader="web-1:7", since=ago(hours=1), event_gaps=gaps, dropped_at=ago(seconds=30), dropped_by_type={"task-sent": 4000, "<script>": 1})
    said = pieces_of("overview", make_snapshot(observer=observer))["overview-coverage"]

    assert "Redis had closed the connection" in said
    assert "At least 1,812 runs of that time are missing." in said
    assert "the connection to the broker was lost" in said
    assert "4,001 events found no room" in said
    assert "(4,000 task-sent, 1 &lt;script&gt;)" in said


def test_what_was_lost_long_ago_is_said_no_more():
    observer = Observer(leader="web-1:7", since=ago(hours=1), event_gaps=(EventGap(from_at=ago(minutes=30), to_at=ago(minutes=20)),))
    assert "no events were received" not in pieces_of("overview", make_snapshot(observer=observer))["overview-coverage"]


def test_each_piece_has_one_root_with_its_id():
    lock = make_lock()
    queue = make_queue(name="archive", ready=80, consumers=(), unread_since=ago(hours=2))
    for name, html in pieces_of("overview", make_snapshot(lanes=(make_lane(lock),), queues=(queue,))).items():
        assert re.match(rf'<\w+ id="{name}"', html), name
