"""The history of one lock, on its page and for programs."""

import pytest
from django.test import Client

from dashboard.history.rows import Batch, Gap
from dashboard.history.write import Writer
from tests.dashboard.history.made import BASE_US, LOCK_ID, made_event, watching, write
from tests.dashboard.web.test_views import person

__all__ = ["watching", "write"]
pytestmark = pytest.mark.django_db
PAGE, API = f"/locks/{LOCK_ID}/history/", f"/api/v1/locks/{LOCK_ID}/history"


@pytest.fixture
def viewer(watching):
    client = Client()
    client.force_login(person("view_locks"))
    return client


@pytest.fixture
def happened(write):
    """Events of locks, written by themselves."""
    return lambda *events: write((), *events)


def test_page_says_what_happened_the_latest_first(viewer, happened):
    happened(made_event(1), made_event(2, "by-hand", task="<script>"), made_event(3, "expired", span=90_000_000))

    html = viewer.get(PAGE).content.decode()

    assert html.index("expired") < html.index("released by hand") < html.index(">acquired<")
    assert "&lt;script&gt;" in html and "<script>" not in html.split("<tbody>")[1]
    assert "1 m 30 s" in html and "lock_report_12" in html


def test_death_that_was_written_twice_is_told_once_and_where_it_happened(viewer, happened):
    """It is proved seconds later, and is proved again once the lock was released and put back by hand."""
    died = [(*made_event(number, "died")[:4], BASE_US + 2000, *made_event(number)[5:]) for number in (5, 9)]
    died[1] = (*died[1][:4], BASE_US + 2500, *died[1][5:])  # by another proof
    happened(made_event(1), died[0], made_event(3, "by-hand"), made_event(4, "restored"), died[1])

    assert [one["event"] for one in viewer.get(API).json()["events"]] == ["restored", "by-hand", "died", "acquired"]


def test_page_says_that_another_than_its_holder_removed_it(viewer, happened):
    happened(made_event(1), made_event(2, "removed", span=1_000_000))

    assert "removed by another than its holder" in viewer.get(PAGE).content.decode()
    assert viewer.get(API).json()["events"][0]["event"] == "removed"


def test_long_history_has_pages(viewer, happened):
    happened(*(made_event(number, task_id=f"run-{number}") for number in range(120)))

    first = viewer.get(PAGE)
    second = viewer.get(f"{PAGE}?before={first.context['older']}")

    assert (len(first.context["rows"]), len(second.context["rows"]), second.context["older"]) == (100, 20, 0)


def test_last_page_says_since_when_anything_is_known(viewer, happened):
    happened(*(made_event(number, task_id=f"run-{number}") for number in range(120)))
    said = "Nothing is known of the time before"

    first = viewer.get(PAGE)

    assert said not in first.content.decode()
    assert said in viewer.get(f"{PAGE}?before={first.context['older']}").content.decode()


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "²"])
def test_page_that_nobody_gave_begins_at_the_newest(viewer, happened, before):
    happened(made_event(1))
    assert len(viewer.get(f"{PAGE}?before={before}").context["rows"]) == 1


def test_time_without_an_observer_is_said_on_the_page_that_shows_it(viewer, happened):
    happened(*(made_event(number, task_id=f"run-{number}") for number in range(120)))
    at_us = [made_event(number)[0] // 256 for number in (5, 6)]
    writer = Writer("test:2")
    writer.claim(BASE_US)
    writer.write(Batch(gaps=[Gap(from_us=at_us[0] + 1, to_us=at_us[1] - 1, why="no-observer")]), BASE_US)

    first = viewer.get(PAGE)
    second = viewer.get(f"{PAGE}?before={first.context['older']}")

    assert "No observer was heard from" not in first.content.decode()
    assert "No observer was heard from" in second.content.decode()


def test_lock_of_which_nothing_is_written_says_so(viewer):
    response = viewer.get(PAGE)
    assert response.status_code == 404
    assert "Nothing is written of this lock" in response.content.decode()


def test_api_gives_the_same_with_a_cursor(viewer, happened):
    happened(made_event(1), made_event(2, "refused", span=1_500_000), made_event(3, "acquired", task="", task_id="", certainty=0))

    first = viewer.get(f"{API}?limit=2").json()
    second = viewer.get(f"{API}?limit=2&cursor={first['next_cursor']}").json()

    assert [(one["event"], one["task_id"], one["span_ms"]) for one in first["events"]] == [("acquired", None, None), ("refused", "run-1", 1500)]
    assert [one["event"] for one in second["events"]] == ["acquired"] and second["next_cursor"] is None
    assert (first["events"][0]["certainty"], first["events"][1]["certainty"], first["unavailable"]) == ("unknown", "exact", {})


def test_time_in_which_another_cache_was_not_seen_is_nothing_to_this_lock(viewer, happened):
    happened(made_event(1), made_event(5000))
    writer = Writer("test:2")
    writer.claim(BASE_US)
    writer.write(Batch(gaps=[Gap(from_us=BASE_US + 2000, to_us=BASE_US + 900_000, why="cache", cache=cache) for cache in ("default", "shop")]), BASE_US)

    page = viewer.get(PAGE).content.decode()

    assert "Nothing was heard of cache default from" in page and "cache shop" not in page
