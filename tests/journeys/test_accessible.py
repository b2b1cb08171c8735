"""Nothing serious or critical for axe-core on any page of a running system, light and dark; a page that is added to the navigation is looked at by itself."""

from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.conftest import PASSWORD
from tests.system import wait_for

SERIOUS = {"serious", "critical"}
OF_COLOUR = ["color-contrast", "link-in-text-block"]
NO_MORE_THAN_ASKED = {"resultTypes": ["violations"], "reporter": "no-passes"}  # a page's whole list of what is right takes as long again
OF_ONE_THING = {"/locks/": "lock", "/queues/": "queue", "/tasks/": "task", "/runs/": "run", "/results/": "result", "/workers/": "worker", "/acts/": "act"}
OUTSIDE = [
    "/no-such-page/",
    "/runs/0000/",
    "/tasks/0000/",
    "/workers/0000/",
    "/acts/00000000-0000-4000-8000-000000000000/",
    "/locks/0000/",
    "/queues/0000/",
    "/results/0000/",
    "/timeline/",
    "/locks/overlaps/",
    "/admin/",
]  # what is not there, the pages of the past, and the admin's first page
UNTIL_A_RESULT = 90  # seconds; the demo's schedule retrieves one a minute
SCENES = ("Send three runs", "Let a holder die", "Send to nobody", "Outlive a lock")


@pytest.fixture(params=["light", "dark"])
def page(request, demo, logged_in) -> Page:
    opened = logged_in(demo.url, "admin", color_scheme=request.param, reduced_motion="reduce")  # what moves is painted again and again while the page is read
    for scene in SCENES if not shows_rows(opened, "/locks/?verdict=attention") else ():
        opened.goto("/")
        opened.get_by_role("button", name=scene).click()
    wait_for(lambda: shows_rows(opened, "/queues/") and shows_rows(opened, "/locks/"), every=1, said="there is something on the pages")
    return opened


def shows_rows(page: Page, path: str) -> bool:
    page.goto(path)
    return page.locator("#lh-live tbody tr").count() > 0


def navigation(page: Page) -> list[str]:
    page.goto("/")
    return page.locator(".lh-pages a").evaluate_all("links => links.map((link) => link.getAttribute('href'))")


def first_below(page: Page, path: str) -> list[str]:
    """The address of the first thing on that page that has a page below it."""
    page.goto(path)
    links = page.locator("#lockhouse tbody a[href]").evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    return [link for link in links if path != "/" and urlsplit(link).path.startswith(path) and urlsplit(link).path != path and not link.startswith("#")][:1]


def serious(page: Page) -> list[str]:
    """All rules in light; in dark those that a colour can break, for the page is the same."""
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    found = Axe().run(page, options={**NO_MORE_THAN_ASKED, **({"runOnly": OF_COLOUR} if is_dark else {})}).response["violations"]
    return [f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:200]}" for one in found if one["impact"] in SERIOUS for node in one["nodes"][:3]]


def test_axe_finds_nothing_serious_on_any_page(page):
    pages = navigation(page)
    found = {}
    for path in pages:
        page.goto(path)
        page.wait_for_load_state()
        if wrong := serious(page):
            found[path] = wrong

    assert found == {}
    assert len(pages) > 10, pages


def test_axe_finds_nothing_serious_on_the_page_of_one_thing_of_each_kind(page):
    sent = send_two(page)
    expect(page.locator("#trace-summary")).to_contain_text("succeeded", timeout=40_000)
    found = {"trace": serious(page)}
    for path, kind in OF_ONE_THING.items():
        address = wait_for(lambda path=path: first_below(page, path), seconds=UNTIL_A_RESULT, every=1, said=f"a {kind} is listed")[0]
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        found[kind] = serious(page)

    assert {kind: wrong for kind, wrong in found.items() if wrong} == {}
    assert "/trace/" in sent


def send_two(page: Page) -> str:
    """Send a task twice, looking at the form with its answers and at the plan; where its trace is."""
    page.goto("/send/?task=reports_prepare_massive_report&queue=reprots")
    expect(page.locator("#send-check")).to_contain_text("did you mean reports?")
    assert serious(page) == [], "answers that fail"
    page.goto("/send/?task=reports_prepare_massive_report&queue=reports")
    page.locator("#p-data_id").fill("41")
    page.locator("#p-seconds").fill("1")
    page.locator("#send-count").fill("2")
    expect(page.locator("#send-check")).to_contain_text("would take lock_report_41")
    page.locator("details.lh-options summary").click()
    assert serious(page) == [], "answers with a warning"
    page.get_by_role("button", name="Send…").click()
    expect(page.get_by_role("button", name="Send 2")).to_be_visible()
    assert serious(page) == [], "the plan"
    page.get_by_role("button", name="Send 2").click()
    page.wait_for_url("**/trace/**")
    return page.url


def test_axe_finds_nothing_serious_on_a_narrow_screen_nor_in_dialogs(page):
    page.goto("/locks/")
    page.get_by_role("link", name="Release").first.click()
    expect(page.locator("#lh-dialog[open]")).to_be_visible()
    assert serious(page) == []

    page.set_viewport_size({"width": 375, "height": 800})
    wrong = {path: found for path in navigation(page) if (found := page.goto(path) and serious(page))}
    assert wrong == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_at_the_login_nor_outside_the_navigation(demo, chromium, theme):
    context = chromium.new_context(base_url=demo.url, color_scheme=theme)
    page = context.new_page()
    page.goto("/login/")
    assert serious(page) == []
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/")

    for path in OUTSIDE:
        page.goto(path)
        assert serious(page) == [], path
    context.close()
