from datetime import timedelta

from dashboard.api.rows import fact_row, lock_row, lock_sources_away, unavailable
from dashboard.judge import assess
from dashboard.records import Claim, Evidence, Policy, Snapshot
from tests.factories import NOW, ago, make_claim, make_lock, make_run, make_snapshot, make_source


def row_of(**changes):
    [judged] = assess(make_snapshot(locks=(make_lock(**changes),)), NOW, Policy())
    return lock_row(judged, NOW)


def test_durations_are_milliseconds_and_times_are_utc():
    row = row_of()

    assert row["ttl_ms"] == 1_120_000
    assert row["timeout_ms"] == 1_200_000
    assert row["acquired_at"] == "2026-11-23T14:06:21.000Z"


def test_what_never_expires_has_null():
    assert row_of(expires_at=None, timeout=None)["ttl_ms"] is None


def test_what_lapsed_has_zero_and_since_when():
    row = row_of(expires_at=ago(seconds=5), lapsed_at=ago(seconds=5))

    assert (row["ttl_ms"], row["lapsed_at"], row["verdict"]) == (0, "2026-11-23T14:07:36.000Z", "overrun")


def test_what_is_overdue_by_our_clock_is_not_negative():
    assert row_of(expires_at=NOW - timedelta(milliseconds=20))["ttl_ms"] == 0


def test_unknown_is_null_and_never_zero():
    row = row_of(acquired_at=None, claim=None, dialect="other")

    assert row["acquired_at"] is None
    assert row["refused_last_hour"] is None
    assert row["holder"]["task_id"] is None


def test_what_does_not_answer_is_named_with_its_reason():
    snapshot = make_snapshot(sources=(make_source("cache shop", ok=False, reason="connection refused"), make_source("workers")))

    assert unavailable(snapshot, NOW) == {"cache shop": "connection refused"}


def test_an_observer_that_never_ran_is_named():
    assert "observer" in unavailable(Snapshot(), NOW)


def test_only_places_of_locks_make_the_list_incomplete():
    assert lock_sources_away(["workers", "events", "cache shop", "broker"]) == ["cache shop", "broker"]


def test_process_outside_any_task_is_told_with_its_host():
    row = row_of(claim=make_claim(task_id=None, task_name=None, retries=None, worker=None, pid=4711, host="web-2"))

    assert row["holder"] == row["holder"] | {"certainty": "exact", "task_id": None, "task_name": None, "worker": None, "pid": 4711, "host": "web-2"}
    assert row["evidence_codes"] == ["holder_outside_worker"]
    assert "outside any worker, by pid 4711 on host web-2" in row["evidence"][0]


def test_plain_lock_tells_its_candidates_and_how_near_each_is():
    plain = make_lock(dialect="redis-py", claim=Claim(attempted_at=ago(seconds=80)))
    [judged] = assess(make_snapshot(locks=(plain,), runs=(make_run(), make_run(task_id="other", name=None, started_at=ago(seconds=80.3)))), NOW, Policy())

    holder = lock_row(judged, NOW)["holder"]

    assert (holder["certainty"], holder["candidates"], holder["distance_ms"]) == ("unknown", 2, None)
    assert holder["candidate_runs"] == [
        {"task_id": make_run().task_id, "task_name": "reports_prepare_massive_report", "worker": "worker-b@web-2", "distance_ms": 100},
        {"task_id": "other", "task_name": None, "worker": "worker-b@web-2", "distance_ms": 300},
    ]


def test_likely_holder_tells_how_near_its_start_was():
    assert row_of(dialect="redis-py", claim=Claim(attempted_at=ago(seconds=80)))["holder"]["distance_ms"] == 100
    assert row_of()["holder"]["distance_ms"] is None


def test_every_fact_of_the_evidence_is_told_with_its_values_and_its_time():
    row = row_of()

    assert [fact["code"] for fact in row["evidence_facts"]] == row["evidence_codes"] == ["holder_token", "run_active"]
    assert row["evidence_facts"][0] == {
        "code": "holder_token",
        "values": {
            "task_id": make_run().task_id,
            "task_name": "reports_prepare_massive_report",
            "worker": "worker-b@web-2",
            "pid": 811,
            "at": "2026-11-23T14:06:21.000Z",
        },
        "at": "2026-11-23T14:06:21.000Z",
        "age_ms": 80_000,
    }


def test_spans_in_the_evidence_are_milliseconds_and_a_fact_without_a_time_says_null():
    likely, never = (
        row_of(dialect="redis-py", claim=Claim(attempted_at=ago(seconds=80)))["evidence_facts"][0],
        row_of(expires_at=None, timeout=None)["evidence_facts"][-1],
    )

    assert likely["values"] == likely["values"] | {"distance_ms": 100, "candidates": 1}
    assert never == {"code": "never_expires", "values": {}, "at": None, "age_ms": None}


def test_secrets_stay_hidden_in_the_values_of_the_evidence():
    told = fact_row(
        Evidence(code="reason", values={"text": "password=hunter2 is wrong", "key": "lock_https://bob:hunter2@db/x", "names": ["a?token=hunter2"]}), NOW
    )

    assert "hunter2" not in str(told)
    assert told["values"]["key"].startswith("lock_https://bob:")
