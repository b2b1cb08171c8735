"""The page of a time that is over: what it draws, says in words, and does not know."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from dashboard import connections
from dashboard.history.rows import Batch, Gap
from dashboard.history.write import Writer
from dashboard.records import Snapshot
from dashboard.snapshot import SECTIONS, put
from dashboard.web.past import MAX_LANES
from tests.dashboard.history.made import BASE_US, SECOND_US, by, event, run, spanned, watching, write
from tests.dashboard.web.test_views import viewer

__all__ = ["viewer", "watching", "write"]
pytestmark = pytest.mark.django_db


def test_page_draws_that_time_and_leads_to_the_times_around_it(watching, write, viewer):
    write([], event(10, "acquired", "run-a"), spanned(event(15, "released", "run-a"), 5))
    until = BASE_US // SECOND_US + 60

    page = viewer.get("/timeline/", {"until": until, "span": 120}).content.decode()
    part = viewer.get("/timeline/", {"until": until, "span": 120}, headers={"HX-Request": "true"}).content.decode()

    assert "lock_report_12" in page
    assert "lh-bar-held" in page
    assert f"until={until - 60}&amp;span=120" in page
    assert part.lstrip().startswith('<div id="past"')
    assert 'id="past-links"' in part
    assert "<html" not in part


@pytest.mark.parametrize("query", [{"until": "x"}, {"until": "9" * 40}, {"span": "-1"}, {"until": "1"}], ids=str)
def test_odd_times_are_the_nearest_that_can_be_shown(watching, viewer, query):
    answer = viewer.get("/timeline/", query)
    assert answer.status_code == 200
    assert "Nothing is known of that time" in answer.content.decode()


LONG_AGO = ("0001-01-01", "0001-01-01T00:00:00+00:00", "0001-01-01T00:00+23:59", "9999-12-31T23:59:59-23:59", "0", "9999999999", "1969-01-01", "99999d")


@pytest.mark.parametrize("span", ["", "3600"])
@pytest.mark.parametrize("until", LONG_AGO)
def test_time_that_no_clock_of_ours_can_show_is_answered_with_a_page(watching, viewer, until, span):
    viewer.raise_request_exception = False
    assert viewer.get("/timeline/", {"until": until, "span": span}).status_code == 200


def test_time_long_before_there_were_computers_is_said_to_be_none(watching, viewer):
    page = viewer.get("/timeline/", {"until": "0001-01-01"}).content.decode()
    assert "until takes 2026-" in page


@pytest.mark.parametrize(
    ("until_s", "title", "is_hatched"),
    [(-300, "Nothing is known of that time", True), (60, "Nothing was held while an observer ran", True), (300, "Nothing was held then", False)],
    ids=["before", "partly", "after"],
)
def test_time_before_the_first_observer_is_unknown_and_not_empty(watching, write, viewer, until_s, title, is_hatched):
    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + until_s, "span": 120}).content.decode()

    assert title in page
    assert ('class="lh-blank"' in page) is is_hatched
    assert ("Nothing is known of the time before" in page) is is_hatched
    assert ("nothing is known of the time before" in page) is is_hatched


@pytest.mark.parametrize(("age_s", "is_unseen"), [(0, False), (60, True)], ids=["it runs", "it died"])
def test_time_since_the_last_observer_died_is_unknown_though_none_has_come_after_it(watching, write, viewer, age_s, is_unseen):
    write([])
    last = Snapshot(at=datetime.now(UTC) - timedelta(seconds=age_s))
    assert put(connections.own(), last, dict.fromkeys(SECTIONS, time.time_ns()), set(SECTIONS), epoch=1)

    page = viewer.get("/timeline/").content.decode()

    assert ('class="lh-blank"' in page) is is_unseen
    assert ("No observer was heard from" in page) is is_unseen


def test_time_is_unknown_where_no_observer_has_run_at_all(watching, viewer):
    page = viewer.get("/timeline/").content.decode()
    assert "Nothing is known of that time" in page and "Nothing is known of the time before" in page


def test_time_of_which_nothing_is_kept_any_more_is_unknown_as_well(watching, settings, viewer):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "HISTORY_DAYS": 30}
    now = datetime.now(UTC)
    Writer("test:1").claim(int((now - timedelta(days=90)).timestamp()) * SECOND_US)

    old, kept = (viewer.get("/timeline/", {"until": int((now - timedelta(days=days)).timestamp())}).content.decode() for days in (31, 29))

    assert "Nothing is known of that time" in old and "Nothing was held then" in kept


def many(count, what, first=0):
    return [event(n / 100, what, f"run-{n}", lock_id=f"{n:016x}", name=f"lock_{n:03}", token=f"t{n}") for n in range(first, first + count)]


def test_of_many_locks_the_most_urgent_are_drawn_and_the_rest_is_counted(watching, write, viewer):
    ends = [spanned(one, 1) for one in (*many(MAX_LANES + 10, "released"), *many(3, "expired", 900))]
    write([], *ends)

    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + 60, "span": 120})
    html = page.content.decode()

    assert html.partition("<tbody")[2].partition("</tbody>")[0].count('class="lh-lane"') == MAX_LANES
    assert [row["name"] for row in page.context["rows"]][:4] == ["lock_900", "lock_901", "lock_902", "lock_000"]
    assert "13 more locks were held then." in html


def test_lane_says_in_its_list_what_its_picture_shows(watching, write, viewer):
    waited = event(6, "waiting", "run-c", token="c"), event(9.5, "refused", "run-c", token="c")
    write([run("run-a", ended=20)], event(1, "acquired", "run-a"), by(spanned(event(9, "by-hand", "run-a"), 8)), *waited)

    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + 60, "span": 120}).content.decode()
    cell = re.search(r'<td role="cell" class="lh-lane-past">(.*?)</td>', page, re.DOTALL)[1]
    picture, said = re.search(r"<svg.*</svg>", cell, re.DOTALL)[0], re.sub(r"<svg.*</svg>", "", cell, flags=re.DOTALL)

    assert [word in said for word in ("released by hand by alice", "the run went on without it until", "waited from", "1 refused within 2 m")] == [True] * 4
    assert ['fill="url(#lh-hatch)"' in picture, 'class="lh-tail"' in picture, 'href="#lh-by-hand"' in picture, 'href="#lh-refused"' in picture] == [True] * 4


@pytest.mark.parametrize(("shown_s", "is_said"), [(60, True), (400, False)], ids=["within", "before"])
def test_time_without_an_observer_is_said_and_is_blank_in_every_lane(watching, write, viewer, shown_s, is_said):
    write([], event(10, "acquired", "run-a"), spanned(event(390, "released", "run-a"), 380))
    not_observed(20, 50)

    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + shown_s, "span": 120}).content.decode()

    assert "lh-bar-held" in page
    assert ("No observer was heard from" in page) is is_said
    assert ("lh-blank" in page.partition("<tbody")[2].partition("</tbody>")[0]) is is_said
    assert ("nothing is known from" in page.partition("visually-hidden")[2]) is is_said


def test_time_without_an_observer_is_said_where_nothing_else_is_known(watching, viewer):
    not_observed(20, 50)
    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + 60, "span": 120}).content.decode()
    assert "No observer was heard from" in page and "Nothing was held while an observer ran" in page


def not_observed(from_s, to_s):
    writer = Writer("test:2")
    writer.claim(BASE_US)
    writer.write(Batch(gaps=[Gap(from_us=BASE_US + from_s * SECOND_US, to_us=BASE_US + to_s * SECOND_US, why="no-observer")]), BASE_US)


@pytest.mark.parametrize(("until", "is_said"), [("banana", True), ("10m", False), ("2026-11-26T04:28", False), ("04:28", False), ("", False)])
def test_time_that_is_none_is_said_and_now_is_shown(watching, viewer, until, is_said):
    page = viewer.get("/timeline/", {"until": until}).content.decode()
    assert ("until takes 2026-" in page) is is_said


def gap(from_s, to_s, **said):
    return Gap(from_us=BASE_US + from_s * SECOND_US, to_us=BASE_US + to_s * SECOND_US, **said)


def wrote(*gaps):
    writer = Writer("test:2")
    writer.claim(BASE_US)
    writer.write(Batch(gaps=list(gaps)), BASE_US)


def test_time_in_which_a_cache_was_not_seen_is_hatched_in_the_lanes_of_its_locks_alone(watching, write, viewer):
    write([], event(10, "acquired", "run-a"), spanned(event(55, "released", "run-a"), 45))
    wrote(gap(20, 40, why="cache", cache="default"), gap(42, 50, why="cache", cache="shop"))

    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + 60, "span": 120})

    assert "Nothing was heard of cache default from" in page.content.decode()
    assert len(page.context["rows"][0]["drawn"].blanks) == 2, "before all, and while its cache was away"


def test_times_without_an_observer_that_lie_before_all_are_not_said_beside_it(watching, write, viewer):
    write([], event(30, "acquired", "run-a"))
    wrote(gap(-90, -80, why="no-observer"), gap(-70, -60, why="cut"), gap(40, 50, why="no-observer"))

    missing = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + 60, "span": 600}).context["missing"]

    assert [sentence[:30] for sentence in missing] == ["Nothing is known of the time b", "No observer was heard from 202"]


def test_what_was_missed_in_a_time_without_an_observer_is_said_once(watching, write, viewer):
    write([], event(10, "acquired", "run-a"))
    wrote(gap(20, 40, why="no-observer"), gap(19, 41, why="cache", cache="default"), gap(19, 39, why="cut"))

    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + 60, "span": 120}).content.decode()

    assert "No observer was heard from" in page and "Nothing was heard of cache" not in page and "Events were lost" not in page
