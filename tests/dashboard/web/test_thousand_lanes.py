"""The timeline at a thousand locks: the most urgent are drawn, the others counted. Real locks, a real worker, what the page has."""

import uuid
from datetime import UTC, datetime

import pytest
from redis import Redis

from dashboard.snapshot import Reader
from dashboard.web.panels.lanes import MAX_LANES
from dashboard.web.panels.overview import OverviewPanel
from tests.system import running_system, wait_for

MANY = 998


@pytest.fixture
def system(tmp_path, settings):
    settings.LOCKHOUSE = {"NAME": "test-system"}
    with running_system(tmp_path) as running:
        yield running


def lanes(system, reader):
    """The lanes of the timeline in their order, each as it is drawn, and what is said of the others."""
    pieces = OverviewPanel().pieces(reader.newest(Redis.from_url(f"{system.url}/2")), {}, frozenset(), datetime.now(UTC))
    return [piece.html for piece in pieces if piece.id.startswith("lane-")], next(piece.html for piece in pieces if piece.id == "timeline-more")


def names(system, reader):
    return {lock.name for lock in reader.newest(Redis.from_url(f"{system.url}/2")).locks}


def test_lanes_that_need_attention_come_first_and_the_rest_is_counted(system):
    cache = Redis.from_url(f"{system.url}/1")
    with cache.pipeline() as pipe:
        for number in range(MANY):
            pipe.set(f"shop:3:lock_report_{number}", uuid.uuid1().hex, px=600_000)
        pipe.execute()
    system.worker(concurrency=3, GUEST_REDIS_CLIENT_CLASS="dashboard.locking.HolderRedis")
    system.observer()
    system.watched()
    reader = Reader()
    system.send("guest_import", "lock_short", 120, 20)
    system.taken("lock_short")
    wait_for(lambda: len(locks := names(system, reader)) == MANY + 1 and "lock_short" in locks, said="every lock is known")
    wait_for(lambda: not cache.exists("shop:3:lock_short"))
    system.send("guest_import", "lock_short", 120, 600)

    drawn, more = wait_for(lambda: (found := lanes(system, reader)) and found[0] and "overlapping" in found[0][0] and found)

    assert "lock_short" in drawn[0]
    assert len(drawn) == MAX_LANES
    assert f"{MANY + 1 - MAX_LANES} more locks" in more
