"""An operator misspells a queue, is told before anything is sent, takes the one that was meant, and watches the runs to their end."""

from playwright.sync_api import expect


def test_misspelt_queue_is_told_and_three_runs_are_followed_to_their_end(demo, logged_in):
    page = logged_in(demo.url, "operator")
    page.goto("/workers/")  # what is answered below is answered by what is known of them
    expect(page.locator("#workers-rows").get_by_text("online", exact=True)).to_have_count(2)
    page.goto("/send/")
    page.locator("#send-task").fill("reports_prepare_massive_report")
    page.locator("#p-data_id").fill("33")
    page.locator("#p-seconds").fill("12")
    page.locator("#send-queue").fill("reprots")

    expect(page.locator("#send-check")).to_contain_text("did you mean reports?")
    page.get_by_role("button", name="Take reports").click()
    page.locator("#send-count").fill("3")
    page.get_by_role("button", name="Send…").click()
    expect(page.locator("#send-check")).to_contain_text("all 3 runs would take lock_report_33")
    expect(page.locator("#send-check")).to_contain_text("One of these will run; the others are refused while it holds the lock")
    page.get_by_role("button", name="Send 3").click()

    expect(page.locator("#trace-sentence")).to_contain_text("Sent: all 3.")
    expect(page.locator("#trace-summary")).to_contain_text("1 succeeded", timeout=80_000)
    expect(page.locator("#trace-summary")).to_contain_text("2 refused")
    expect(page.locator("#trace-rows")).to_contain_text("turned away by the lock lock_report_33")


def test_answer_follows_what_becomes_known_while_nobody_types(demo, logged_in):
    page = logged_in(demo.url, "operator")
    page.goto("/send/")
    page.locator("#send-task").fill("reports_prepare_massive_report")
    page.locator("#p-data_id").fill("7")
    page.locator("#send-queue").fill("reports")
    expect(page.locator("#send-check")).to_contain_text("lock_report_7 is free")
    expect(page.locator("#send-state")).to_be_empty()  # it is the answer to the fields that came with the task

    other = logged_in(demo.url, "operator")
    other.locator("#scene-overlap").get_by_role("button").click()

    expect(page.locator("#send-check")).to_contain_text("lock_report_7 is held by run")
    expect(page.locator("#p-data_id")).to_have_value("7")
    expect(page.locator("#send-check")).to_contain_text("lock_report_7 is free", timeout=80_000)
