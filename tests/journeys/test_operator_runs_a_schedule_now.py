"""An operator runs a schedule now, by hand, and watches what becomes of it to its end: who received it, its lock, its cached result."""

import re

from playwright.sync_api import expect

from tests.journeys.conftest import PASSWORD

UNTIL_ENDED_MS = 90_000  # a run waits its turn behind those of the schedule, and a retry waits for its time
CONFLICT = 409
LOCK = r"(holds|held|turned away by) the lock lock_refresh_all"


def run_now(page, schedule: str) -> None:
    """From the Schedules page over the filled Send page and its confirmation to the trace."""
    page.goto("/schedules/")
    row = page.locator("#schedules-rows > *").filter(has_text=schedule)
    row.get_by_role("link", name="Run now…").click()
    expect(page.get_by_text(f"From the schedule {schedule}")).to_be_visible()
    page.get_by_role("button", name="Send…").click()
    confirm(page)
    expect(page.locator("#trace-sentence")).to_contain_text("Sent.")


def confirm(page) -> None:
    """Send what is planned; once more where the plan has changed meanwhile, for the schedule's own runs take and release the lock."""
    send, anyway = page.get_by_role("button", name="Send", exact=True), page.locator("#send-anyway")
    for _ in range(3):
        expect(send).to_be_visible()
        if anyway.count():
            anyway.check()
        with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
            send.click()
        page.wait_for_load_state()
        if answered.value.status != CONFLICT:
            return


def test_schedule_with_a_lock_is_followed_until_its_run_held_it_or_was_turned_away(demo, logged_in):
    page = logged_in(demo.url, "operator")
    page.goto("/schedules/")

    run_now(page, "refresh all reports")

    expect(page.get_by_role("heading", level=1)).to_contain_text("reports_refresh_all → reports")
    steps = page.locator("#trace-rows")
    expect(steps).to_contain_text("sent to reports")
    expect(steps).to_contain_text(re.compile(r"received by \S+"), timeout=UNTIL_ENDED_MS)
    expect(steps).to_contain_text(re.compile(LOCK), timeout=UNTIL_ENDED_MS)
    expect(page.locator("#trace-summary")).to_contain_text(re.compile("1 (succeeded|refused)"), timeout=UNTIL_ENDED_MS)
    expect(steps).to_contain_text(re.compile(r"succeeded after \d|ended after .+, having done nothing"))
    expect(page.locator("#trace-copy [data-copy]")).to_have_attribute(
        "data-copy", re.compile(r"^reports_refresh_all → reports: 1 (succeeded|refused); sent to reports")
    )


def test_schedule_that_caches_a_result_is_followed_until_it_is_there_with_its_time_to_live(demo, logged_in):
    page = logged_in(demo.url, "operator")

    run_now(page, "retrieve server 1")

    steps = page.locator("#trace-rows")
    expect(steps).to_contain_text("result cached as server_1 until", timeout=UNTIL_ENDED_MS)
    expect(page.locator("#trace-summary")).to_contain_text("1 succeeded", timeout=UNTIL_ENDED_MS)
    steps.get_by_role("link", name="the result").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("server_1")


def test_arguments_that_are_too_large_are_refused_by_a_sentence_and_the_page_goes_on(demo, chromium):
    page = chromium.new_page(base_url=demo.url)  # whose console may say that it was refused: the browser itself reports each 413
    page.goto("/login/")
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/")
    page.goto("/send/?task=no_such_task&queue=default")
    page.locator("#send-args").evaluate("field => { field.value = JSON.stringify(['x'.repeat(2500000)]); }")
    page.locator("#send-count").fill("2")  # what is typed is checked at once

    expect(page.locator("#send-check")).to_contain_text("The request is larger than 2 MB, so it was not read and nothing was done.")
    page.locator("#send-args").fill("[1]")
    expect(page.locator("#send-check")).to_contain_text("These will not run")
    expect(page.locator("#send-check")).to_contain_text("no_such_task")
