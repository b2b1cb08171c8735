"""The main job: see who holds a lock, let a holder die, release what it left, take it back, see it taken anew."""

import re

from playwright.sync_api import expect

from tests.system import wait_for

UNTIL_JUDGED_MS = 40_000  # a lost process is reported after some seconds, on a busy machine later


def row(page, name: str):
    return page.locator("#locks-rows > *").filter(has=page.get_by_role("link", name=name, exact=True))


def play(page, scene: str) -> None:
    page.goto("/")
    page.get_by_role("button", name=scene).click()


def test_three_runs_for_one_report_are_one_lock_one_exact_holder_and_two_refused(demo, logged_in):
    page = logged_in(demo.url, "operator")
    play(page, "Send three runs")
    page.goto("/locks/")

    lock = row(page, "lock_report_7")
    expect(lock).to_have_count(1)
    expect(lock).to_contain_text("held")
    expect(lock).to_contain_text("exact")
    expect(lock).to_contain_text("reports_prepare_massive_report")
    expect(lock.locator("[data-label*='Refused']")).to_have_text(re.compile(r"^\s*2\s*$"))


def test_dead_holders_lock_is_released_taken_back_released_again_and_taken_anew(demo, logged_in):
    page = logged_in(demo.url, "operator")
    play(page, "Let a holder die")
    page.goto("/locks/")
    lock = row(page, "lock_report_12")
    expect(lock).to_have_attribute("data-verdict", "orphaned", timeout=UNTIL_JUDGED_MS)
    expect(lock).to_contain_text(re.compile("died in the middle of the run|no longer"))

    release(page, lock, "its process was killed")
    expect(page.locator("#lh-act-title")).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(re.compile("put back|taken back|holds .* again", re.IGNORECASE)).first).to_be_visible()
    page.goto("/locks/")
    expect(lock).to_have_attribute("data-verdict", "orphaned", timeout=UNTIL_JUDGED_MS)

    release(page, lock, "its process was killed")
    page.goto("/locks/")
    expect(lock).to_have_count(0)

    play(page, "Let a holder die")
    page.goto("/locks/")
    expect(lock).to_contain_text("exact")
    page.goto("/acts/")
    expect(page.get_by_text("its process was killed").first).to_be_visible()


def release(page, lock, reason: str) -> None:
    lock.get_by_role("link", name=re.compile("Release")).or_(lock.get_by_role("button", name=re.compile("Release"))).click()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Release", exact=True).click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()


def test_change_arrives_in_an_open_page_without_a_reload(demo, logged_in):
    watching, acting = logged_in(demo.url, "viewer"), logged_in(demo.url, "operator")
    watching.goto("/locks/")
    watching.evaluate("window.neverReloaded = true")

    play(acting, "Outlive a lock")

    expect(watching.get_by_role("link", name=re.compile("lock_outlived")).first).to_be_visible()
    expect(watching.locator("#locks-rows")).to_contain_text("overrun", timeout=UNTIL_JUDGED_MS)
    assert watching.evaluate("window.neverReloaded")


def test_queue_that_nobody_reads_needs_attention(demo, logged_in):
    page = logged_in(demo.url, "operator")
    play(page, "Send to nobody")
    page.goto("/")
    expect(page.get_by_text("no reader").first).to_be_visible()


def test_viewer_sees_everything_and_may_release_nothing(demo, logged_in):
    page = logged_in(demo.url, "viewer")
    play_buttons = page.get_by_role("button", name="Send three runs")
    expect(play_buttons).to_be_disabled()
    page.goto("/locks/")
    expect(page.locator("#locks-rows")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("Release"))).to_have_count(0)


def test_pages_are_whole_without_javascript(demo, logged_in):
    page = logged_in(demo.url, "operator", java_script_enabled=False)
    for path in ("/", "/locks/"):
        wait_for(lambda path=path: shows_a_lock(page, path), every=0.5, said="one of the schedule's locks is held")
        expect(page.get_by_role("heading", level=1)).to_be_visible()


def shows_a_lock(page, path: str) -> bool:
    """Load the page anew, as one does without a script."""
    page.goto(path)
    return page.get_by_text("lock_refresh_all").or_(page.get_by_text("cart-import")).count() > 0
