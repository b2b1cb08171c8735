"""The Locks page's live part: filter and order, the four states of the list, and what is said around it."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.records import Snapshot
from tests.dashboard.web.pieces import dead_worker, pieces_of, rows_of
from tests.factories import NOW, ago, make_lock, make_no_lock, make_run, make_snapshot, make_source

pytestmark = pytest.mark.usefixtures("acts_on")


def test_filter_keeps_what_matches_and_the_chips_count_it():
    snapshot = make_snapshot(locks=(make_lock(), make_lock(name="cart-import", expires_at=None)))

    pieces = pieces_of("locks", snapshot, {"q": "cart"})

    assert [name for name in pieces if name.startswith("lock-")] == [f"lock-{snapshot.locks[1].id[:12]}"]
    assert "All <b>1</b>" in pieces["locks-chips"]


def test_chip_keeps_the_filter_and_the_order():
    chips = pieces_of("locks", make_snapshot(), {"q": "report", "o": "-ttl"})["locks-chips"]

    assert "?q=report&amp;verdict=attention&amp;o=-ttl" in chips


def test_verdict_is_a_filter():
    snapshot = make_snapshot(locks=(make_lock(), make_lock(name="never", expires_at=None)))

    assert len(rows_of("locks", snapshot, "locks-rows", {"verdict": "never-expires"})) == 1
    assert len(rows_of("locks", snapshot, "locks-rows", {"verdict": "no such verdict"})) == 2


def test_columns_sort_both_ways_and_unknown_comes_last():
    locks = tuple(make_lock(name=name, expires_at=left and NOW + timedelta(seconds=left)) for name, left in (("b", 200), ("a", None), ("c", 100)))

    up = rows_of("locks", make_snapshot(locks=locks), "locks-rows", {"o": "ttl"})
    down = rows_of("locks", make_snapshot(locks=locks), "locks-rows", {"o": "-ttl"})

    assert [name_in(row) for row in up] == ["c", "b", "a"]
    assert [name_in(row) for row in down] == ["b", "c", "a"]


def name_in(row):
    return re.search(r"<bdi>(.*?)</bdi>", row).group(1)


def test_keys_that_are_no_lock_are_counted_apart():
    three = make_snapshot(locks=(make_lock(), make_no_lock(), make_no_lock(name="lock_list")))
    one = make_snapshot(locks=(make_lock(), make_no_lock()))

    assert "1 held in 1 cache and the broker's database · 2 keys that are no lock ·" in words(pieces_of("locks", three)["locks-summary"])
    assert "database · 1 key that is no lock ·" in words(pieces_of("locks", one)["locks-summary"])
    assert "no lock" not in words(pieces_of("locks", make_snapshot())["locks-summary"])
    assert "All <b>3</b>" in pieces_of("locks", three)["locks-chips"], "they are listed all the same"


def test_they_are_counted_apart_while_not_all_can_be_read():
    away = make_snapshot(locks=(make_lock(), make_no_lock()), sources=(make_source("cache default", ok=False, reason="refused"),))
    summary = words(pieces_of("locks", away)["locks-summary"])
    assert summary.startswith("1 known, but cache default cannot be read · 1 key that is no lock")


def words(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html)).strip()


def test_nothing_held_is_said():
    pieces = pieces_of("locks", make_snapshot(locks=()))

    assert "No lock is held" in pieces["locks-state"]


def test_nothing_that_matches_is_said_with_a_way_out():
    state = pieces_of("locks", make_snapshot(), {"q": "zzz", "o": "ttl"})["locks-state"]

    assert "Nothing matches the filter" in state and "1 is hidden by it." in state
    assert 'href="/locks/?o=ttl"' in state


def test_unreachable_cache_is_said_with_its_last_good_reading_and_its_locks_stay():
    away = make_source("cache default", ok=False, since=ago(seconds=95), last_good_at=ago(seconds=96), reason="Connection refused")

    pieces = pieces_of("locks", make_snapshot(sources=(away,)))

    assert "cache default is unavailable" in pieces["locks-state"]
    assert "Connection refused" in pieces["locks-state"]
    assert "14:06:05 UTC" in pieces["locks-state"]
    assert "but cache default cannot be read" in pieces["locks-summary"]
    assert f"lock-{make_lock().id[:12]}" in pieces
    assert not re.search(r'Locks <span class="lh-count"', pieces["lh-nav"])


def test_unreachable_cache_without_rows_is_not_called_empty():
    state = pieces_of("locks", make_snapshot(locks=(), sources=(make_source(ok=False),)))["locks-state"]

    assert "No lock is held" not in state
    assert "not the same as nothing being there" in state


def test_without_an_observer_nothing_is_known():
    pieces = pieces_of("locks", Snapshot())

    assert "manage.py observe" in pieces["lh-banner"]
    assert "Not known" in pieces["locks-state"]
    assert 'data-title="? demo-shop · Locks"' in pieces["lh-state"]


def test_old_snapshot_is_said_to_be_old():
    pieces = pieces_of("locks", replace(make_snapshot(), at=ago(seconds=6)))

    assert "The observer has gone quiet" in pieces["lh-banner"]
    assert "14:07:35 UTC" in pieces["lh-banner"]


def test_own_redis_away_is_said():
    away = make_source("lockhouse", ok=False, since=ago(seconds=9), reason="Connection refused")

    assert "own Redis does not answer" in pieces_of("locks", make_snapshot(sources=(away,)))["lh-banner"]


def test_title_and_navigation_carry_the_state():
    pieces = pieces_of("locks", make_snapshot(workers=(dead_worker(),)))

    assert 'data-title="1 ✕ demo-shop · Locks"' in pieces["lh-state"]
    assert "icon-alert" in pieces["lh-state"]
    assert '<span class="lh-alarm">1' in pieces["lh-nav"]


def test_long_list_says_how_much_of_it_is_shown():
    locks = tuple(make_lock(name=f"lock_{n}", id=f"{n:016x}"[::-1]) for n in range(510))

    pieces = pieces_of("locks", make_snapshot(locks=locks, runs=(make_run(),)))

    assert sum(1 for name in pieces if name.startswith("lock-")) == 500
    assert "The first 500 of 510" in pieces["locks-state"]


def test_each_piece_has_one_root_with_its_id():
    for name, html in pieces_of("locks", make_snapshot()).items():
        assert re.match(rf'<\w+ id="{name}"', html), name
