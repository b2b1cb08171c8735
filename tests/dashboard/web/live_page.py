"""A tiny site with one live page in a real browser, for the tests of live.js: its rows, its server that can be stopped, and what the page shows."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest_asyncio
import uvicorn
from asgiref.sync import sync_to_async
from channels.routing import ProtocolTypeRouter
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.staticfiles import finders
from django.test import Client
from playwright.async_api import async_playwright, expect

from dashboard.web.hub import hub
from dashboard.web.panel import Piece
from dashboard.web.sockets import websocket_for

expect.set_options(timeout=20_000)  # ms; a machine that does much beside is slow, not wrong
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Locks</title>
<meta name="htmx-config" content='{"allowEval":false,"allowScriptTags":false,"selfRequestsOnly":true,"includeIndicatorStyles":false}'>
<script src="/static/django_htmx/htmx-2.js" defer></script><script src="/static/django_htmx/ext/hx-ws-2.js" defer></script>
<script src="/static/lockhouse/live.js" defer></script></head><body>
<p data-live-text></p><input id="filter" aria-label="Filter"><button id="before">before</button>
%s</body></html>"""
LIVE = """<div id="lh-live" hx-ext="ws" ws-connect="/ws/locks/">%s<table><tbody id="locks-rows">%s</tbody></table></div>"""
ROW = """<tr id="{id}"><td><input type="checkbox" aria-label="{id}"></td><td class="count">{count}</td><td><input class="note" aria-label="note"></td>
<td><a href="#x">act</a></td><td><details><summary>why</summary>{count}</details></td></tr>"""


class RowsPanel:
    """A region that says how often was pushed, and rows."""

    permission = "lockhouse.view_locks"

    def __init__(self):
        self.said = "start"
        self.rows = {f"row-{number}": 0 for number in range(1, 6)}

    def query(self, given):
        return dict(given)

    def pieces(self, snapshot, query, may, now):
        region = Piece(id="said", html=f'<p id="said">{self.said}</p>')
        return [region, *(Piece(id=name, html=ROW.format(id=name, count=count), within="locks-rows") for name, count in self.rows.items())]

    def html(self):
        region, *rows = self.pieces(None, {}, frozenset(), None)
        return LIVE % (region.html, "".join(row.html for row in rows))


class Site:
    """A tiny site with one live page, which can be stopped and started again on its port."""

    def __init__(self, panel):
        self.panel = panel
        self.sockets_work = True
        self.partials = 0
        self.errors = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._sockets = websocket_for({"locks": panel})
        self._serving = None

    async def start(self):
        application = ProtocolTypeRouter({"http": self._http, "websocket": self._websocket})
        # As `manage.py up` serves it.
        config = uvicorn.Config(application, port=self.port, lifespan="off", ws="websockets", ws_per_message_deflate=False, log_level="error")
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve())
        while not self._server.started:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def stop(self):
        self._server.should_exit = True
        await self._serving

    async def _websocket(self, scope, receive, send):
        if not self.sockets_work:
            return await send({"type": "websocket.close"})
        return await self._sockets(scope, receive, send)

    async def _http(self, scope, receive, send):
        headers = [(b"content-security-policy", b"default-src 'self'"), (b"cache-control", b"no-store")]
        if scope["path"].startswith("/static/"):
            with open(finders.find(scope["path"].removeprefix("/static/")), "rb") as file:  # noqa: ASYNC230
                body, kind = file.read(), b"text/javascript"
        else:
            is_partial = (b"hx-request", b"true") in scope["headers"]
            self.partials += is_partial
            body, kind = (self.panel.html() if is_partial else PAGE % self.panel.html()).encode(), b"text/html"
        await send({"type": "http.response.start", "status": 200, "headers": [*headers, (b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})

    async def push(self, said, page=None):
        """Push this, and wait until it is shown."""
        self.panel.said = said
        hub().refresh()
        if page:
            await expect(page.locator("#said")).to_have_text(said)


def log_in():
    user, _ = get_user_model().objects.get_or_create(username="vera")
    user.user_permissions.add(Permission.objects.get(codename="view_locks", content_type__app_label="lockhouse"))
    client = Client()
    client.force_login(user)
    return client


@pytest_asyncio.fixture(loop_scope="module")
async def site(watching, settings):
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    site = Site(RowsPanel())
    await site.start()
    yield site
    await site.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def client(db):
    return await sync_to_async(log_in)()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium_path):
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-background-networking"])
        yield browser
        await browser.close()


@asynccontextmanager
async def browser_page(browser, client, site, before=""):
    context = await browser.new_context()
    name = django_settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": client.cookies[name].value, "domain": "127.0.0.1", "path": "/"}  # by an address it would be of pages below it alone
    await context.add_cookies([cookie])
    page = await context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if "Content Security Policy" in message.text else None)
    if before:
        await page.add_init_script(before)
    await page.goto(site.url)
    try:
        yield page
    finally:
        await context.close()
    assert errors == []


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser, client, site):
    async with browser_page(browser, client, site) as page:
        await expect(live(page)).to_have_attribute("data-live", "live")
        yield page


def live(page):
    return page.locator("#lh-live")


def words(page):
    return page.locator("[data-live-text]")


async def rows(page):
    return await page.eval_on_selector_all("#locks-rows > tr", "rows => rows.map(row => row.id)")


def count_in(page, row):
    return page.locator(f"#{row} .count")
