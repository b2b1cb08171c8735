"""One lock's page: all that is known while it is held, and what is remembered when it is gone."""

import re
from datetime import timedelta

import pytest

from dashboard.records import Claim, Figures, FlowReading, Loss, Refusal, Span, Wait
from dashboard.redaction import hide_in_name
from dashboard.web.links import run_url, task_url, worker_url
from tests.dashboard.web.pieces import ALL, pieces_of, rows_of
from tests.factories import ago, make_claim, make_lane, make_lock, make_run, make_snapshot, make_source, make_worker

pytestmark = pytest.mark.usefixtures("acts_on")
LOCK = make_lock()
QUERY = {"id": LOCK.id}


def test_held_lock_shows_evidence_facts_and_how_to_see_it_for_oneself():
    snapshot = make_snapshot(
        locks=(LOCK,), lanes=(make_lane(LOCK),), sources=(make_source("cache default", url="redis://redis-1:6379/1"), make_source("workers"))
    )

    pieces = pieces_of("lock", snapshot, QUERY)

    assert "Why held" in pieces["lock-evidence"]
    assert "d9c26803-1111-4222-8333-444455556666" in pieces["lock-facts"]
    assert "HolderLock" in pieces["lock-facts"], "written by the class, not by this dashboard"
    assert "redis-cli -h redis-1 -p 6379 -n 1 PTTL :1:lock_report_12" in pieces["lock-proof"]
    assert f"lane-{LOCK.id[:12]}" in pieces


def test_key_with_a_secret_is_spelled_out_only_for_who_may_see_secrets():
    name = "lock_https://bob:hunter2secret@db.example/x"
    snapshot = make_snapshot(locks=(make_lock(id=LOCK.id, name=hide_in_name(name), key=hide_in_name(name), raw_key=name.encode()),))

    seen = "".join(pieces_of("lock", snapshot, QUERY).values())
    unredacted = pieces_of("lock", snapshot, QUERY, may=ALL | {"lockhouse.view_unredacted"})

    assert "hunter2secret" not in seen
    assert "This key has something secret in it" in seen
    assert "hunter2secret" in unredacted["lock-proof"]


def test_gone_lock_says_how_and_when_it_ended():
    span = Span(from_at=ago(seconds=80), to_at=ago(seconds=12), token_digest="x", end="by-hand")

    head = pieces_of("lock", make_snapshot(locks=(), lanes=(make_lane(LOCK, spans=(span,)),)), QUERY)["lock-head"]

    assert "released by hand" in head
    assert "14:07:29 UTC" in head
    assert "Nobody holds it now" in head


def test_lock_that_expired_under_its_run_ended_when_it_expired_and_not_when_that_run_did():
    span = Span(from_at=ago(seconds=80), to_at=ago(seconds=1), lapsed_at=ago(seconds=12), token_digest="x", end="expired")

    head = pieces_of("lock", make_snapshot(locks=(), lanes=(make_lane(LOCK, spans=(span,)),)), QUERY)["lock-head"]

    assert "expired</span>" in head and "14:07:29 UTC" in head


def test_gone_lock_of_an_old_snapshot_may_be_held_again():
    head = pieces_of("lock", make_snapshot(at=ago(seconds=30), locks=(), lanes=(make_lane(LOCK),)), QUERY)["lock-head"]

    assert "Whether it is held now is not known." in head


def test_refusals_are_listed_newest_first():
    refusals = tuple(Refusal(lock_id=LOCK.id, cache="default", name=LOCK.name, at=ago(seconds=n), task_name=f"task_{n}") for n in (30, 10))

    table = pieces_of("lock", make_snapshot(locks=(LOCK,), refusals=refusals), QUERY)["lock-refusals"]

    assert table.index("task_10") < table.index("task_30")


def test_refusals_that_nobody_reports_are_not_known():
    plain = make_lock(dialect="redis-py", claim=None)

    assert "Not known" in pieces_of("lock", make_snapshot(locks=(plain,)), QUERY)["lock-refusals"]


def test_refusals_are_known_only_since_events_are_received():
    lately, never = Figures(whole_since=ago(minutes=5)), FlowReading(since=None)

    assert "0 · complete only since 14:02:41 UTC" in pieces_of("lock", make_snapshot(locks=(LOCK,), figures=lately), QUERY)["lock-refusals"]
    assert "refused attempts complete only since 14:02:41 UTC" in pieces_of("locks", make_snapshot(locks=(LOCK,), figures=lately))["locks-summary"]
    assert "Not known" in pieces_of("lock", make_snapshot(locks=(LOCK,), flow=never), QUERY)["lock-refusals"]


def test_refusals_of_a_lock_that_was_released_stay_known():
    def refusals_after(dialect):
        span = Span(from_at=ago(seconds=80), to_at=ago(seconds=2), token_digest="x", end="by-hand", dialect=dialect)
        return pieces_of("lock", make_snapshot(locks=(), lanes=(make_lane(LOCK, spans=(span,)),)), QUERY)["lock-refusals"]

    assert "No run was refused" in refusals_after("lockhouse")
    assert "Not known" in refusals_after("redis-py")


def test_acts_on_several_runs_that_lost_one_lock_say_on_which_run():
    """Two buttons that say the same could be pressed for the wrong run."""
    ids = ("11111111-aaaa-4222-8333-444455556666", "22222222-bbbb-4222-8333-444455556666")
    runs = [make_run(task_id=task_id, pid=811 + number) for number, task_id in enumerate(ids)]
    locks = [
        make_lock(lapsed_at=ago(seconds=10 - n), token_digest=str(n) * 16, claim=make_claim(task_id=run.task_id, pid=run.pid)) for n, run in enumerate(runs)
    ]

    pieces = pieces_of("lock", make_snapshot(locks=tuple(locks), runs=tuple(runs)), QUERY)

    assert sorted(re.findall(r"Protect[^<]*", pieces["lock-head"])) == ["Protect 11111111…", "Protect 22222222…"]


def test_overlapping_lock_says_which_run_holds_it_and_which_goes_on_without_it():
    lapsed = make_lock(lapsed_at=ago(seconds=10), token_digest="1" * 16)
    again = make_lock(claim=make_claim(task_id="e" * 36), token_digest="2" * 16, acquired_at=ago(seconds=5))
    runs = (make_run(), make_run(task_id="e" * 36))

    facts = pieces_of("lock", make_snapshot(locks=(lapsed, again), runs=runs), QUERY)["lock-facts"]
    alone = pieces_of("lock", make_snapshot(), QUERY)["lock-facts"]

    now, before = facts.index("<h2>Holds it now</h2>"), facts.index("<h2>Goes on without it</h2>")
    assert now < facts.index("2" * 16) < before < facts.index("1" * 16)
    assert "<h2>" not in alone


def test_token_that_is_under_the_key_now_is_the_lock_though_the_run_that_it_left_is_as_doubtful():
    lapsed = make_lock(released_by="alice", lapsed_at=ago(seconds=28), token_digest="1" * 16)
    again = make_lock(claim=make_claim(task_id="e" * 36), token_digest="2" * 16, acquired_at=ago(seconds=20))
    silent = make_snapshot(locks=(lapsed, again), lanes=(make_lane(again),), runs=(), workers=(make_worker(last_heard_at=ago(seconds=60)),))

    pieces, (on_overview,) = pieces_of("lock", silent, QUERY), rows_of("overview", silent, "timeline-lanes")

    assert "It is gone" not in pieces["lock-head"] and "Release…" in pieces["lock-head"]
    assert pieces["lock-facts"].index("2" * 16) < pieces["lock-facts"].index("1" * 16)
    for lane in (pieces[f"lane-{LOCK.id[:12]}"], on_overview):
        assert 'data-expires="2026-11-23T14:26:21.000Z"' in lane and "lh-lapsed" not in lane


def test_runs_in_the_evidence_are_links_where_they_are_known():
    hostile = make_claim(task_id="<b>other", task_name="<script>")
    lapsed = make_lock(lapsed_at=ago(seconds=10), token_digest="1" * 16)
    again = make_lock(claim=hostile, token_digest="2" * 16, acquired_at=ago(seconds=5))
    snapshot = make_snapshot(locks=(lapsed, again), runs=(make_run(), make_run(task_id="<b>other", name="<script>")))

    page = pieces_of("lock", snapshot, QUERY)["lock-evidence"]
    (concern,) = [html for name, html in pieces_of("overview", snapshot).items() if name.startswith("concern-")]
    known, other = f'<a href="{run_url(make_run().task_id)}">d9c26803</a>', f'<a href="{run_url("<b>other")}">&lt;b&gt;other</a>'

    assert f"run {known} on worker-b@web-2, which held it before" in page and f"run {known} on worker-b@web-2" in concern
    assert f"by run {other} of &lt;script&gt; on" in page
    assert "<script>" not in page


def test_run_in_the_evidence_that_is_not_known_is_no_link():
    plain = make_lock(dialect="celery-singleton", claim=make_claim(task_id="unheard", task_name=None, worker=None, pid=None), taken_by="send")

    page = pieces_of("lock", make_snapshot(locks=(plain,), runs=()), QUERY)["lock-evidence"]

    assert "unheard" in page
    assert "<a " not in page


def test_same_pieces_whether_held_or_gone():
    held = pieces_of("lock", make_snapshot(locks=(LOCK,), lanes=(make_lane(LOCK),)), QUERY)
    gone = pieces_of("lock", make_snapshot(locks=(), lanes=(make_lane(LOCK),)), QUERY)

    assert set(held) == set(gone)
    for name, html in {**held, **gone}.items():
        assert re.match(rf'<\w+ id="{name}"', html), name


def test_attempts_that_wait_and_losses_are_listed():
    about = {"lock_id": LOCK.id, "cache": "default", "name": LOCK.name, "token_digest": "d", "worker": "w@web-1"}
    waits = (Wait(from_at=ago(seconds=5), limit=timedelta(seconds=20), task_name="<b>waits", task_id="one", **about),)
    losses = (Loss(at=ago(seconds=9), task_name="loses", noticed="release", **about),)

    html = pieces_of("lock", make_snapshot(locks=(LOCK,), waits=waits, losses=losses), QUERY)["lock-waiting"]

    assert "&lt;b&gt;waits" in html and "loses" in html and "14:07:56 UTC" in html


def test_lock_that_nobody_waits_for_or_lost_has_no_such_lists():
    assert "<table" not in pieces_of("lock", make_snapshot(locks=(LOCK,)), QUERY)["lock-waiting"]


def test_candidates_of_a_plain_lock_stand_under_its_holder_with_links():
    plain = make_lock(dialect="redis-py", claim=Claim(attempted_at=ago(seconds=80)))
    runs = [make_run(task_id=f"{number}" * 8, name="<b>", started_at=ago(seconds=80.1 + number / 10)) for number in range(12)]

    several = pieces_of("lock", make_snapshot(locks=(plain,), runs=tuple(runs)), {"id": plain.id})["lock-facts"]
    alone = pieces_of("lock", make_snapshot(locks=(plain,), runs=(runs[0],)), {"id": plain.id})["lock-facts"]

    assert "one of 12 runs" in several
    assert f'<a href="{run_url(runs[0].task_id)}"><code>00000000</code></a>' in several
    assert f'<a href="{task_url("<b>")}"><bdi>&lt;b&gt;</bdi></a>' in several and f'<a href="{worker_url("worker-b@web-2")}">' in several
    assert several.index("100 ms") < several.index("200 ms") < several.index("1 s")
    assert several.count("<li>") == 11 and "and 2 more" in several
    assert "<li>" not in alone


@pytest.mark.parametrize(
    ("node", "said"),
    [("0242ac110002", "02:42:ac:11:00:02"), ("0342ac110002", "made up: that process found none"), (None, "")],
    ids=["card", "made up", "not told"],
)
def test_network_card_of_a_token_is_told_where_it_is_one(node, said):
    """A card narrows down where to look; a number that was made up, which its first octet says, is of one process alone."""
    plain = make_lock(dialect="redis-py", claim=Claim(attempted_at=ago(seconds=80), node=node))

    facts = pieces_of("lock", make_snapshot(locks=(plain,)), {"id": plain.id})["lock-facts"]

    assert ("<dt>Network card</dt>" in facts, said in facts) == (bool(said), True)
