"""The dialog of an act in a real browser, as one hears it: its name, what came of the act, and the field that was wrong."""

import re

import pytest
from playwright.async_api import expect

from tests.browser import chromium_path
from tests.dashboard.acts.scene import scene
from tests.dashboard.web.live_page import browser, page
from tests.dashboard.web.lock_page import client, release, release_button, site

__all__ = ["browser", "chromium_path", "client", "page", "scene", "site"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio(loop_scope="module")]


def dialog(page):
    return page.get_by_role("dialog")


async def ask_instead(page, other):
    """The plan is asked for under another address: the link itself is drawn anew with each push."""
    await page.route("**/release/**", lambda route: route.continue_(url=other(route.request.url)))


async def test_dialog_has_the_name_of_what_is_in_it(page):
    await release_button(page).click()
    await expect(dialog(page)).to_have_accessible_name("Release lock_report_7?")
    await page.keyboard.press("Escape")

    await release(page)

    await expect(dialog(page)).to_have_accessible_name("lock_report_7: done")


async def test_outcome_is_read_with_the_heading_that_gets_the_focus_and_nothing_else_of_the_dialog_is_read_by_itself(page):
    await release(page)

    heading = dialog(page).get_by_role("heading", level=2)
    await expect(heading).to_be_focused()
    await expect(heading).to_have_accessible_description(await page.locator("#lh-act-sentence").text_content())
    await expect(page.locator("#lh-dialog[aria-live], #lh-dialog:has([aria-live])")).to_have_count(0)  # what counts down would be read each second


async def test_why_there_is_no_plan_is_read_as_the_dialog_opens(site, page):
    await ask_instead(page, lambda url: re.sub(r"digest=\w*", "digest=another", url))
    await release_button(page).click()

    await expect(dialog(page)).to_have_accessible_description(await page.locator("#lh-obstacle").text_content())


async def test_failure_in_the_dialog_gives_it_a_name(site, page):
    await ask_instead(page, lambda url: re.sub(r"/locks/\w+/", "/locks/0000/", url))
    await release_button(page).click()

    await expect(dialog(page).get_by_role("alert")).to_contain_text("No lock with this id is known")
    await expect(dialog(page)).to_have_accessible_name(await dialog(page).get_by_role("heading", level=2).text_content())


async def test_name_that_was_typed_wrongly_has_the_focus_and_says_what_is_wrong(site, page):
    site.leave(said=False)
    site.take()
    await expect(page.locator("#lock-head .lh-badge")).to_have_text("unknown")
    await release_button(page).click()
    await page.get_by_label("Reason").fill("nobody holds it")
    typed = page.get_by_label("Not proved stale")
    await typed.fill("lock_report_8")

    await dialog(page).get_by_role("button", name="Release by force").click()

    await expect(dialog(page).get_by_role("alert")).to_contain_text("What you typed is not")
    await expect(typed).to_be_focused()
    await expect(typed).to_have_attribute("aria-invalid", "true")
    await expect(typed).to_have_accessible_description(await dialog(page).get_by_role("alert").text_content())
    await expect(page.get_by_label("Reason")).to_have_value("nobody holds it")
