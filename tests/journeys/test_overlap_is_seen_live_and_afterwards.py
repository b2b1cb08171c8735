"""The overlap timeline: two runs at once as they happen, a dead holder's lock that is released by hand, and the time that is over, moved by hand."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.test_operator_releases_a_stale_lock import UNTIL_JUDGED_MS, play, release, row

OUTLIVED, DYING = "lock_outlived_21", "lock_report_12"
UNTIL_OVERRUN_MS = 40_000  # its lock lives for 8 s


def lane(page: Page, name: str):
    return page.locator(".lh-lane").filter(has=page.get_by_role("link", name=name, exact=True))


def listed(page: Page, name: str):
    """What is said of the lane to whoever does not see the picture."""
    return lane(page, name).locator(".lh-lane-past > ul")


def test_second_run_beside_one_that_outlived_its_lock_is_overlapping_in_the_open_page(demo, logged_in):
    watching, acting = logged_in(demo.url, "viewer"), logged_in(demo.url, "operator")
    watching.goto("/")
    watching.evaluate("window.neverReloaded = true")
    play(acting, "Outlive a lock")
    expect(lane(watching, OUTLIVED)).to_have_class(re.compile("lh-v-overrun"), timeout=UNTIL_OVERRUN_MS)

    play(acting, "Outlive a lock")

    expect(lane(watching, OUTLIVED)).to_have_class(re.compile("lh-v-overlapping"))
    expect(lane(watching, OUTLIVED).locator(".lh-lane-word")).to_have_text("overlapping")
    hatched = lane(watching, OUTLIVED).locator(".lh-bar-overrun")
    expect(hatched).to_have_count(2)  # alone, and below the bar of the run that has the lock by now
    assert [hatched.nth(n).get_attribute("fill") for n in (0, 1)] == ["url(#lh-hatch)"] * 2
    expect(lane(watching, OUTLIVED).locator(".lh-bar-held")).to_have_count(2)
    expect(listed(watching, OUTLIVED)).to_contain_text("its time was up at")
    expect(watching.locator("#attention-rows")).to_contain_text(OUTLIVED)
    assert watching.evaluate("window.neverReloaded")


def test_release_by_hand_of_a_dead_holders_lock_stays_to_be_seen(demo, logged_in):
    page = logged_in(demo.url, "operator")
    play(page, "Let a holder die")
    page.goto("/locks/")
    expect(row(page, DYING)).to_have_attribute("data-verdict", "orphaned", timeout=UNTIL_JUDGED_MS)
    release(page, row(page, DYING), "its process was killed")

    page.goto("/")
    expect(lane(page, DYING).locator(".lh-hand-name")).to_have_text("operator")
    expect(lane(page, DYING).locator("small")).to_contain_text("released by hand by operator")

    for path in ("/", "/timeline/"):
        page.goto(path)
        expect(lane(page, DYING).locator("use.lh-hand")).to_have_count(1)
        expect(lane(page, DYING).locator(".lh-bar-orphaned")).to_have_count(1)
        expect(listed(page, DYING)).to_contain_text("released by hand by operator")
        expect(listed(page, DYING)).to_contain_text("its holder was dead from")
        expect(page.locator(".lh-legend")).to_contain_text("released by hand, and by whom")


def test_time_that_is_over_stands_still_until_the_slider_moves_it(demo, logged_in):
    page, live = logged_in(demo.url, "viewer"), logged_in(demo.url, "operator")
    page.goto("/timeline/")
    expect(page.locator("#past .lh-lane").first).to_be_visible()
    page.evaluate("window.neverReloaded = true")
    before = page.locator("#past").inner_html()
    play(live, "Send three runs")
    expect(live.locator(".lh-lane-past .lh-mark").first).to_be_attached(timeout=UNTIL_JUDGED_MS)
    assert page.locator("#past").inner_html() == before, "it is paused"

    slider = page.get_by_role("slider", name="Up to when")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator("#past")).to_contain_text("Nothing is known of that time")
    expect(page.locator("#past .lh-blank")).to_have_count(1)
    expect(page).to_have_url(re.compile(rf"until={slider.input_value()}\b"))
    expect(page.get_by_role("link", name="Later")).to_be_visible()

    page.keyboard.press("End")
    expect(page.locator("#past")).to_contain_text("lock_")
    assert page.evaluate("window.neverReloaded")


def test_time_that_is_over_is_moved_by_links_without_a_script(demo, logged_in):
    page = logged_in(demo.url, "viewer", java_script_enabled=False)
    page.goto("/timeline/")
    until = page.locator("#past time").nth(1).get_attribute("datetime")

    page.get_by_role("link", name="Earlier").click()

    assert page.locator("#past time").nth(1).get_attribute("datetime") < until
