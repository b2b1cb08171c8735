from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from dashboard.records import EventGap, Observer
from tests.dashboard.api.calls import bearer
from tests.dashboard.api.test_queues import put
from tests.factories import make_lock, make_no_lock, make_queue, make_source

__all__ = ["put"]
pytestmark = pytest.mark.django_db
SINCE = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
OBSERVER = Observer(
    leader="web-1:7", since=SINCE, rss_bytes=60_000_000, events_received=12, events_dropped=1, events_per_s=2.5, events_lag=timedelta(seconds=0.2),
    dropped_by_type={"task-sent": 1}, event_gaps=(EventGap(from_at=SINCE, to_at=SINCE, was_cut=True),),
)  # fmt: skip


def unread(**changes):
    return make_queue(name="mail", ready=2, consumers=(), unread_since=datetime.now(UTC) - timedelta(minutes=1), **changes)


def test_overview_says_what_needs_attention_and_counts_every_page(put, viewer):
    put(unread(), make_queue(), locks=(), observer=OBSERVER)

    answer = Client().get("/api/v1/overview", headers=bearer(viewer)).json()

    [row] = answer["overview"]
    assert (row["kind"], row["subject"], row["evidence_codes"], row["queues"]) == ("no-reader", "mail", ["no_reader"], [unread().id])
    assert row["says"] == "mail holds 2 messages, and no worker has read it"
    assert row["url"] == f"/queues/{unread().id}/"
    assert answer["counts"]["locks"] == 0
    assert answer["counts"]["queues"] == 2
    assert answer["attention"]["queues"] == 1
    gap = {"from": "2026-11-25T10:00:00.000Z", "to": "2026-11-25T10:00:00.000Z", "cut_by_server": True, "runs_at_least": None}
    assert answer["events"] == {"received": 12, "dropped": 1, "dropped_by_type": {"task-sent": 1}, "gaps": [gap], "per_s": 2.5, "lag_ms": 200}
    assert answer["observer"] == {"leader": "web-1:7", "since": "2026-11-25T10:00:00.000Z", "rss_bytes": 60_000_000, "standbys": []}
    assert answer["unavailable"] == {}


def test_keys_that_are_no_lock_are_counted_beside_the_locks(put, viewer):
    put(locks=(make_lock(), make_no_lock(), make_no_lock(name="lock_list")))
    answer = Client().get("/api/v1/overview", headers=bearer(viewer)).json()
    assert (answer["counts"]["locks"], answer["no_locks"]) == (1, 2)


def test_what_is_not_known_is_null(put, viewer):
    put(locks=(), sources=(make_source("broker", ok=False, reason="Connection refused"),))
    answer = Client().get("/api/v1/overview", headers=bearer(viewer)).json()
    assert answer["counts"]["queues"] is answer["counts"]["locks"] is answer["no_locks"] is None
    assert set(answer["events"].values()) == {None}
    assert answer["observer"]["leader"] is answer["observer"]["rss_bytes"] is None
    assert answer["unavailable"] == {"broker": "Connection refused"}
    assert [row["kind"] for row in answer["overview"]] == ["source"]


def test_nobody_gets_in_without_the_permission(put, django_user_model):
    put()
    assert Client().get("/api/v1/overview").status_code == 401
    assert Client().get("/api/v1/overview", headers=bearer(django_user_model.objects.create_user("bob"))).status_code == 403
