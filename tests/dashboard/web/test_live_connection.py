"""live.js in a real browser: the page says how its connection is, and comes back by itself."""

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from playwright.async_api import expect

from dashboard.web import viewers
from tests.browser import chromium_path
from tests.dashboard.web.live_page import browser, browser_page, client, count_in, live, page, rows, site, words

__all__ = ["browser", "chromium_path", "client", "page", "site"]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]  # one loop, as one browser serves them all


async def test_the_page_comes_back_by_itself_after_the_server_restarted(site, page):
    await site.stop()
    await expect(words(page)).to_contain_text("connection lost at")
    await expect(live(page)).to_have_attribute("data-live", "lost")
    await expect(page).to_have_title("? Locks")
    await page.evaluate("document.title = '2 ✕ Locks'")  # as another script would
    await expect(page).to_have_title("? 2 ✕ Locks")
    site.panel.rows = {"row-7": 3}
    await site.start()

    await expect(live(page)).to_have_attribute("data-live", "live")
    await expect(page).to_have_title("2 ✕ Locks")
    assert await rows(page) == ["row-7"]


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(viewers, "RECHECK_S", 0.1)


async def test_who_is_logged_out_is_told_and_led_to_the_login(soon, site, client, page):
    opened = []
    page.on("websocket", lambda socket: opened.append(socket))  # playwright marks the handler, which a method of a list does not let it

    await sync_to_async(client.logout)()

    await expect(words(page)).to_have_text("you are logged out: log in")
    await expect(words(page).get_by_role("link", name="log in")).to_have_attribute("href", site.url)
    await expect(live(page)).to_have_attribute("data-live", "off")
    await page.wait_for_timeout(1500)
    assert opened == []


async def test_who_lost_the_permission_is_told(soon, site, page):
    await sync_to_async(lambda: get_user_model().objects.get(username="vera").user_permissions.clear())()

    await expect(words(page)).to_have_text("you may no longer see this")


async def test_page_beyond_those_that_one_may_have_open_says_so_and_what_helps(monkeypatch, site, client, browser):
    monkeypatch.setattr(viewers, "MAX_VIEWS_PER_USER", 0)
    async with browser_page(browser, client, site) as page:
        await expect(words(page)).to_have_text("not live: too many different pages of yours are open; close some and load this one anew")
        await expect(live(page)).to_have_attribute("data-live", "off")

        monkeypatch.undo()
        await page.reload()
        await expect(live(page)).to_have_attribute("data-live", "live")


async def test_without_websockets_it_polls_and_says_so_until_there_are(site, client, browser):
    site.sockets_work = False
    async with browser_page(browser, client, site) as page:
        await expect(words(page)).to_contain_text("no live connection; read every 5 s")
        await page.check("#row-2 input[type=checkbox]")
        site.panel.rows = {"row-2": 4, "row-1": 5, "row-8": 6}
        await expect(count_in(page, "row-1")).to_have_text("5")

        assert await rows(page) == ["row-2", "row-1", "row-8"]
        await expect(page.locator("#row-2")).to_have_class("lh-changed")
        await expect(live(page)).to_have_attribute("data-live", "off")
        assert site.partials >= 2


HIDEABLE = """
let hidden = false;
Object.defineProperty(document, "hidden", { get: () => hidden });
window.hide = (now) => { hidden = now; document.dispatchEvent(new Event("visibilitychange")); };
"""


async def test_a_hidden_tab_lets_go_of_its_connection_and_comes_back_when_it_is_shown(site, client, browser):
    async with browser_page(browser, client, site, before=HIDEABLE) as page:
        await page.clock.install()
        await page.reload()
        await expect(live(page)).to_have_attribute("data-live", "live")
        await page.evaluate("hide(true)")
        for _ in range(8):  # in steps, for heartbeats come in real time
            await page.clock.fast_forward(8000)
            await page.wait_for_timeout(20)
        await expect(words(page)).to_have_text("paused while hidden")
        site.panel.rows = {"row-8": 1}

        await page.evaluate("hide(false)")

        await expect(live(page)).to_have_attribute("data-live", "live")
        await expect(page.locator("#row-1")).to_have_count(0)
        assert await rows(page) == ["row-8"]


async def test_a_connection_that_falls_silent_is_lost_and_made_again(site, client, browser):
    async with browser_page(browser, client, site) as page:
        await page.clock.install()
        await page.reload()
        await expect(live(page)).to_have_attribute("data-live", "live")
        await page.evaluate("addEventListener('htmx:wsConnecting', () => { document.body.dataset.again = 'yes' })")

        await page.clock.fast_forward(13000)

        await expect(page.locator("body")).to_have_attribute("data-again", "yes")
        await expect(live(page)).to_have_attribute("data-live", "live")
