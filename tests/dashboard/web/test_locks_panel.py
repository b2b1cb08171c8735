"""The Locks page's live part: what each lock says, filter and order, and the four states of the list."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.records import Snapshot
from tests.dashboard.web.pieces import VIEWER, pieces_of, rows_of
from tests.factories import NOW, ago, make_claim, make_lock, make_run, make_snapshot, make_source, make_worker

EVIL = "<script>alert(1)</script>\u202egnp.exe\u200b\"'&"


@pytest.fixture(autouse=True)
def acts_on(settings):
    settings.LOCKHOUSE = {"NAME": "demo-shop", "READ_ONLY": False}


def dead_worker():
    return make_worker(
        last_heard_at=ago(seconds=70), asked_at=ago(seconds=1), answered_at=ago(seconds=72), connection_known=True, connection_gone_at=ago(seconds=69)
    )


def test_held_lock_says_who_holds_it_and_for_how_long():
    (row,) = rows_of("locks", make_snapshot(), "locks-rows")

    assert "lock_report_12" in row
    assert "reports_prepare_massive_report" in row
    assert "worker-b@web-2 · pid 811" in row
    assert 'datetime="2026-11-23T14:26:21.000Z" data-count="down">until 14:26:21 UTC<' in row
    assert 'data-verdict="held"' in row


def test_row_of_one_lock_does_not_change_from_second_to_second():
    snapshot = make_snapshot()

    assert rows_of("locks", snapshot, "locks-rows") == rows_of("locks", snapshot, "locks-rows", now=NOW + timedelta(seconds=1))


def test_orphaned_lock_opens_its_evidence_and_offers_a_release():
    (row,) = rows_of("locks", make_snapshot(workers=(dead_worker(),)), "locks-rows")

    assert "<details open>" in row
    assert "the broker has closed the connection of worker-b@web-2; seen at 14:06:32 UTC" in row
    assert "release/?digest=0123456789abcdef" in row


def test_release_is_absent_without_the_permission_and_says_why():
    (row,) = rows_of("locks", make_snapshot(workers=(dead_worker(),)), "locks-rows", may=VIEWER)

    assert "release/?digest" not in row
    assert "You have no permission to release locks." in row


def test_release_is_absent_where_lockhouse_is_read_only(settings):
    settings.LOCKHOUSE = {"READ_ONLY": True}

    (row,) = rows_of("locks", make_snapshot(), "locks-rows")

    assert "release/?digest" not in row
    assert "read-only" in row


def test_living_holder_needs_the_stronger_permission():
    may = VIEWER | {"lockhouse.release_lock"}

    (row,) = rows_of("locks", make_snapshot(), "locks-rows", may=may)

    assert "release/?digest" not in row
    assert "only locks that are proved orphaned" in row


def test_refusals_that_nobody_reports_are_not_zero():
    plain = make_lock(dialect="redis-py", claim=make_claim(task_id=None, pid=None, worker=None))

    (row,) = rows_of("locks", make_snapshot(locks=(plain,)), "locks-rows")
    (known,) = rows_of("locks", make_snapshot(), "locks-rows")

    assert "Not known: nobody reports the refused attempts" in row
    assert re.search(r'data-label="Refused / h">0<', known)


def test_lock_without_expiry_is_shown_as_never_expiring():
    (row,) = rows_of("locks", make_snapshot(locks=(make_lock(expires_at=None, timeout=None),)), "locks-rows")

    assert 'data-verdict="never-expires"' in row
    assert 'width="100%"' in row


def test_expired_lock_whose_run_goes_on_has_a_row_beside_the_one_that_took_it_anew():
    lapsed = make_lock(id="a" * 16, lapsed_at=ago(seconds=10), token_digest="1" * 16)
    again = make_lock(id="a" * 16, claim=make_claim(task_id="e" * 36), token_digest="2" * 16, acquired_at=ago(seconds=5))

    pieces = pieces_of("locks", make_snapshot(locks=(lapsed, again)))

    assert {"lock-aaaaaaaaaaaa", "lock-aaaaaaaaaaaa-11111111"} <= set(pieces)


def test_expired_lock_is_not_counted_as_held_and_needs_attention_once_with_the_one_after_it():
    lapsed = make_lock(id="a" * 16, lapsed_at=ago(seconds=10), token_digest="1" * 16)
    again = make_lock(id="a" * 16, claim=make_claim(task_id="e" * 36), token_digest="2" * 16, acquired_at=ago(seconds=5))
    runs = (make_run(), make_run(task_id="e" * 36, name="reports_prepare_massive_report"))
    snapshot = make_snapshot(locks=(lapsed, again), runs=runs)

    pieces, overview = pieces_of("locks", snapshot), pieces_of("overview", snapshot)

    assert "1 held in" in pieces["locks-summary"]
    assert "1 expired and still running" in pieces["locks-summary"]
    assert '<span class="lh-count">1</span> <span class="lh-alarm">1<' in pieces["lh-nav"]
    assert "<b>1<" in overview["figure-locks"].replace("\n", "")


def test_expired_lock_whose_run_goes_on_blocks_nothing_and_its_time_has_stopped(settings):
    settings.LOCKHOUSE = {"READ_ONLY": False, "LOCKS": {"lock_report_{data_id}": {"blocks": "the long report"}}}
    lapsed = make_lock(lapsed_at=ago(seconds=10))

    (held,) = rows_of("locks", make_snapshot(), "locks-rows")
    (row,) = rows_of("locks", make_snapshot(locks=(lapsed,)), "locks-rows")
    page = pieces_of("lock", make_snapshot(locks=(lapsed,)), {"id": lapsed.id})

    assert "<p>blocks the long report" in held and 'data-label="Held for"><time' in held
    assert "<p>no longer blocks the long report; since then another run could start" in row
    assert re.search(r'data-label="Held for"><span title="since 14:06:21 UTC">1 m 10 s<', row)
    assert "It no longer blocks the long report; since then another run could start." in page["lock-head"]
    assert "<dd>1 m 10 s<small>" in page["lock-facts"]


def test_hostile_name_is_text_and_what_it_hides_is_spelled_out():
    html = "".join(pieces_of("locks", make_snapshot(locks=(make_lock(name=EVIL, key=f":1:{EVIL}"),))).values())

    assert "<script>alert" not in html
    assert "\u202e" not in html
    assert "\u200b" not in html
    assert "\\u202egnp.exe" in html


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


def test_nothing_held_is_said():
    pieces = pieces_of("locks", make_snapshot(locks=()))

    assert "No lock is held" in pieces["locks-state"]


def test_nothing_that_matches_is_said_with_a_way_out():
    state = pieces_of("locks", make_snapshot(), {"q": "zzz", "o": "ttl"})["locks-state"]

    assert "Nothing matches the filter" in state
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


def test_row_does_not_change_with_every_answer_of_its_worker():
    later = make_worker(answered_at=ago(seconds=0.1), last_heard_at=ago(seconds=0.1))

    assert rows_of("locks", make_snapshot(), "locks-rows") == rows_of("locks", make_snapshot(workers=(later,)), "locks-rows")


@pytest.mark.parametrize(("taken_by", "said"), [("send", "a message that was sent"), ("beat", "a beat"), ("broker", "the broker library")])
def test_lock_that_no_run_takes_says_who_does(taken_by, said):
    lock = make_lock(taken_by=taken_by, claim=None)

    (row,) = rows_of("locks", make_snapshot(locks=(lock,), runs=()), "locks-rows")

    assert f">{said}<" in row


def test_lock_whose_value_is_a_run_that_nobody_heard_of_names_that_run():
    lock = make_lock(taken_by="send", dialect="celery-singleton")

    (row,) = rows_of("locks", make_snapshot(locks=(lock,), runs=()), "locks-rows")

    assert ">run d9c26803<" in row
    assert "outside any task" not in row


def test_lock_taken_outside_a_task_says_so_with_process_and_host():
    outside = make_lock(claim=make_claim(task_id=None, task_name=None, retries=None, worker=None, pid=4711, host="web-2"))
    snapshot = make_snapshot(locks=(outside,), runs=())

    (row,) = rows_of("locks", snapshot, "locks-rows")
    page = pieces_of("lock", snapshot, {"id": outside.id})

    for html in (row, page["lock-facts"]):
        assert "outside any task" in html and "web-2 · pid 4711" in html and ">exact<" in html
    for html in (row, page["lock-evidence"]):
        assert "outside any worker, by pid 4711 on host web-2: the token says so" in html


def test_key_that_is_no_lock_says_what_it_is_and_not_that_somebody_must_release_it():
    no_lock = make_lock(dialect="not-a-lock", note="wrong-type:hash", claim=None, expires_at=None, timeout=None, acquired_at=None)
    snapshot = make_snapshot(locks=(no_lock,), runs=())

    (row,) = rows_of("locks", snapshot, "locks-rows")
    page = pieces_of("lock", snapshot, {"id": no_lock.id})

    assert "no lock: a hash" in row and "no lock: a hash" in page["lock-facts"]
    assert "Nobody can take a lock of this name while this key is there." in page["lock-head"]
    assert "It is not released from here: whoever put it there must delete it." in page["lock-head"]
    assert "until somebody releases it" not in row + "".join(page.values())
    assert "if its holder dies" not in row + "".join(page.values())
    assert "Nobody holds it" in page["lock-facts"]


def test_text_too_long_for_a_token_is_no_lock():
    (row,) = rows_of("locks", make_snapshot(locks=(make_lock(dialect="not-a-lock", note="odd-token", claim=None),), runs=()), "locks-rows")

    assert "no lock: a long text" in row
