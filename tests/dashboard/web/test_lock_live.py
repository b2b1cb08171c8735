"""One lock's page in a real browser: its head follows what is pushed wherever in it the focus is, after an act too."""

import asyncio

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from playwright.async_api import expect

from config.threads import ThreadKeepingHandler
from dashboard.sources.locks import lock_id
from dashboard.web.hub import hub
from dashboard.web.panels import PANELS
from dashboard.web.sockets import websocket_for
from tests.browser import chromium_path
from tests.dashboard.acts.pages import logged_in
from tests.dashboard.acts.scene import ADMINISTRATOR, PREFIX, make_user, orphan_token, scene
from tests.dashboard.web.live_page import RowsPanel, Site, browser, browser_page, live

__all__ = ["browser", "chromium_path", "scene"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio(loop_scope="module")]
NAME = "lock_report_7"
KEY = PREFIX + NAME.encode()


class LockSite(Site):
    """Our own pages, over one lock that is held or not."""

    def __init__(self, scene):
        super().__init__(RowsPanel())
        self.url += f"locks/{lock_id('shop', KEY)}/"
        self.scene = scene
        self._http = ThreadKeepingHandler()
        self._sockets = websocket_for(PANELS)

    def say(self):
        """What an observer sees now."""
        if self.scene.value(KEY) is None:
            self.scene.put([])
        else:
            self.scene.see(KEY)
        hub().refresh()

    def take(self, *, left_behind=False):
        self.scene.take(NAME, token=orphan_token() if left_behind else None)
        self.say()

    def leave(self):
        self.scene.redis.delete(KEY)
        self.say()


@pytest_asyncio.fixture(loop_scope="module")
async def site(scene, settings):
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    site = LockSite(scene)
    site.take(left_behind=True)
    await site.start()
    watcher = asyncio.create_task(watch(site))
    yield site
    watcher.cancel()
    await site.stop()


async def watch(site):
    """As an observer does: what it says is never old."""
    while True:
        site.say()
        await asyncio.sleep(1)


@pytest_asyncio.fixture(loop_scope="module")
async def client(db):
    return await sync_to_async(lambda: logged_in(make_user("anna", ADMINISTRATOR)))()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser, client, site):
    async with browser_page(browser, client, site) as page:
        await expect(live(page)).to_have_attribute("data-live", "live")
        yield page


def badge(page):
    return page.locator("#lock-head .lh-badge")


def release_button(page):
    return page.locator("#lock-head").get_by_role("link", name="Release…")


async def test_head_says_who_holds_it_after_a_release_that_was_done_from_it(site, page):
    await release_button(page).click()
    await page.get_by_label("Reason").fill("its worker died")
    await page.get_by_role("button", name="Release", exact=True).click()
    await expect(page.locator("#lh-act-sentence")).to_contain_text("Released")
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

    site.scene.redis.delete(KEY)
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
