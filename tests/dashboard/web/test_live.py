"""live.js in a real browser: pushes reach the page and take nothing from whoever works on it; the page says how its connection is."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest
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

from dashboard.web import viewers
from dashboard.web.hub import hub
from dashboard.web.panel import Piece
from dashboard.web.sockets import websocket_for
from tests.browser import chromium_path  # noqa: F401  # a fixture

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]  # one loop, as one browser serves them all

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
async def browser(chromium_path):  # noqa: F811
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-background-networking"])
        yield browser
        await browser.close()


@asynccontextmanager
async def browser_page(browser, client, site, before=""):
    context = await browser.new_context()
    cookie = {"name": django_settings.SESSION_COOKIE_NAME, "value": client.cookies[django_settings.SESSION_COOKIE_NAME].value, "url": site.url}
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


FOCUS = """() => {
  const active = document.activeElement;
  return [active.getAttribute("aria-label") || active.textContent, active.value, active.selectionStart];
}"""


async def focus(page):
    """Which element has the focus, its text, and where the caret is."""
    return await page.evaluate(FOCUS)


def count_in(page, row):
    return page.locator(f"#{row} .count")


# What is pushed


async def test_changed_new_gone_and_moved_rows_are_shown(site, page):
    site.panel.rows = {"row-9": 1, "row-5": 0, "row-2": 7, "row-1": 0}
    await site.push("other rows", page)

    assert await rows(page) == ["row-9", "row-5", "row-2", "row-1"]
    await expect(count_in(page, "row-2")).to_have_text("7")
    await expect(words(page)).to_have_text("live")


async def test_a_row_that_did_not_change_stays_the_same_element(site, page):
    await page.evaluate("document.querySelector('#row-3').mine = true")

    site.panel.rows = {"row-5": 0, "row-3": 0, "row-4": 2}
    await site.push("moved", page)

    assert await page.evaluate("document.querySelector('#row-3').mine")


async def test_rows_that_were_gone_before_the_socket_opened_are_taken_away(site, client, browser):
    shown = RowsPanel()
    site.panel.html = shown.html
    site.panel.rows = {}

    async with browser_page(browser, client, site) as page:
        await expect(live(page)).to_have_attribute("data-live", "live")
        assert await rows(page) == []


async def test_other_scripts_are_told_of_each_patch(site, page):
    await page.evaluate("document.addEventListener('lh:patched', event => { document.body.dataset.patched = event.detail.changed.join() })")

    site.panel.rows["row-2"] = 5
    await site.push("changed", page)

    assert await page.get_attribute("body", "data-patched") == "said,row-2"


# Whoever works on the page


HELD = """rows => rows.filter(row => row.contains(document.activeElement) || row.querySelector(":checked") || row.querySelector(".note").value)
  .map(row => row.id)"""


async def test_fifty_pushes_take_no_focus_no_caret_no_tick_and_no_text(site, page):
    typed = "verdict:orphaned task:reports_ x 0123456789"
    await page.click("#filter")
    await page.keyboard.type("__")
    await page.keyboard.press("ArrowLeft")
    ticked = {"row-2", "row-4"}

    for number in range(50):
        if number == 40:  # the rest is done by the Tab key, through ticked and other rows
            assert (await focus(page))[1] == f"_{typed[:40]}_"
            await page.check("#row-2 input[type=checkbox]")
            await page.check("#row-4 input[type=checkbox]")
            await page.fill("#row-5 .note", "because it was stale")
            await page.focus("#before")
        if number < 40:
            await page.keyboard.type(typed[number])
        else:
            await page.keyboard.press("Tab")
        before = await focus(page)
        names = list(site.panel.rows)
        names.insert(0, names.pop(number % len(names)))  # another order each time
        site.panel.rows = dict.fromkeys(names, number + 1) | {f"new-{number}": 1}
        if number > 3:
            site.panel.rows.pop(f"new-{number - 4}", None)
        await site.push(f"push {number}", page)

        assert await focus(page) == before
        if number < 40:
            assert before == ["Filter", f"_{typed[: number + 1]}_", number + 2]
            assert await rows(page) == list(site.panel.rows)
        else:
            assert set(await page.eval_on_selector_all("input:checked", "boxes => boxes.map(box => box.closest('tr').id)")) == ticked
            assert await page.input_value("#row-5 .note") == "because it was stale"
        held = await page.eval_on_selector_all("#locks-rows tr", HELD)
        for name in set(site.panel.rows) - set(held):
            await expect(count_in(page, name)).to_have_text(str(site.panel.rows[name]))

    for row in ("row-2", "row-4", "row-5"):
        await expect(page.locator(f"#{row}")).to_have_class("lh-changed")
    await page.uncheck("#row-2 input[type=checkbox]")
    await page.uncheck("#row-4 input[type=checkbox]")
    await page.fill("#row-5 .note", "")
    await page.focus("#filter")
    for row in site.panel.rows:
        await expect(count_in(page, row)).to_have_text(str(site.panel.rows[row]))
    assert await rows(page) == list(site.panel.rows)
    assert await page.locator(".lh-changed, .lh-gone, [data-changed]").count() == 0


async def test_a_ticked_row_is_marked_and_brought_up_to_date_when_it_is_unticked(site, page):
    await page.check("#row-2 input[type=checkbox]")
    site.panel.rows["row-2"] = 1
    await site.push("first", page)
    site.panel.rows["row-2"] = 2
    await site.push("second", page)

    row = page.locator("#row-2")
    await expect(row).to_have_class("lh-changed")
    await expect(row).to_have_attribute("data-changed", "")
    await expect(count_in(page, "row-2")).to_have_text("0")
    await page.focus("#filter")
    await expect(count_in(page, "row-2")).to_have_text("0")
    await page.uncheck("#row-2 input[type=checkbox]")
    await page.focus("#filter")
    await expect(count_in(page, "row-2")).to_have_text("2")
    await expect(row).not_to_have_attribute("data-changed", "")


async def test_a_change_that_is_taken_back_unmarks_the_row(site, page):
    await page.check("#row-2 input[type=checkbox]")
    site.panel.rows["row-2"] = 1
    await site.push("changed", page)
    site.panel.rows["row-2"] = 0
    await site.push("taken back", page)

    await expect(page.locator("#row-2")).to_have_class("")
    assert await page.is_checked("#row-2 input[type=checkbox]")


async def test_a_gone_row_stays_while_it_is_held_and_then_disappears(site, page):
    await page.focus("#row-2 a")
    del site.panel.rows["row-2"]
    await site.push("gone", page)

    await expect(page.locator("#row-2")).to_have_class("lh-gone")
    assert (await focus(page))[0] == "act"
    await page.focus("#filter")
    await expect(page.locator("#row-2")).to_have_count(0)


async def test_a_gone_row_that_comes_back_is_no_longer_marked(site, page):
    await page.focus("#row-2 a")
    count = site.panel.rows.pop("row-2")
    await site.push("gone", page)
    site.panel.rows["row-2"] = count
    await site.push("back", page)

    await expect(page.locator("#row-2")).to_have_class("")
    await page.focus("#filter")
    await expect(page.locator("#locks-rows tr").last).to_have_id("row-2")


@pytest.mark.parametrize(
    ("hold", "release"),
    [
        ("document.querySelector('#row-3 summary').click()", "document.querySelector('#row-3 summary').click()"),
        ("getSelection().selectAllChildren(document.querySelector('#row-3 .count'))", "getSelection().removeAllRanges()"),
        ("document.querySelector('#row-3 .note').value = 'typed'", "document.querySelector('#row-3 .note').value = ''"),
        (
            "document.querySelector('#row-3').dispatchEvent(new PointerEvent('pointerdown', {bubbles: true}))",
            "document.querySelector('#row-3').dispatchEvent(new PointerEvent('pointerup', {bubbles: true}))",
        ),
    ],
    ids=["opened", "selected", "typed", "pressed"],
)
async def test_what_is_held_in_any_way_is_neither_replaced_nor_moved(site, page, hold, release):
    await page.evaluate("document.querySelector('#row-3').mine = true")
    await page.evaluate(hold)
    site.panel.rows = {"row-3": 9, "row-9": 0, "row-5": 0, "row-1": 0}
    await site.push("changed", page)

    assert await page.evaluate("document.querySelector('#row-3').mine")
    assert set(await rows(page)) == set(site.panel.rows)
    assert [row for row in await rows(page) if row != "row-3"] == ["row-9", "row-5", "row-1"]
    await page.evaluate(release)
    await expect(count_in(page, "row-3")).to_have_text("9")
    assert await rows(page) == ["row-3", "row-9", "row-5", "row-1"]


# How the connection is


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
