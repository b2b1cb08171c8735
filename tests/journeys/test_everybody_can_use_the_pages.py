"""Every page of a guest's system by keyboard, without a script, and on a phone; the tab carries the state, and a filter outlives an act."""

import re

import pytest
from playwright.sync_api import Page, expect
from redis import Redis

from tests.journeys.test_guest_is_watched import TOKEN, guest, row

__all__ = ["guest"]

PAGES = ("/", "/locks/", "/queues/", "/tasks/", "/runs/", "/results/", "/schedules/", "/workers/", "/flow/", "/send/", "/acts/")
LISTS = ("/locks/", "/queues/", "/tasks/", "/runs/", "/workers/")
PHONES = (320, 375)
MOST_TABS = 60


@pytest.fixture(scope="module")
def a_run(guest):
    guest.send("guest_import", "phone-1", 0.1)


@pytest.fixture
def lock(guest, a_run):
    """A lock whose holder nobody knows, beside one that the filter hides, and a run."""
    client = Redis.from_url(f"{guest.url}/1")
    client.set("shop:3:lock_kept", TOKEN, px=600_000)
    client.set("shop:3:lock_other", TOKEN, px=600_000)
    yield "lock_kept"
    client.flushdb()


def tab_to(page: Page, what: str) -> None:
    """Press Tab until that element has the focus; a person sees where it is."""
    for _press in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("what => document.activeElement.matches(what)", what):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"{what} has the focus and nobody sees it"
            return
    raise AssertionError(f"{what} is not reached by {MOST_TABS} times Tab")


def test_lock_is_filtered_ticked_explained_and_released_by_keyboard_alone(guest, lock, logged_in):
    page = logged_in(guest.lockhouse, "olga")
    page.goto("/locks/")
    expect(row(page, lock)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type(lock)
    expect(row(page, "lock_other")).to_have_count(0)

    tab_to(page, "[data-tick]")
    page.keyboard.press("Space")
    expect(row(page, lock).get_by_role("checkbox")).to_be_checked()
    tab_to(page, "#locks-rows summary, #locks-rows a[data-dialog]")
    tab_to(page, "#locks-rows summary")
    page.keyboard.press("Enter")
    expect(row(page, lock).locator(".lh-evidence")).to_be_visible()

    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#lh-dialog[open]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#lh-dialog[open]")).to_have_count(0)
    expect(row(page, lock).locator("a[data-dialog]").first).to_be_focused()


def test_filter_is_kept_after_an_act(guest, lock, logged_in):
    page = logged_in(guest.lockhouse, "olga")
    page.goto("/locks/?q=lock_kept")
    row(page, lock).get_by_role("link", name="Release…").click()
    page.get_by_label("Reason").fill("nobody holds it")
    page.locator("#lh-dialog input[name=typed_name]").fill(lock)
    page.locator("#lh-dialog button[type=submit], #lh-dialog form button").first.click()
    expect(page.locator("#lh-dialog")).to_contain_text("Released")
    page.locator("#lh-dialog [data-close]").click()

    expect(page.locator("#lh-q")).to_have_value("lock_kept")
    expect(page.locator("#locks-rows > *")).to_have_count(0)
    assert page.url.endswith("/locks/?q=lock_kept")
    expect(page.locator("#lh-live")).to_contain_text("Nothing matches the filter")


def test_rows_are_walked_and_opened_by_keys(guest, lock, logged_in):
    page = logged_in(guest.lockhouse, "olga")
    for path in LISTS:
        page.goto(path)
        expect(page.locator("#lh-live .lh-row").first).to_be_visible()
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.closest('.lh-row') === document.querySelector('#lh-live .lh-row')"), path
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(rf"{path}[0-9a-f]+/$"))


def test_pages_say_everything_without_a_script(guest, lock, logged_in):
    page = logged_in(guest.lockhouse, "olga", java_script_enabled=False)
    for path in PAGES:
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert re.match(r"(\d+ ✕ |\? )?test-system · ", page.title()), page.title()
        times = page.locator("#lockhouse time").all_text_contents()
        assert [text for text in times if text.strip() and "UTC" not in text] == [], f"{path}: a time without its zone"


@pytest.mark.parametrize("width", PHONES)
def test_no_page_scrolls_sideways_on_a_phone_and_the_navigation_shows_where_one_is(guest, lock, logged_in, width):
    page = logged_in(guest.lockhouse, "olga")
    page.set_viewport_size({"width": width, "height": 700})
    for path in PAGES:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
        here = page.locator(".lh-pages [aria-current]").bounding_box()
        assert here["x"] >= 0, path
        assert here["x"] + here["width"] <= width, path
