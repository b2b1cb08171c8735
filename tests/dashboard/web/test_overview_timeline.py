"""The Overview's timeline: what each lane draws, and that its list says the same in words."""

import re
from dataclasses import replace

import pytest

from dashboard.records import Absence, Observer, SourceState, Span, Wait
from tests.dashboard.web.pieces import pieces_of, rows_of
from tests.factories import NOW, ago, make_lane, make_lock, make_snapshot

pytestmark = pytest.mark.usefixtures("acts_on")


def test_lane_draws_a_lock_and_tells_it_in_words():
    lock = make_lock()

    (lane,) = rows_of("overview", make_snapshot(lanes=(make_lane(lock, refused_at=(ago(seconds=8),)),)), "timeline-lanes")

    assert lane.count("lh-bar-held") == 1
    assert lane.count("lh-mark") == 1
    assert "held since 14:06:21 UTC" in lane
    assert 'data-expires="2026-11-23T14:26:21.000Z"' in lane


def lane_of(*spans, **changes):
    lock = make_lock()
    snapshot = make_snapshot(locks=(), lanes=(make_lane(lock, spans=spans, **changes),))
    return rows_of("overview", snapshot, "timeline-lanes")[0]


def listed(lane):
    """What the hidden list beside the picture says, without the picture and what a pointer is told."""
    cell = re.search(r'<td role="cell" class="lh-lane-past">(.*?)</td>', lane, re.DOTALL)[1]
    return re.findall(r"<li>(.*?)</li>", re.sub(r"<svg.*</svg>", "", cell, flags=re.DOTALL))


def test_lane_says_who_released_its_lock_by_hand_beside_its_name_in_its_picture_and_in_its_list():
    lane = lane_of(Span(from_at=ago(seconds=80), to_at=ago(seconds=61), token_digest="x", end="by-hand", by="olga<i>"))

    picture, note = re.search(r"<svg.*</svg>", lane, re.DOTALL)[0], re.search(r"<small>(.*?)</small>", lane)[1]
    assert "released by hand by olga&lt;i&gt;" in note
    assert 'href="#lh-by-hand"' in picture and ">olga&lt;i&gt;</text>" in picture
    assert listed(lane) == ["held from 14:06:21 UTC to 14:06:40 UTC, released by hand by olga&lt;i&gt;"]


def test_list_beside_the_picture_says_all_that_is_drawn():
    overrun = Span(from_at=ago(seconds=100), to_at=None, token_digest="x", end="expired", lapsed_at=ago(seconds=61))
    dead = Span(from_at=ago(seconds=50), to_at=ago(seconds=21), token_digest="y", end="released", died_at=ago(seconds=41))
    wait = Wait(lock_id="l", cache="default", name="lock", token_digest="d", from_at=ago(seconds=11), task_name="reports")

    assert listed(lane_of(overrun, dead, refused_at=(ago(seconds=8),), waits=(wait,))) == [
        "held from 14:06:01 UTC to 14:06:40 UTC, expired",
        "its time was up at 14:06:40 UTC",
        "held from 14:06:51 UTC to 14:07:20 UTC, released",
        "its holder was dead from 14:07:00 UTC",
        "reports waits since 14:07:30 UTC",
        "1 refused within 2 m, the last at 14:07:33 UTC",
    ]


def test_picture_hatches_an_overrun_and_has_a_tail_for_what_waits():
    overrun = Span(from_at=ago(seconds=100), to_at=None, token_digest="x", end="expired", lapsed_at=ago(seconds=61))
    wait = Wait(lock_id="l", cache="default", name="lock", token_digest="d", from_at=ago(seconds=11), task_name="reports")

    picture = lane_of(overrun, waits=(wait,))

    held, hatched = re.findall(r"<rect class=.lh-bar .*?>", picture)
    assert "lh-bar-held" in held and "fill=" not in held
    assert "lh-bar-overrun" in hatched and 'fill="url(#lh-hatch)"' in hatched
    (tail,) = re.findall(r'<rect class="lh-tail" x="([\d.]+)%" y="23" width="([\d.]+)%"', picture)
    assert float(tail[0]) + float(tail[1]) > 100 > float(tail[0]) > 90


def test_time_before_the_first_observer_is_hatched_and_said():
    absence = Absence(from_at=ago(days=9999), to_at=ago(seconds=61), is_first=True)
    observer = Observer(leader="web-1:7", since=ago(seconds=61), absences=(absence,))

    pieces = pieces_of("overview", make_snapshot(lanes=(make_lane(make_lock()),), observer=observer))
    lane = next(html for name, html in pieces.items() if name.startswith("lane-"))

    assert 'class="lh-blank" x="-10.0%"' in lane
    assert listed(lane)[-1] == "nothing is known of the time before 14:06:40 UTC"
    assert "Nothing is known of the time before 14:06:40 UTC" in pieces["timeline-state"]


def test_lanes_that_need_attention_come_first_then_by_name():
    locks = tuple(make_lock(name=name, claim=None) for name in ("b", "a"))
    late = make_lock(name="z", lapsed_at=ago(seconds=9))

    lanes = rows_of("overview", make_snapshot(locks=(*locks, late), lanes=tuple(make_lane(lock) for lock in (*locks, late))), "timeline-lanes")

    assert [re.search(r"<bdi>(.*?)</bdi>", lane).group(1) for lane in lanes] == ["z", "a", "b"]


@pytest.mark.parametrize(("ended", "is_said"), [(ago(seconds=40), True), (ago(seconds=150), False)], ids=["within", "before"])
def test_time_without_an_observer_is_said_above_the_timeline_and_blank_in_it(ended, is_said):
    observer = Observer(leader="web-1:7", since=ended, absences=(Absence(from_at=ago(seconds=170), to_at=ended),))
    pieces = pieces_of("overview", make_snapshot(lanes=(make_lane(make_lock()),), observer=observer))
    (lane,) = (html for name, html in pieces.items() if name.startswith("lane-"))

    assert ("No observer was heard from 14:04:51 UTC" in pieces["timeline-state"]) is is_said
    assert ("lh-blank" in lane) is is_said
    assert ("nothing is known from 14:04:51 UTC" in lane) is is_said


@pytest.mark.parametrize(
    ("sources", "at", "said"),
    [
        ((), ago(seconds=40), "nothing is known since 14:07:01 UTC: no observer is heard"),
        ((SourceState(name="cache default", ok=False, since=ago(seconds=30), last_good_at=ago(seconds=31)),), NOW, "cache default does not answer"),
    ],
    ids=["no observer", "its cache"],
)
def test_lane_of_which_nothing_is_known_any_more_is_hatched_up_to_its_edge_and_not_free(sources, at, said):
    ended = Span(from_at=ago(seconds=70), to_at=ago(seconds=60), token_digest="x", end="released")
    lane = replace(make_lane(make_lock()), spans=(ended,))

    pieces = pieces_of("overview", make_snapshot(at=at, sources=sources, lanes=(lane,)))
    (shown,) = (html for name, html in pieces.items() if name.startswith("lane-"))

    (blank,) = re.findall(r'<rect class="lh-blank" x="([\d.]+)%" y="0" width="([\d.]+)%"', shown)
    assert float(blank[0]) + float(blank[1]) > 100 > float(blank[0]) > 60
    assert said in listed(shown)[-1]
    assert ">unknown<" in shown and ">free<" not in shown
    assert "from 14:0" not in pieces["timeline-state"]


def test_another_cache_that_does_not_answer_hides_nothing_of_a_lane():
    away = SourceState(name="cache other", ok=False, since=ago(seconds=30), last_good_at=ago(seconds=31))

    pieces = pieces_of("overview", make_snapshot(sources=(away,), lanes=(make_lane(make_lock()),)))

    assert not any("lh-blank" in html for name, html in pieces.items() if name.startswith("lane-"))
