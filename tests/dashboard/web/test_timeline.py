"""The timeline's geometry: where bars and marks lie, what they mean, and that nothing moves between two anchors."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.records import Absence, Evidence, Holder, JudgedLock, Span, Wait
from dashboard.web.timeline import BEYOND, QUANTUM, SCALE_ENDS_AT, WINDOW, Frame, anchor_of, draw, strip_place
from tests.factories import NOW, ago, make_lane, make_lock

ANCHOR = NOW - timedelta(seconds=1)  # 14:07:40


def judged(lock, verdict="held", *evidence):
    return JudgedLock(lock=lock, holder=Holder(certainty="unknown"), verdict=verdict, flags=[verdict], evidence=evidence, refused_last_hour=0)


def test_anchor_is_now_cut_to_five_seconds():
    assert anchor_of(NOW) == ANCHOR


def test_window_ends_at_the_anchor():
    assert Frame(anchor=ANCHOR).place(ANCHOR) == 100
    assert Frame(anchor=ANCHOR).place(ANCHOR - WINDOW) == 0
    assert Frame(anchor=ANCHOR).place(ANCHOR - WINDOW / 2) == 50


def test_held_lock_is_a_bar_that_goes_on_a_little_beyond_the_anchor():
    lock = make_lock(acquired_at=ANCHOR - timedelta(seconds=60))

    drawn = draw(make_lane(lock), [judged(lock)], NOW)

    (bar,) = drawn.bars
    assert (bar.kind, bar.x) == ("held", 50)
    assert bar.x + bar.width == pytest.approx(100 + BEYOND / WINDOW * 100, abs=0.1)


def test_bars_end_where_knowledge_ends():
    lock = make_lock(acquired_at=ANCHOR - timedelta(seconds=60))

    (bar,) = draw(make_lane(lock), [judged(lock)], NOW, known_until=ANCHOR - timedelta(seconds=30)).bars

    assert bar.x + bar.width == pytest.approx(75)


def test_overrun_is_a_bar_of_its_own_after_the_expiry():
    lock = make_lock(acquired_at=ago(seconds=94), lapsed_at=ago(seconds=34))
    span = Span(from_at=ago(seconds=94), to_at=None, token_digest=lock.token_digest, lapsed_at=ago(seconds=34))

    held, overrun = draw(make_lane(lock, spans=(span,)), [judged(lock, "overrun")], NOW).bars

    assert (held.kind, overrun.kind) == ("held", "overrun")
    assert held.x + held.width == pytest.approx(overrun.x, abs=0.02)


def test_time_without_its_lock_of_a_run_that_may_go_on_or_not_is_no_overrun():
    lock = make_lock(acquired_at=ago(seconds=94), lapsed_at=ago(seconds=34))
    span = Span(from_at=ago(seconds=94), to_at=None, token_digest=lock.token_digest, lapsed_at=ago(seconds=34))

    assert [bar.kind for bar in draw(make_lane(lock, spans=(span,)), [judged(lock, "unknown")], NOW).bars] == ["held", "unsure"]


def test_orphaned_part_begins_with_the_first_sign_of_death():
    lock = make_lock()
    gone = Evidence(code="connection_gone", values={"worker": "w", "at": ago(seconds=71)})
    silent = Evidence(code="worker_silent", values={"worker": "w", "last_heard_at": ago(seconds=72)})

    held, orphaned = draw(make_lane(lock), [judged(lock, "orphaned", gone, silent)], NOW).bars

    assert (held.kind, orphaned.kind) == ("held", "orphaned")
    assert orphaned.x == pytest.approx(Frame(anchor=ANCHOR).place(ago(seconds=72)), abs=0.01)


@pytest.mark.parametrize(
    ("flags", "kind"),
    [(["unknown"], "unknown"), (["expiring", "unknown"], "unknown"), (["expiring", "held"], "held"), (["never-expires", "unknown"], "never-expires")],
    ids=" ".join,
)
def test_bar_of_a_holder_that_nobody_knows_stays_grey_whatever_else_is_true(flags, kind):
    lock = make_lock(acquired_at=ago(seconds=60))
    (bar,) = draw(make_lane(lock), [replace(judged(lock, flags[0]), flags=flags)], NOW).bars
    assert bar.kind == kind


@pytest.mark.parametrize("how", [{"to_at": ago(seconds=30), "end": "released"}, {"to_at": None, "lapsed_at": ago(seconds=30)}], ids=["ended", "lapsed"])
def test_bar_of_a_holder_that_nobody_knew_is_grey_after_its_end(how):
    span = Span(from_at=ago(seconds=60), token_digest="x", is_unknown=True, **how)
    assert draw(make_lane(make_lock(), spans=(span,)), [], NOW).bars[0].kind == "unknown"


def by_hand(at, **changes):
    return Span(**({"from_at": at - timedelta(seconds=20), "to_at": at, "token_digest": f"{at}", "end": "by-hand", "by": "olga"} | changes))


@pytest.mark.parametrize("how", [{}, {"to_at": None, "lapsed_at": ago(seconds=61)}, {"died_at": ago(seconds=70)}], ids=["gone", "goes on", "dead"])
def test_release_by_hand_is_a_mark_with_who_did_it_at_its_time(how):
    (hand,) = draw(make_lane(make_lock(), spans=(by_hand(ago(seconds=61), **how),)), [], NOW).hands

    assert (hand.x, hand.by, hand.side) == (50, "olga", "right")
    assert hand.title == "released by hand by olga · 14:06:40 UTC"


def test_release_by_its_own_run_is_no_mark():
    span = by_hand(ago(seconds=61), end="released", by=None)
    assert draw(make_lane(make_lock(), spans=(span,)), [], NOW).hands == ()


@pytest.mark.parametrize(
    ("released", "refused", "side"),
    [(61, (), "right"), (3, (), "left"), (0, (), "left"), (61, (58,), "left"), (61, (58, 64), ""), (61, (20,), "right"), (119.5, (117,), "")],
    ids=["room", "at the edge", "after the anchor", "a mark to the right", "marks on both sides", "a mark far away", "none to the left"],
)
def test_name_of_who_released_it_stands_where_nothing_else_does(released, refused, side):
    lane = make_lane(make_lock(), spans=(by_hand(ago(seconds=released)),), refused_at=tuple(ago(seconds=s) for s in refused))
    (hand,) = draw(lane, [], NOW).hands
    assert hand.side == side


def test_of_two_releases_near_each_other_each_name_is_legible():
    first, second = draw(make_lane(make_lock(), spans=(by_hand(ago(seconds=64)), by_hand(ago(seconds=61), by="otto"))), [], NOW).hands
    assert (first.side, second.side) == ("left", "right")


def test_release_by_hand_before_the_window_is_not_drawn():
    assert draw(make_lane(make_lock(), spans=(by_hand(ago(minutes=3)),)), [], NOW).hands == ()


def test_lock_held_for_a_moment_is_still_to_be_seen():
    lock = make_lock()
    span = Span(from_at=ago(seconds=30), to_at=ago(seconds=29.999), token_digest="x", end="released")

    (bar,) = draw(make_lane(lock, spans=(span,)), [], NOW).bars

    assert bar.width > 0.3


def test_lock_held_for_a_year_is_clipped():
    lock = make_lock(acquired_at=ago(days=365), expires_at=None)

    drawn = draw(make_lane(lock), [judged(lock, "never-expires")], NOW)

    assert drawn.bars[0].kind == "never-expires"
    assert drawn.bars[0].x >= -10
    assert drawn.bars[0].width < 200


def test_what_ended_before_the_window_is_not_drawn():
    lock = make_lock()
    span = Span(from_at=ago(minutes=5), to_at=ago(minutes=4), token_digest="x", end="released")

    assert draw(make_lane(lock, spans=(span,), refused_at=(ago(minutes=3),)), [], NOW).bars == ()
    assert draw(make_lane(lock, spans=(span,), refused_at=(ago(minutes=3),)), [], NOW).marks == ()


def test_picture_is_the_same_until_the_next_anchor():
    lock = make_lock()
    lane = make_lane(lock, refused_at=(ago(seconds=8),))

    assert draw(lane, [judged(lock)], ANCHOR) == draw(lane, [judged(lock)], ANCHOR + QUANTUM - timedelta(milliseconds=1))


def test_overrun_is_drawn_below_the_run_that_has_the_lock_by_now():
    first = Span(from_at=ago(seconds=90), to_at=None, token_digest="x", end="expired", lapsed_at=ago(seconds=60))
    second = Span(from_at=ago(seconds=30), to_at=None, token_digest="y")

    bars = draw(make_lane(make_lock(), spans=(first, second)), [], NOW).bars

    assert [(bar.kind, bar.is_beside) for bar in bars] == [("held", False), ("held", False), ("overrun", False), ("overrun", True)]
    held, alone, beside = bars[1], bars[2], bars[3]
    assert alone.x + alone.width == pytest.approx(held.x) == beside.x
    assert beside.width == pytest.approx(held.width, abs=0.02)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("expired", "its time was up at 14:07:11 UTC"),
        ("flushed", "gone with its whole database at 14:07:11 UTC while the run went on"),
        ("by-hand", "released by hand at 14:07:11 UTC by olga while the run went on"),
    ],
)
def test_words_say_how_a_lock_left_a_run_that_goes_on(end, said):
    span = Span(from_at=ago(seconds=90), to_at=None, token_digest="x", end=end, lapsed_at=ago(seconds=30), by="olga" if end == "by-hand" else None)

    assert said in draw(make_lane(make_lock(), spans=(span,)), [], NOW).told


@pytest.mark.parametrize(("to_at", "more"), [(None, ()), (ago(seconds=10), ("the run went on without it until 14:07:31 UTC",))], ids=["goes on", "ended"])
def test_words_say_of_a_run_that_went_on_for_how_long_it_held_the_lock_alone(to_at, more):
    span = Span(from_at=ago(seconds=90), to_at=to_at, token_digest="x", end="by-hand", by="olga", lapsed_at=ago(seconds=30))

    assert draw(make_lane(make_lock(), spans=(span,)), [], NOW).told == (
        "held from 14:06:11 UTC to 14:07:11 UTC, released by hand by olga",
        "released by hand at 14:07:11 UTC by olga while the run went on",
        *more,
    )


def test_words_say_the_same_as_the_picture():
    lock = make_lock()
    ended = Span(from_at=ago(seconds=100), to_at=ago(seconds=90), token_digest="x", end="expired")
    lane = make_lane(lock, refused_at=(ago(seconds=8), ago(seconds=20)))

    told = draw(replace(lane, spans=(ended, *lane.spans)), [judged(lock)], NOW).told

    assert told == (
        "held from 14:06:01 UTC to 14:06:11 UTC, expired",
        "held since 14:06:21 UTC",
        "2 refused within 2 m, the last at 14:07:33 UTC",
    )


def test_strip_is_logarithmic_from_a_second_to_an_hour():
    assert strip_place(timedelta(0)) == strip_place(timedelta(seconds=1)) == 0
    assert strip_place(timedelta(seconds=60)) == pytest.approx(SCALE_ENDS_AT / 2, abs=0.1)
    assert strip_place(timedelta(hours=1)) == SCALE_ENDS_AT
    assert SCALE_ENDS_AT < strip_place(timedelta(days=9)) < 100


def test_attempt_that_waits_is_a_tail_that_is_told_in_words_as_well():
    wait = Wait(lock_id="l", cache="default", name="lock", token_digest="d", from_at=ANCHOR - timedelta(seconds=60), task_name="reports")
    ended = replace(wait, from_at=ANCHOR - timedelta(seconds=90), to_at=ANCHOR - timedelta(seconds=60), end="refused")
    long_ago = replace(wait, from_at=ANCHOR - timedelta(seconds=150), to_at=ANCHOR - timedelta(seconds=130), end="acquired")

    drawn = draw(replace(make_lane(make_lock()), waits=(wait, ended, long_ago)), [], NOW)

    assert [(tail.x, round(tail.width, 1)) for tail in drawn.tails] == [(50, round(50 + BEYOND / WINDOW * 100, 1)), (25, 25)]
    assert "reports waits since 14:06:40 UTC" in drawn.told
    assert "reports waited from 14:06:10 UTC and was refused at 14:06:40 UTC" in drawn.told


def test_time_without_an_observer_is_blank_and_told():
    absence = Absence(from_at=ANCHOR - timedelta(seconds=90), to_at=ANCHOR - timedelta(seconds=60))
    lock = make_lock(acquired_at=ANCHOR - timedelta(seconds=100))

    drawn = draw(make_lane(lock), [judged(lock)], NOW, absences=[absence, Absence(from_at=ago(minutes=9), to_at=ago(minutes=8))])

    (blank,) = drawn.blanks
    assert (blank.x, blank.width) == (25, 25)
    assert drawn.told[-1].startswith("nothing is known from 14:06:10")
