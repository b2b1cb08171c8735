"""deadlines.js in a real browser: a plan and an undo count down, and say that their time is over when it is."""

import re

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser import chromium_path
from tests.dashboard.acts.scene import scene
from tests.dashboard.web.live_page import browser, page
from tests.dashboard.web.lock_page import client, release, release_button, site

__all__ = ["browser", "chromium_path", "client", "page", "scene", "site"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio(loop_scope="module")]
MS = 1000
PLAN_IS_OVER = "This plan is over"
OVER_NOW = "document.querySelector('[data-ends] time').dateTime = '2026-01-01T00:00:00Z'"  # for a browser whose clock is ahead a fresh plan would be over too


@pytest_asyncio.fixture(loop_scope="module")
async def clocked(page):
    """The lock's page, whose time the test sets forward."""
    await page.clock.install()  # not before the page came: such a clock has no beginning that the page can count from
    return page


def dialog(page):
    return page.get_by_role("dialog")


def act_button(page):
    return dialog(page).get_by_role("button", name="Release", exact=True)


async def test_undo_counts_down_and_its_end_is_said_once(clocked):
    await release(clocked)
    undo = dialog(clocked).get_by_role("button", name="Undo")
    await expect(dialog(clocked)).to_contain_text(re.compile(r"possible for \d\d s more"))
    await undo.focus()

    await clocked.clock.fast_forward(31 * MS)

    over = dialog(clocked).get_by_role("status").filter(has_text="that time is over")
    await expect(over).to_have_text(re.compile(r"^It could be undone until \d\d:\d\d:\d\d"))
    await expect(undo).to_be_disabled()
    await expect(dialog(clocked).get_by_text("possible")).to_be_hidden()
    await expect(dialog(clocked).get_by_role("heading", level=2)).to_be_focused()
    await clocked.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # it is looked at again
    assert (await over.text_content()).count("over") == 1


async def test_plan_counts_down_and_is_not_sent_any_more_when_it_is_over(clocked):
    await release_button(clocked).click()
    await clocked.get_by_label("Reason").fill("its worker died")
    await expect(dialog(clocked)).to_contain_text(re.compile(r"This plan is valid for \d\d s more"))

    await clocked.clock.fast_forward(61 * MS)

    await expect(dialog(clocked).get_by_role("status")).to_contain_text(PLAN_IS_OVER)
    await expect(act_button(clocked)).to_be_disabled()
    await expect(clocked.get_by_label("Reason")).to_be_focused()
    await clocked.keyboard.press("Enter")
    await expect(dialog(clocked).get_by_role("heading", level=2)).to_contain_text("Release lock_report_7?")


async def test_fresh_plan_keeps_the_reason_and_can_be_confirmed(page):
    await release_button(page).click()
    await page.get_by_label("Reason").fill("its worker died")
    await act_button(page).focus()
    await page.evaluate(OVER_NOW)
    fresh = dialog(page).get_by_role("link", name="Make a fresh plan")
    await expect(fresh).to_be_focused()

    await fresh.press("Enter")

    await expect(act_button(page)).to_be_enabled()
    await expect(page.get_by_label("Reason")).to_have_value("its worker died")
    await expect(page.get_by_label("Reason")).to_be_focused()
    await act_button(page).click()
    await expect(page.locator("#lh-act-sentence")).to_contain_text("Released")


async def test_fresh_plan_for_several_locks_keeps_the_reason_too(site, page):
    await page.goto(site.all_locks)
    await page.get_by_role("checkbox", name="lock_report_7").check()
    await page.get_by_role("button", name="Release the ticked…").click()
    await page.get_by_label("Reason").fill("its worker died")
    await page.evaluate(OVER_NOW)

    await dialog(page).get_by_role("button", name="Make a fresh plan").click()

    await expect(dialog(page).get_by_role("button", name="Release 1 lock")).to_be_enabled()
    await expect(page.get_by_label("Reason")).to_have_value("its worker died")
    await dialog(page).get_by_role("button", name="Release 1 lock").click()
    await expect(page.locator("#lh-act-sentence")).to_contain_text("Released: 1 of 1")
