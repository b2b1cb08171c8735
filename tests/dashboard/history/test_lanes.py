"""The overlap timeline of a time that is over, out of the history, and its page."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from dashboard import connections
from dashboard.history import names_read
from dashboard.history.lanes import lanes_between
from dashboard.history.read import EPOCH, time_before_all
from dashboard.history.rows import Batch, Gap
from dashboard.history.write import Writer
from dashboard.records import Snapshot, Wait
from dashboard.snapshot import SECTIONS, put
from dashboard.web.past import MAX_LANES
from tests.dashboard.history.made import BASE_US, LOCK_ID
from tests.dashboard.history.test_overlaps import event, run, write  # noqa: F401  # a fixture
from tests.dashboard.observer.test_state import IN_A_SECOND, state
from tests.dashboard.observer.test_state import event as told
from tests.dashboard.web.test_views import viewer  # noqa: F401  # a fixture
from tests.factories import NOW, make_lock

pytestmark = pytest.mark.django_db
BASE = EPOCH + timedelta(microseconds=BASE_US)
SECOND_US = 1_000_000


@pytest.fixture
def watching(watching, settings):
    """What was written at the time of these tests is kept for ever."""
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "HISTORY_DAYS": 10**9}
    return watching


def at(seconds):
    return BASE + timedelta(seconds=seconds)


def spanned(row, seconds):
    return (*row[:5], int(seconds * SECOND_US), *row[6:])


def by(row):
    return (*row[:11], "alice", *row[12:])


def lane(from_s, to_s, held=()):
    (found,) = lanes_between(at(from_s), at(to_s), held).lanes
    return found


def test_lock_that_was_taken_and_released_in_that_time_is_a_span(write):  # noqa: F811
    write([], event(10, "acquired", "run-a"), spanned(event(15, "released", "run-a"), 5))

    found = lane(0, 60)
    (span,) = found.spans
    assert (found.lock_id, found.name) == (LOCK_ID, "lock_report_12")
    assert (span.from_at, span.to_at, span.end) == (at(10), at(15), "released")


@pytest.mark.parametrize(("from_s", "to_s"), [(20, 60), (20, 30), (0, 30)], ids=["began before", "all the time", "ended after"])
def test_lock_that_was_held_beyond_the_edges_of_that_time_is_seen(write, from_s, to_s):  # noqa: F811
    write([], event(10, "acquired", "run-a"), spanned(event(50, "released", "run-a"), 40))

    (span,) = lane(from_s, to_s).spans
    assert (span.from_at, span.to_at) == (at(10), at(50))


def test_lock_that_is_held_still_is_a_span_without_an_end(write):  # noqa: F811
    lock = make_lock(acquired_at=at(10))
    write([], event(10, "acquired", "run-a", token=lock.token_digest))

    found = {one.lock_id: one for one in lanes_between(at(0), at(60), [lock]).lanes}
    assert [(span.from_at, span.to_at) for span in found[lock.id].spans] == [(at(10), None)]
    assert lanes_between(at(-60), at(0), [lock]).lanes == []


def test_holder_that_was_never_known_is_grey(watching, write, viewer):  # noqa: F811
    nobody = {"certainty": 0, "task": ""}
    write(
        [],
        event(10, "acquired", "", token="a", **nobody),
        spanned(event(15, "released", "", token="a", **nobody), 5),
        event(20, "acquired", "run-b", token="b"),
    )

    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + 60, "span": 120}).content.decode()

    assert [span.is_unknown for span in lane(0, 60).spans] == [True, False]
    assert "lh-bar-unknown" in page and "lh-bar-held" in page


def test_lock_that_was_released_by_hand_and_put_back_is_two_spans(write):  # noqa: F811
    write([], event(10, "acquired", "run-a"), event(20, "by-hand", "run-a"), event(25, "restored", "run-a"), spanned(event(40, "released", "run-a"), 30))

    assert [(span.from_at, span.to_at, span.end) for span in lane(0, 60).spans] == [(at(10), at(20), "by-hand"), (at(25), at(40), "released")]


@pytest.mark.parametrize(("from_s", "to_s"), [(0, 15), (0, 22), (21, 24), (0, 30), (22, 60)], ids=["before", "its end", "while free", "all", "after"])
def test_lock_that_was_put_back_and_is_held_still_was_free_meanwhile(write, from_s, to_s):  # noqa: F811
    lock = make_lock(id=LOCK_ID, acquired_at=at(10), put_back_at=at(25), token_digest="one")
    write([], event(10, "acquired", "run-a"), by(spanned(event(20, "by-hand", "run-a"), 10)), event(25, "restored", "run-a"))

    lanes = lanes_between(at(from_s), at(to_s), [lock]).lanes
    seen = [(span.from_at, span.to_at, span.by) for lane in lanes for span in lane.spans]

    released, back = (at(10), at(20), "alice"), (at(25), None, None)
    assert seen == [*([released] if from_s < 20 else []), *([back] if to_s > 25 else [])]


def test_run_whose_lock_an_operator_released_is_an_overrun_until_its_end_beside_the_next(watching, write, viewer):  # noqa: F811
    taken = [event(1, "acquired", "run-a"), event(12, "acquired", "run-b", token="two"), spanned(event(30, "released", "run-b", token="two"), 18)]
    write([run("run-a", ended=20), run("run-b", ended=30)], *taken, by(spanned(event(9, "by-hand", "run-a"), 8)))

    first, _second = lane(0, 60).spans
    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + 60, "span": 120}).content.decode()

    assert (first.from_at, first.lapsed_at, first.to_at, first.by) == (at(1), at(9), at(20), "alice")
    assert "released by hand by alice" in page and "lh-bar-overrun" in page


def test_run_whose_lock_was_put_back_went_on_without_it_only_until_then(write):  # noqa: F811
    going = by(spanned(event(20, "by-hand", "run-a"), 10)), event(25, "restored", "run-a"), spanned(event(40, "released", "run-a"), 15)
    write([run("run-a", ended=41)], event(10, "acquired", "run-a"), *going)

    assert [(span.from_at, span.lapsed_at, span.to_at) for span in lane(0, 60).spans] == [(at(10), at(20), at(25)), (at(25), None, at(40))]
    assert [(span.from_at, span.lapsed_at, span.to_at) for span in lane(0, 22).spans] == [(at(10), at(20), at(25))]


def test_run_that_went_on_without_its_lock_is_an_overrun_until_its_end(write):  # noqa: F811
    write([run("run-a", ended=20)], event(1, "acquired", "run-a"), spanned(event(9, "expired", "run-a"), 8))

    (span,) = lane(0, 60).spans
    assert (span.from_at, span.lapsed_at, span.to_at) == (at(1), at(9), at(20))


@pytest.mark.parametrize("what", ["expired", "flushed"])
def test_run_that_goes_on_without_its_lock_is_an_overrun_without_an_end(write, what):  # noqa: F811
    lock = make_lock(acquired_at=at(1), lapsed_at=at(9))
    write([], event(1, "acquired", "run-a", token=lock.token_digest), spanned(event(9, what, "run-a", token=lock.token_digest), 8))

    (span,) = lane(0, 60, [lock]).spans
    assert (span.from_at, span.lapsed_at, span.to_at) == (at(1), at(9), None)


def test_refused_and_waiting_attempts_are_marks_and_tails(write):  # noqa: F811
    write([], event(5, "refused", "run-b", token="b"), event(6, "waiting", "run-c", token="c"), event(9, "acquired", "run-c", token="c"))

    found = lane(0, 60)
    assert found.refused_at == (at(5),)
    assert [(wait.from_at, wait.to_at, wait.end) for wait in found.waits] == [(at(6), at(9), "acquired")]


@pytest.mark.parametrize("what", ["refused", "acquired"])
def test_attempt_that_waited_beyond_that_time_has_the_end_that_was_told_later(write, what):  # noqa: F811
    write([], event(6, "waiting", "run-c", token="c"), event(9, what, "run-c", token="c"))

    assert [(wait.from_at, wait.to_at, wait.end) for wait in lane(0, 8).waits] == [(at(6), at(9), what)]


def test_attempt_that_waits_still_has_no_end(write):  # noqa: F811
    write([], event(6, "waiting", "run-c", token="c"), event(7, "waiting", "run-d", token="d"))
    known = Wait(lock_id=LOCK_ID, cache="default", name="lock_report_12", token_digest="c", from_at=at(6))

    (found,) = lanes_between(at(0), at(60), [], [known]).lanes
    assert [(wait.to_at, wait.end) for wait in found.waits] == [(None, None), (at(7), "unknown")]


def test_attempt_that_waited_and_was_refused_is_told_with_its_end(write):  # noqa: F811
    about = {"key": ":1:lock_report_12", "uuid": "tries", "task": "reports", "digest": "d"}
    names_read.forget()
    past = state(told("lock-waiting", **about), told("lock-refused", IN_A_SECOND, waited=1.0, **about)).lock_past
    write([], *past.take()[0])

    (found,) = lanes_between(NOW - timedelta(seconds=5), NOW + timedelta(seconds=5), []).lanes
    assert [(wait.from_at, wait.to_at, wait.end) for wait in found.waits] == [(NOW, IN_A_SECOND, "refused")]


def test_page_draws_that_time_and_leads_to_the_times_around_it(watching, write, viewer):  # noqa: F811
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
def test_odd_times_are_the_nearest_that_can_be_shown(watching, viewer, query):  # noqa: F811
    answer = viewer.get("/timeline/", query)
    assert answer.status_code == 200
    assert "Nothing is known of that time" in answer.content.decode()


LONG_AGO = ("0001-01-01", "0001-01-01T00:00:00+00:00", "0001-01-01T00:00+23:59", "9999-12-31T23:59:59-23:59", "0", "9999999999", "1969-01-01", "99999d")


@pytest.mark.parametrize("span", ["", "3600"])
@pytest.mark.parametrize("until", LONG_AGO)
def test_time_that_no_clock_of_ours_can_show_is_answered_with_a_page(watching, viewer, until, span):  # noqa: F811
    viewer.raise_request_exception = False
    assert viewer.get("/timeline/", {"until": until, "span": span}).status_code == 200


def test_time_long_before_there_were_computers_is_said_to_be_none(watching, viewer):  # noqa: F811
    page = viewer.get("/timeline/", {"until": "0001-01-01"}).content.decode()
    assert "until takes 2026-" in page


@pytest.mark.parametrize(
    ("until_s", "title", "is_hatched"),
    [(-300, "Nothing is known of that time", True), (60, "Nothing was held while an observer ran", True), (300, "Nothing was held then", False)],
    ids=["before", "partly", "after"],
)
def test_time_before_the_first_observer_is_unknown_and_not_empty(watching, write, viewer, until_s, title, is_hatched):  # noqa: F811
    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + until_s, "span": 120}).content.decode()

    assert title in page
    assert ('class="lh-blank"' in page) is is_hatched
    assert ("Nothing is known of the time before" in page) is is_hatched
    assert ("nothing is known of the time before" in page) is is_hatched


@pytest.mark.parametrize(("age_s", "is_unseen"), [(0, False), (60, True)], ids=["it runs", "it died"])
def test_time_since_the_last_observer_died_is_unknown_though_none_has_come_after_it(watching, write, viewer, age_s, is_unseen):  # noqa: F811
    write([])
    last = Snapshot(at=datetime.now(UTC) - timedelta(seconds=age_s))
    assert put(connections.own(), last, dict.fromkeys(SECTIONS, time.time_ns()), set(SECTIONS), epoch=1)

    page = viewer.get("/timeline/").content.decode()

    assert ('class="lh-blank"' in page) is is_unseen
    assert ("No observer was heard from" in page) is is_unseen


def test_time_is_unknown_where_no_observer_has_run_at_all(watching, viewer):  # noqa: F811
    page = viewer.get("/timeline/").content.decode()
    assert "Nothing is known of that time" in page and "Nothing is known of the time before" in page


def test_time_of_which_nothing_is_kept_any_more_is_unknown_as_well(watching, settings, viewer):  # noqa: F811
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "HISTORY_DAYS": 30}
    now = datetime.now(UTC)
    Writer("test:1").claim(int((now - timedelta(days=90)).timestamp()) * SECOND_US)

    old, kept = (viewer.get("/timeline/", {"until": int((now - timedelta(days=days)).timestamp())}).content.decode() for days in (31, 29))

    assert "Nothing is known of that time" in old and "Nothing was held then" in kept


def test_bar_that_began_before_the_first_observer_is_hatched_until_then(write):  # noqa: F811
    write([], spanned(event(20, "released", "run-a"), 50))
    (gap,) = time_before_all(at(-60), at(60), at(-99))
    assert (gap.from_us, gap.to_us) == (0, BASE_US)
    assert time_before_all(at(0), at(60), at(-99)) == []


def many(count, what, first=0):
    return [event(n / 100, what, f"run-{n}", lock_id=f"{n:016x}", name=f"lock_{n:03}", token=f"t{n}") for n in range(first, first + count)]


def test_of_many_locks_the_most_urgent_are_drawn_and_the_rest_is_counted(watching, write, viewer):  # noqa: F811
    ends = [spanned(one, 1) for one in (*many(MAX_LANES + 10, "released"), *many(3, "expired", 900))]
    write([], *ends)

    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + 60, "span": 120})
    html = page.content.decode()

    assert html.partition("<tbody")[2].partition("</tbody>")[0].count('class="lh-lane"') == MAX_LANES
    assert [row["name"] for row in page.context["rows"]][:4] == ["lock_900", "lock_901", "lock_902", "lock_000"]
    assert "13 more locks were held then." in html


def test_lane_says_in_its_list_what_its_picture_shows(watching, write, viewer):  # noqa: F811
    waited = event(6, "waiting", "run-c", token="c"), event(9.5, "refused", "run-c", token="c")
    write([run("run-a", ended=20)], event(1, "acquired", "run-a"), by(spanned(event(9, "by-hand", "run-a"), 8)), *waited)

    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + 60, "span": 120}).content.decode()
    cell = re.search(r'<td role="cell" class="lh-lane-past">(.*?)</td>', page, re.DOTALL)[1]
    picture, said = re.search(r"<svg.*</svg>", cell, re.DOTALL)[0], re.sub(r"<svg.*</svg>", "", cell, flags=re.DOTALL)

    assert [word in said for word in ("released by hand by alice", "the run went on without it until", "waited from", "1 refused within 2 m")] == [True] * 4
    assert ['fill="url(#lh-hatch)"' in picture, 'class="lh-tail"' in picture, 'href="#lh-by-hand"' in picture, 'href="#lh-refused"' in picture] == [True] * 4


@pytest.mark.parametrize(("shown_s", "is_said"), [(60, True), (400, False)], ids=["within", "before"])
def test_time_without_an_observer_is_said_and_is_blank_in_every_lane(watching, write, viewer, shown_s, is_said):  # noqa: F811
    write([], event(10, "acquired", "run-a"), spanned(event(390, "released", "run-a"), 380))
    not_observed(20, 50)

    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + shown_s, "span": 120}).content.decode()

    assert "lh-bar-held" in page
    assert ("No observer was heard from" in page) is is_said
    assert ("lh-blank" in page.partition("<tbody")[2].partition("</tbody>")[0]) is is_said
    assert ("nothing is known from" in page.partition("visually-hidden")[2]) is is_said


def test_time_without_an_observer_is_said_where_nothing_else_is_known(watching, viewer):  # noqa: F811
    not_observed(20, 50)
    page = viewer.get("/timeline/", {"until": BASE_US // SECOND_US + 60, "span": 120}).content.decode()
    assert "No observer was heard from" in page and "Nothing was held while an observer ran" in page


def not_observed(from_s, to_s):
    writer = Writer("test:2")
    writer.claim(BASE_US)
    writer.write(Batch(gaps=[Gap(from_us=BASE_US + from_s * SECOND_US, to_us=BASE_US + to_s * SECOND_US, why="no-observer")]), BASE_US)


@pytest.mark.parametrize(("until", "is_said"), [("banana", True), ("10m", False), ("2026-11-26T04:28", False), ("04:28", False), ("", False)])
def test_time_that_is_none_is_said_and_now_is_shown(watching, viewer, until, is_said):  # noqa: F811
    page = viewer.get("/timeline/", {"until": until}).content.decode()
    assert ("until takes 2026-" in page) is is_said
