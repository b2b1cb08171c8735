"""send.js in a real browser: what stands beside the form is the answer to what is written in it, or says that it is not, whatever becomes of the connection."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from playwright.async_api import expect

from config.threads import ThreadKeepingHandler
from tests.browser import chromium_path
from tests.dashboard.acts.pages import logged_in
from tests.dashboard.acts.scene import make_user
from tests.dashboard.acts.sending import SENDER, put
from tests.dashboard.web.live_page import RowsPanel, Site, browser, browser_page
from tests.dashboard.web.test_live_connection import HIDEABLE

__all__ = ["browser", "chromium_path"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio(loop_scope="module")]
CHECK = "**/send/check/"
PROXYS = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
LOST = "connection lost at"
IN_TIME_MS, SETTLED_MS = 500, 50  # after a letter it is asked within the one, and htmx has done its own within the other
WATCH = """
window.told = [], window.shown = [], window.verdicts = [];
addEventListener("DOMContentLoaded", () => {
  new MutationObserver(() => told.push(document.getElementById("lh-said").textContent)).observe(document.getElementById("lh-said"), { childList: true });
  const live = document.getElementById("send-live");
  new MutationObserver(() => shown.push(live.dataset.answer || "")).observe(live, { attributes: true, attributeFilter: ["data-answer"] });
  new MutationObserver(() => verdicts.push(document.getElementById("send-check").textContent)).observe(live, { childList: true, subtree: true });
});
"""


class SendSite(Site):
    """Our own pages."""

    def __init__(self):
        super().__init__(RowsPanel())
        self.url += "send/?task=main_send_email&queue=emails"
        self._http = ThreadKeepingHandler()


@pytest_asyncio.fixture(loop_scope="module")
async def site(watching, settings):
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    site = SendSite()
    await site.start()
    watcher = asyncio.create_task(watch())
    yield site
    watcher.cancel()
    await site.stop()


async def watch():
    """As an observer does: what it says is never old."""
    while True:
        put()
        await asyncio.sleep(1)


@pytest_asyncio.fixture(loop_scope="module")
async def client(db):
    return await sync_to_async(lambda: logged_in(make_user("sonja", SENDER)))()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser, client, site):
    async with browser_page(browser, client, site, before=WATCH) as page:
        await expect(answer(page)).to_contain_text("This will run")
        yield page


def answer(page):
    return page.locator("#send-check")


def state(page):
    return page.locator("#send-state")


async def write(page, queue):
    await page.locator("#send-queue").fill(queue)


async def by_proxy(route):
    await route.fulfill(status=502, content_type="text/html", body=PROXYS)


async def in_maintenance(route):
    await route.fulfill(status=200, content_type="text/html", body=PROXYS)


async def cut(route):
    await route.abort("connectionrefused")


async def hold(route):
    """It is never answered."""


@pytest.mark.parametrize("otherwise", [by_proxy, in_maintenance, cut])
async def test_what_is_no_answer_of_ours_is_not_shown_and_the_next_one_that_is_ours_is(page, otherwise):
    await page.route(CHECK, otherwise)

    await expect(state(page)).to_contain_text(LOST)
    await expect(state(page)).to_contain_text("the answer as of")
    await expect(answer(page)).to_contain_text("This will run")
    await expect(page.get_by_text("As far as is known now")).to_be_hidden()
    await page.unroute(CHECK)
    await expect(state(page)).to_be_empty()
    await expect(page.get_by_text("As far as is known now")).to_be_visible()
    await write(page, "archive")
    await expect(answer(page)).to_contain_text("archive")
    await expect(page.get_by_text("502 Bad Gateway")).to_have_count(0)


async def test_server_that_starts_again_is_told_once_and_the_answer_goes_on(site, page):
    await site.stop()
    await expect(state(page)).to_contain_text(LOST)
    lost = await state(page).text_content()
    await write(page, "archive")
    await page.wait_for_event("requestfailed")
    await page.wait_for_event("requestfailed")
    assert LOST in lost
    assert (await state(page).text_content())[:40] == lost[:40]  # since when, not when it was last tried

    await site.start()

    await expect(answer(page)).to_contain_text("archive")
    await expect(state(page)).to_be_empty()
    told = await page.evaluate("told")
    assert [LOST in words for words in told] == [True, False]


async def test_answer_that_takes_longer_than_the_pace_of_asking_arrives(page):
    async def slowly(route):
        await asyncio.sleep(4)  # as long as a busy server takes
        await route.continue_()

    await page.route(CHECK, slowly)
    await write(page, "archive")

    await expect(state(page)).to_contain_text("asking again")
    await expect(answer(page)).to_contain_text("archive")
    await expect(state(page)).to_be_empty()


async def test_server_that_never_answers_is_given_up_and_asked_again(page):
    await page.route(CHECK, hold)

    await expect(state(page)).to_contain_text(LOST)
    await page.unroute(CHECK)
    await expect(state(page)).to_be_empty()


async def test_answers_that_are_there_in_time_dim_nothing(page):
    await page.clock.install()
    await page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=1))  # a slow machine is no slow answer
    for queue in ("archive", "emails", "archive"):
        await write(page, queue)
        async with page.expect_response(CHECK):
            await page.clock.run_for(IN_TIME_MS)
        await expect(answer(page)).to_contain_text(queue)
        await page.clock.run_for(SETTLED_MS)

    assert await page.evaluate("shown") == []
    await expect(state(page)).to_be_empty()


async def test_what_is_written_again_as_it_was_answered_is_current_again_at_once(page):
    await page.route(CHECK, hold)
    await write(page, "archive")
    await expect(state(page)).to_contain_text("asking again")

    await write(page, "emails")

    assert await state(page).text_content() == ""


async def test_answer_to_what_was_written_before_is_not_shown(page):
    async def meanwhile(route):
        await page.locator("#send-queue").evaluate("field => { field.value = 'emails'; }")  # as a program fills it: without an event
        await page.unroute(CHECK)
        await route.continue_()

    await page.route(CHECK, meanwhile)
    async with page.expect_response(CHECK):
        await write(page, "archive")
    async with page.expect_response(CHECK):
        pass

    assert [words for words in await page.evaluate("verdicts") if "archive" in words] == []
    await expect(answer(page)).to_contain_text("emails")


async def test_refusals_of_ours_are_shown_once_and_the_next_answer_takes_their_place(page):
    await page.locator("#send-args").evaluate("field => { field.value = JSON.stringify(['x'.repeat(2500000)]); }")
    await page.locator("#send-count").fill("2")

    refusal = page.get_by_text("The request is larger than 2 MB")
    await expect(refusal).to_be_visible()
    await refusal.evaluate("element => { element.dataset.same = 'yes'; }")
    async with page.expect_response(CHECK):
        pass
    await expect(refusal).to_have_attribute("data-same", "yes")
    await expect(state(page)).to_be_empty()
    await page.locator("#send-args").fill("[1]")
    await expect(answer(page)).to_contain_text("emails")
    await expect(refusal).to_have_count(0)


async def test_hidden_tab_asks_nothing_and_asks_at_once_when_it_is_shown(site, client, browser):
    async with browser_page(browser, client, site, before=HIDEABLE) as page:
        asked = []
        page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/send/check/") else None)
        await page.clock.install()
        await page.reload()
        await expect(answer(page)).to_contain_text("This will run")
        await page.evaluate("hide(true)")
        await page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=5))  # what is to be done by then is done, and then nothing more that waits for its time
        assert asked == []

        async with page.expect_request(CHECK):
            await page.evaluate("hide(false)")
