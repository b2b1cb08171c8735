"""What every list page has in common: its query, the order of its rows, its headings and chips, and what is said where it is cut."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils.translation import gettext_lazy

from dashboard.web.export import EXPORTS
from dashboard.web.look import look
from dashboard.web.panels.listing import MAX_ROWS, Chip, Listing
from tests.factories import NOW, make_snapshot, make_source

FRUIT = {"plum": 7.0, "fig": None, "apple": 3.0, "pear": 5.0}
LIST = Listing(
    page="queues",
    title=gettext_lazy("Fruit"),
    columns={"name": gettext_lazy("Name"), "weight": gettext_lazy("Weight"), "rank": gettext_lazy("Rank")},
    ranked="rank",
    judged=lambda _seen: list(FRUIT),
    matches=lambda one, q: q in one,
    is_shown=lambda one, _show: FRUIT[one] is not None,
    value=lambda one, column, _now: one if column == "name" else FRUIT[one],
    shows=("weighed", "rotten"),
    always=("weighed",),
    chips_label=gettext_lazy("Which fruit"),
    sources=("broker",),
    empty=(gettext_lazy("No fruit"), gettext_lazy("Come back in June.")),
)
LISTS = [listing for listing, _row in EXPORTS.values()]
SEEN = look(make_snapshot(), NOW)


def shown(**query):
    return LIST.found(SEEN, query).shown


@pytest.mark.parametrize("listing", LISTS, ids=lambda listing: listing.page)
def test_what_an_address_asks_for_and_nobody_knows_is_the_default(listing):
    asked = listing.asked({"q": "  a b ", listing.parameter: "<script>", "o": "-nothing", "x": "1"})
    assert asked.given() == {"q": "a b"}
    assert listing.asked({"o": "-"}).given() == {}


@pytest.mark.parametrize("listing", LISTS, ids=lambda listing: listing.page)
def test_address_of_a_query_asks_for_the_same_again(listing):
    asked = listing.asked({"q": "a:b&c", listing.parameter: next(iter(listing.shows)), "o": f"-{next(iter(listing.columns))}"})
    assert listing.asked(asked.given()) == asked
    assert asked.url().startswith(f"/{listing.page}/?q=a%3Ab%26c&")


@pytest.mark.parametrize("listing", LISTS, ids=lambda listing: listing.page)
def test_every_row_can_be_sorted_by_every_column(listing):
    for row in listing.judged(SEEN):
        for column in set(listing.columns) - {listing.ranked}:
            assert isinstance(listing.value(row, column, NOW), (float, int, str, type(None)))


def test_rows_come_as_the_judge_has_them_unless_a_column_is_chosen():
    assert shown() == shown(o="rank") == ["plum", "fig", "apple", "pear"]
    assert shown(o="-rank") == ["pear", "apple", "fig", "plum"]
    assert shown(o="-name") == ["plum", "pear", "fig", "apple"]


def test_what_is_not_known_comes_last_either_way():
    assert shown(o="weight") == ["apple", "pear", "plum", "fig"]
    assert shown(o="-weight") == ["plum", "pear", "apple", "fig"]


def test_chip_shows_a_part_of_what_the_filter_leaves():
    found = LIST.found(SEEN, {"q": "p", "show": "weighed"})
    assert found.matching == found.shown == ["plum", "apple", "pear"]
    assert shown(show="weighed", q="f") == []


def test_heading_sorts_then_turns_round_then_sorts_no_longer():
    first = {heading["name"]: heading for heading in LIST.headings(LIST.asked({"q": "p"}))}
    assert (first["name"]["url"], first["name"]["sort"]) == ("/queues/?q=p&o=name", "")
    up, down = ({heading["name"]: heading for heading in LIST.headings(LIST.asked({"o": order}))} for order in ("name", "-name"))
    assert (up["name"]["url"], up["name"]["sort"]) == ("/queues/?o=-name", "ascending")
    assert (down["name"]["url"], down["name"]["sort"]) == ("/queues/", "descending")
    assert down["weight"]["sort"] == ""


def test_chip_that_would_show_nothing_is_there_only_if_it_is_chosen_or_looked_for_first():
    chips = [Chip(show="", word="All", count=0), Chip(show="weighed", word="weighed", count=0), Chip(show="rotten", word="rotten", count=0)]
    assert "Rotten" not in LIST.chips(LIST.asked({}), chips).html
    assert "Weighed <b>0</b>" in LIST.chips(LIST.asked({}), chips).html
    assert 'aria-current="true">Rotten <b>0</b>' in LIST.chips(LIST.asked({"show": "rotten"}), chips).html


def test_chips_have_no_number_where_nobody_has_counted():
    assert "<b" not in LIST.chips(LIST.asked({}), [Chip(show="weighed", word="weighed", count=0)], are_counted=False).html


def test_list_says_how_much_of_it_is_not_shown():
    asked = LIST.asked({})
    assert "The first 500 of 12,310" in LIST.state(SEEN, asked, shown=12310, total=12310).html
    assert " hidden" in LIST.state(SEEN, asked, shown=MAX_ROWS, total=MAX_ROWS).html


def test_way_out_of_the_filter_keeps_the_order():
    asked = LIST.asked({"q": "x", "show": "rotten", "o": "name"})
    assert 'href="/queues/?o=name"' in LIST.state(SEEN, asked, shown=0, total=4).html


def test_summary_names_what_cannot_be_read_and_whether_it_is_the_present():
    away = look(make_snapshot(sources=(make_source("broker", ok=False),)), NOW)
    assert "3 known, but broker cannot be read" in LIST.summary(away, {"count": 3}).html
    later = replace(SEEN, now=NOW + timedelta(minutes=1))
    assert "lh-not-current" in LIST.summary(later, {"count": 3, "ready": 0, "unacked": 0}).html
