"""A real Chromium, a page that is logged in, and the demo."""

import signal
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tasks_demo.environment import free_ports
from tests.browser import chromium_path
from tests.tasks_demo.test_demo import Demo

PASSWORD = "a-password-for-all-three"
__all__ = ["chromium_path"]
expect.set_options(timeout=20_000)  # ms; a machine that does much beside is slow, not wrong


@pytest.fixture(scope="module")  # not longer: Playwright's event loop runs meanwhile, and Django refuses its database inside one
def chromium(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-background-networking"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Iterator[Demo]:
    """The demo as `make demo` starts it, for the journeys of one file."""
    running = Demo(tmp_path_factory.mktemp("demo"), free_ports(1)[0], LOCKHOUSE_DEMO_PASSWORD=PASSWORD)
    try:
        running.wait_until_it_answers()
        yield running
    finally:
        running.process.send_signal(signal.SIGINT)
        running.process.wait(timeout=90)  # runs of its scenes may go on for a while


@pytest.fixture
def logged_in(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """`logged_in(url, user)`: a new page whose console must stay free of errors (a CSP report is one)."""
    errors: list[str] = []
    contexts = []

    def log_in(url: str, user: str, **options) -> Page:
        context = chromium.new_context(base_url=url, viewport={"width": 1280, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto("/login/")
        page.get_by_label("Username").fill(user)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/")
        return page

    yield log_in
    for context in contexts:
        context.close()
    assert [error for error in errors if not is_of_an_end(error)] == []


def is_of_an_end(error: str) -> bool:
    """A socket that ends with its page or its filter is reported too, by the browser and by htmx, and so is a question that the next letter
    typed or the page's end called off: it says nothing of the page. One that failed is reported as htmx:sendError or htmx:responseError besides.
    So is the answer that a plan has changed since it was seen, which the page shows in words."""
    is_of_a_plan = "status of 409" in error
    return is_of_a_plan or "WebSocket" in error or error == "[object Event]" or error.startswith(("htmx:sendAbort", "htmx:afterRequest"))
