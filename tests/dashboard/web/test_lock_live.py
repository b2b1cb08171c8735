"""One lock's page in a real browser: its head follows what is pushed wherever in it the focus is, after an act too."""

import pytest
from playwright.async_api import expect

from tests.browser import chromium_path
from tests.dashboard.acts.scene import scene
from tests.dashboard.web.live_page import browser, page
from tests.dashboard.web.lock_page import badge, client, release, release_button, site

__all__ = ["browser", "chromium_path", "client", "page", "scene", "site"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio(loop_scope="module")]


async def test_head_says_who_holds_it_after_a_release_that_was_done_from_it(site, page):
    await release(page)
    await expect(badge(page)).to_have_text("not held")
    await page.get_by_role("dialog").get_by_role("button", name="Close").press("Enter")
    await expect(page.locator("#lock-head h1")).to_be_focused()

    site.take()

    await expect(badge(page)).to_have_text("unknown")
    await expect(release_button(page)).to_be_visible()
    await expect(page.locator("#lock-head h1")).to_be_focused()
    await expect(page.locator("#lock-head")).not_to_have_attribute("data-changed", "")


async def test_focus_stays_on_the_button_of_those_words_while_the_head_follows(site, page):
    await release_button(page).focus()
    before = await release_button(page).get_attribute("href")

    site.leave(said=False)
    site.take()

    await expect(badge(page)).to_have_text("unknown")
    await expect(release_button(page)).to_be_focused()
    assert await release_button(page).get_attribute("href") != before


async def test_focus_of_a_button_that_is_no_longer_offered_goes_to_the_heading(site, page):
    await release_button(page).focus()

    site.leave()

    await expect(badge(page)).to_have_text("not held")
    await expect(page.locator("#lock-head h1")).to_be_focused()


async def test_focus_outside_the_head_is_left_alone_and_what_is_selected_in_it_holds_it(site, page):
    history = page.get_by_role("link", name="All that happened to it")
    await history.focus()
    await page.evaluate("getSelection().selectAllChildren(document.querySelector('#lock-head h1'))")

    site.leave()

    await expect(page.locator("#lock-head")).to_have_attribute("data-changed", "")
    await expect(badge(page)).to_have_text("orphaned")
    await expect(history).to_be_focused()
    await page.evaluate("getSelection().removeAllRanges()")
    await expect(badge(page)).to_have_text("not held")
    await expect(history).to_be_focused()
