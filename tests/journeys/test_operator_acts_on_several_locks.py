"""Releases what was ticked in one go, and protects a run that outlived its lock."""

import re

from playwright.sync_api import expect

from tests.journeys.test_operator_releases_a_stale_lock import UNTIL_JUDGED_MS, play, row


def test_ticked_locks_are_released_each_by_itself_and_taken_back_together(demo, logged_in):
    page = logged_in(demo.url, "operator")
    play(page, "Let a holder die")
    page.goto("/locks/")
    dead, alive = row(page, "lock_report_12"), row(page, "lock_report_7")
    expect(dead).to_have_attribute("data-verdict", "orphaned", timeout=UNTIL_JUDGED_MS)
    play(page, "Send three runs")  # last, for its lock is held for 40 s
    page.goto("/locks/")

    dead.get_by_role("checkbox").check()
    alive.get_by_role("checkbox").check()
    page.get_by_role("button", name="Release the ticked…").click()
    plan = page.get_by_role("dialog")
    expect(plan.locator("#lh-ready")).to_contain_text("lock_report_12")
    expect(plan.locator("#lh-left")).to_contain_text("lock_report_7")
    expect(plan.locator("#lh-left")).to_contain_text("Left alone")

    plan.get_by_label(re.compile("Reason")).fill("its process was killed")
    plan.get_by_role("button", name="Release 1 lock").click()
    expect(plan.locator("#lh-act-sentence")).to_have_text("Released: 1 of 1.")
    expect(plan.locator("#lh-parts")).to_contain_text("lock_report_12")
    expect(plan.locator("#lh-act-title")).to_be_focused()
    expect(dead).to_have_count(0)
    expect(page.locator("[data-tick]:checked")).to_have_count(0)
    expect(page.locator("#lh-bulk")).to_be_hidden()

    plan.get_by_role("button", name="Undo").click()
    expect(plan.locator("#lh-parts")).to_contain_text("Undone by operator")
    plan.get_by_role("button", name="Close").press("Enter")
    expect(page.get_by_role("heading", name="Locks", exact=True)).to_be_focused()
    expect(alive).to_have_count(1)
    page.goto("/locks/")
    expect(dead).to_have_attribute("data-verdict", "orphaned", timeout=UNTIL_JUDGED_MS)


def test_run_that_outlived_its_lock_is_protected_until_somebody_undoes_it(demo, logged_in):
    page = logged_in(demo.url, "operator")
    play(page, "Outlive a lock")
    page.goto("/locks/")
    overrun = page.locator("#locks-rows > [data-verdict='overrun']")
    overrun.first.get_by_role("link", name="Protect…").click(timeout=UNTIL_JUDGED_MS)

    plan = page.get_by_role("dialog")
    expect(plan).to_contain_text("is put back until")
    plan.get_by_label(re.compile("Reason")).fill("it still writes the report")
    plan.get_by_role("button", name="Protect").click()
    expect(plan.locator("#lh-act-sentence")).to_contain_text("Protected")

    plan.get_by_role("button", name="Undo").click()
    expect(plan.locator("#lh-act-sentence")).to_contain_text("Taken away again")
