"""The rows of the Locks page: what each lock says, of whom it is held, and what may be done with it."""

import re
from datetime import timedelta

import pytest

from tests.dashboard.web.pieces import VIEWER, dead_worker, pieces_of, rows_of
from tests.factories import NOW, ago, make_claim, make_lock, make_no_lock, make_run, make_snapshot, make_worker

pytestmark = pytest.mark.usefixtures("acts_on")
EVIL = "<script>alert(1)</script>\u202egnp.exe\u200b\"'&"


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


def test_key_that_is_no_lock_is_held_for_no_time():
    snapshot = make_snapshot(locks=(make_no_lock(), make_lock()), runs=())

    row, held = rows_of("locks", snapshot, "locks-rows", {"o": "lock"})
    facts = pieces_of("lock", snapshot, {"id": snapshot.locks[0].id})["lock-facts"]

    assert "lock_hash" in row and 'data-count="up"' not in row and "since" not in row
    assert 'data-count="up"' in held
    assert "Held for" not in facts and "First seen" in facts
    assert "lock_hash" in rows_of("locks", snapshot, "locks-rows", {"o": "held"})[-1], "what is not known comes last"


def test_text_too_long_for_a_token_is_no_lock():
    (row,) = rows_of("locks", make_snapshot(locks=(make_lock(dialect="not-a-lock", note="odd-token", claim=None),), runs=()), "locks-rows")

    assert "no lock: a long text" in row
