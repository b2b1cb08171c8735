"""What became of what was sent: runs, places, locks and results in, steps out."""

from datetime import timedelta

from dashboard.judge.trace import trace
from dashboard.records import CatalogueEntry, Policy, ResultEntry, Span, Traced
from tests.factories import NOW, ago, make_claim, make_lane, make_lock, make_queue, make_result, make_run, make_snapshot

ID = "d9c26803-1111-4222-8333-444455556666"
TASK = "reports_prepare_massive_report"
POLICY = Policy(
    catalogue=(CatalogueEntry(pattern="lock_report_{data_id}", owner=TASK),), results=(ResultEntry(pattern="server_{id}", task="servers_retrieve_info"),)
)
TRACED = Traced(act_id="act", task=TASK, queue="reports", count=1, sent_at=ago(seconds=5), looked_at=NOW)


def traced(**sections):
    (one,) = trace(make_snapshot(**({"runs": (), "locks": ()} | sections)), POLICY, "act", [ID], NOW)
    return one


def codes(one):
    return [step.evidence.code for step in one.steps]


def with_places(**changes):
    known = {field: getattr(TRACED, field) for field in ("act_id", "task", "queue", "count", "sent_at", "looked_at")}
    return (Traced(**(known | changes)),)


def test_place_is_exact_where_it_was_found_and_at_least_where_it_was_not():
    assert codes(traced(traces=with_places(places={ID: 3}))) == ["trace_sent", "trace_place"]
    assert codes(traced(traces=with_places(places={ID: 0}))) == ["trace_sent", "trace_next"]
    assert codes(traced(traces=with_places(beyond=500))) == ["trace_sent", "trace_beyond"]


def test_stuck_in_its_queue_is_explained():
    queue = make_queue(ready=1, consumers=(), unread_since=ago(seconds=20))

    one = traced(traces=with_places(places={ID: 0}), queues=(queue,))

    assert (one.state, codes(one)[-1]) == ("waiting", "queue_nobody_reads")


def test_what_is_nowhere_is_not_known():
    one = traced(traces=with_places())

    assert (one.state, one.steps[-1].state, codes(one)[-1]) == ("unseen", "unknown", "trace_taken")


def test_active_run_holds_the_lock_whose_token_names_it():
    one = traced(runs=(make_run(),), locks=(make_lock(claim=make_claim()),))

    assert one.state == "active"
    assert codes(one)[-1] == "trace_holds"


def test_refused_run_is_no_success():
    run = make_run(ended_at=NOW, outcome="SUCCESS", refused_by="lock_report_12", refused_lock_id="ab", refused_at=NOW)

    one = traced(runs=(run,))

    assert one.state == "refused"
    assert [step.lock_id for step in one.steps if step.evidence.code == "trace_refused"] == ["ab"]


def test_lock_that_was_held_meanwhile_is_told_after_the_end():
    lane = make_lane(make_lock(), spans=(Span(from_at=ago(seconds=80), to_at=ago(seconds=1), token_digest="a"),))

    one = traced(runs=(make_run(ended_at=NOW, outcome="SUCCESS", runtime=timedelta(seconds=80)),), lanes=(lane,))

    assert one.state == "succeeded"
    assert codes(one)[-2:] == ["trace_held", "trace_ended"]


def test_result_in_the_cache_is_told_with_its_time_to_live():
    run = make_run(name="servers_retrieve_info", args="(7,)", ended_at=NOW, outcome="SUCCESS")

    one = traced(runs=(run,), results=(make_result(),))

    assert one.steps[-1].evidence.code == "trace_cached"
    assert one.steps[-1].result_id == make_result().id
