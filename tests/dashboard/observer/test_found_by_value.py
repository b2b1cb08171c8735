"""Locks under names that no setting lists: found in the background by what their value says, or not at all where that is switched off."""

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from dashboard.locking import HolderRedis
from dashboard.web.panels.lock import LockPanel
from dashboard.web.panels.locks import LocksPanel
from tests.system import wait_for

PATTERN = "add stock_sync_* to LOCK_PATTERNS"


@pytest.fixture
def unlisted(system):
    """A plain lock and one whose token says who holds it, and two keys of the same length that are none."""
    url = f"{system.url}/1"
    assert Redis.from_url(url).lock("shop:3:stock_sync_7", timeout=600).acquire()
    assert HolderRedis.from_url(url).lock("shop:3:cart.12", timeout=600).acquire()
    Redis.from_url(url).set("shop:3:hash_of_7", "a" * 32)
    Redis.from_url(url).set("shop:3:page_7", "x" * 300)


def html_of(panel, known, **query):
    may = frozenset({"lockhouse.view_locks", "lockhouse.release_lock", "lockhouse.force_release_lock"})
    return "".join(piece.html for piece in panel.pieces(known, panel.query(query), may, datetime.now(UTC)))


def test_locks_under_any_name_are_found_in_the_background_and_their_pattern_is_offered(system, unlisted, following, locks, snapshot):
    system.observer()
    following()

    wait_for(lambda: set(locks()) == {"stock_sync_7", "cart.12"}, said="both are found by their values")

    found = locks()
    assert {name: (one.lock.dialect, one.no_release) for name, one in found.items()} == {
        "stock_sync_7": ("redis-py", "not-listed"),
        "cart.12": ("lockhouse", ""),  # its token cannot be anything else
    }
    assert PATTERN in html_of(LockPanel(), snapshot(), id=found["stock_sync_7"].lock.id)
    assert PATTERN in html_of(LocksPanel(), snapshot())


def test_lock_found_by_its_value_is_gone_when_it_is_given_back(system, unlisted, following, locks):
    system.observer()
    following()
    wait_for(lambda: set(locks()) == {"stock_sync_7", "cart.12"}, said="both are found by their values")

    Redis.from_url(f"{system.url}/1").delete("shop:3:stock_sync_7")

    wait_for(lambda: set(locks()) == {"cart.12"}, said="the one that was given back is gone")


def test_locks_under_any_name_are_not_found_where_looking_in_the_background_is_switched_off(system, unlisted, following, locks, snapshot):
    system.observer(LOCKHOUSE_SCAN="0")
    following()
    Redis.from_url(f"{system.url}/1").lock("shop:3:lock_listed", timeout=600).acquire()
    wait_for(lambda: "lock_listed" in locks(), said="a listed one is told")

    searched_at = snapshot().at
    wait_for(lambda: snapshot().at - searched_at > timedelta(seconds=4), said="a pass of the background would have ended long ago")

    assert set(locks()) == {"lock_listed"}
