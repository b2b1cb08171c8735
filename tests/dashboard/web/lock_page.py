"""One lock's own page in a real browser, with what an observer would see of that lock, for the tests of its head and of the dialogs of its acts."""

import asyncio

import pytest_asyncio
from asgiref.sync import sync_to_async
from playwright.async_api import expect

from config.threads import ThreadKeepingHandler
from dashboard.sources.locks import lock_id
from dashboard.web.hub import hub
from dashboard.web.panels import PANELS
from dashboard.web.sockets import websocket_for
from tests.dashboard.acts.pages import logged_in
from tests.dashboard.acts.scene import ADMINISTRATOR, PREFIX, make_user, orphan_token
from tests.dashboard.web.live_page import RowsPanel, Site

NAME = "lock_report_7"
KEY = PREFIX + NAME.encode()


class LockSite(Site):
    """Our own pages, over one lock that is held or not."""

    def __init__(self, scene):
        super().__init__(RowsPanel())
        self.all_locks = f"{self.url}locks/"
        self.url = f"{self.all_locks}{lock_id('shop', KEY)}/"
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

    def leave(self, *, said=True):
        self.scene.redis.delete(KEY)
        if said:
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


def badge(page):
    return page.locator("#lock-head .lh-badge")


def release_button(page):
    return page.locator("#lock-head").get_by_role("link", name="Release…")


async def release(page):
    """Plan it and confirm it, as one does who saw that its holder is dead; its outcome is shown."""
    await release_button(page).click()
    await page.get_by_label("Reason").fill("its worker died")
    await page.get_by_role("button", name="Release", exact=True).click()
    await expect(page.locator("#lh-act-sentence")).to_contain_text("Released")
