"""Watch a burst move through the flow: thirty messages to a real worker become dots, counts rise, and nothing else on the page is disturbed."""

import json
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tasks_demo.environment import free_ports
from tests.journeys.conftest import PASSWORD
from tests.system import ROOT, running_system, wait_for

MANY = 30
SEND = """
import sys
from tests.guest.app import app
app.conf.task_send_sent_event = True
for _ in range(int(sys.argv[1])):
    app.send_task("guest_import", args=("import-1", 0), queue=sys.argv[2], ignore_result=True)
"""
COUNT_DOTS = """
() => {
  window.dots = 0;
  window.mostDots = 0;
  for (const layer of document.querySelectorAll(".lh-flow-dots")) {
    new MutationObserver((changes) => {
      for (const change of changes) window.dots += change.addedNodes.length;
      window.mostDots = Math.max(window.mostDots, document.querySelectorAll(".lh-dot").length);
    }).observe(layer, { childList: true });
  }
}
"""


@pytest.fixture(scope="module")
def guest(tmp_path_factory):
    """The guest's worker with Lockhouse beside it, which has seen a first message through."""
    with running_system(tmp_path_factory.mktemp("guest")) as system:
        (port,) = free_ports(1)
        assert system.start("migrate", "manage.py", "migrate").wait(60) == 0, system.log("migrate")
        create = ["manage.py", "createsuperuser", "--noinput", "--username", "olga", "--email", "olga@example.com"]
        assert system.start("createsuperuser", *create, DJANGO_SUPERUSER_PASSWORD=PASSWORD).wait(60) == 0
        system.start("up", "manage.py", "up", "--port", str(port))
        system.worker(queues="imports,late")
        wait_for(lambda: f":{port}" in system.log("up"), said="up prints its URL")
        system.lockhouse = f"http://127.0.0.1:{port}"
        yield system


def burst(system, count=MANY, queue="imports"):
    subprocess.run([sys.executable, "-c", SEND, str(count), queue], cwd=ROOT, env=system.env, check=True, timeout=60)


def watch(system, logged_in, **options):
    """The Flow page with a line from the sender to the queue and on to the worker: what comes now is drawn on it."""
    page = logged_in(system.lockhouse, "olga", **options)
    page.goto("/flow/")

    def is_drawn():
        burst(system, 1)
        return page.locator("#flow-sent-lanes .lh-f-flowing").count() and page.locator("#flow-received-lanes .lh-f-flowing").count()

    wait_for(is_drawn, every=0.5, said="the way of a message is drawn")
    return page


def counted(page, queue="imports"):
    """How many the table says that the worker received of the queue."""
    row = page.locator("#flow-table-rows tr").filter(has=page.get_by_text(queue, exact=True)).filter(has=page.get_by_text("w@guest", exact=True))
    return int(re.sub(r"\D", "", row.locator("td.lh-n").text_content()) or 0)


def moved(page):
    """The number of the newest movement."""
    return int(page.locator("#flow-moves").get_attribute("data-number"))


def has_moved(page, before):
    """Whether each message of a burst was sent and received since; the table counts the last minute alone, so an earlier burst may leave it meanwhile."""
    return moved(page) >= before + 2 * MANY and counted(page) >= MANY


def test_thirty_messages_are_dots_on_their_way_and_the_counts_rise(guest, logged_in):
    page = watch(guest, logged_in)
    before = moved(page)
    node = page.locator("#flow-queue-lanes li").filter(has_text="imports").element_handle()
    page.evaluate(COUNT_DOTS)

    def are_drawn():
        burst(guest)  # again, for what is told late is counted and not drawn
        return page.evaluate("window.dots") >= MANY

    wait_for(are_drawn, every=1, said="dots for a burst")
    wait_for(lambda: has_moved(page, before), every=0.2, said="the burst, and its count")
    assert page.evaluate("window.mostDots") <= 60
    wait_for(lambda: page.evaluate("document.querySelectorAll('.lh-dot').length") == 0, said="every dot arrives")
    assert node.evaluate("(node) => node.isConnected"), "the picture was brought up to date in place"


def test_each_movement_is_drawn_once(guest, logged_in):
    page = watch(guest, logged_in)
    wait_for(lambda: page.locator("#flow-moves[data-moves='']").count() == 1, said="nothing moves any more")
    page.evaluate(COUNT_DOTS)
    sent = 0

    def are_drawn():
        nonlocal sent
        burst(guest, 3)  # again, as above
        sent += 3
        return page.evaluate("window.dots") >= 6

    wait_for(are_drawn, every=1, said="three sent, three received")
    wait_for(lambda: page.locator("#flow-moves[data-moves='']").count() == 1, said="the movements are old")
    lines = page.evaluate("document.querySelectorAll('#flow-locked-lanes .lh-flow-line').length")  # the same runs take a lock, or are refused
    assert 6 <= page.evaluate("window.dots") <= 2 * sent * (1 + lines)


def test_who_asks_for_less_motion_gets_counts_and_no_dots(guest, logged_in):
    page = watch(guest, logged_in, reduced_motion="reduce")
    page.evaluate(COUNT_DOTS)
    before = moved(page)

    burst(guest)

    wait_for(lambda: has_moved(page, before), every=0.2, said="the burst, and its count")
    assert page.evaluate("window.dots") == 0
    expect(page.get_by_text("The dots are off: your system asks for less motion.")).to_be_visible()
    expect(page.get_by_role("button", name="Pause the dots")).to_be_hidden()


def test_dots_can_be_paused_and_stay_so(guest, logged_in):
    page = watch(guest, logged_in)
    page.get_by_role("button", name="Pause the dots").click()
    page.reload()
    expect(page.get_by_role("button", name="Pause the dots")).to_have_attribute("aria-pressed", "true")
    page.evaluate(COUNT_DOTS)
    before = moved(page)

    burst(guest)

    wait_for(lambda: has_moved(page, before), every=0.2, said="the burst, and its count")
    assert page.evaluate("window.dots") == 0


def test_node_with_the_focus_lights_its_lines_and_goes_on_being_brought_up_to_date(guest, logged_in):
    page = watch(guest, logged_in)
    node = page.locator("#flow-queue-lanes a").filter(has_text="imports")
    node.focus()
    identity = node.locator("..").get_attribute("data-node")
    before = page.locator("#flow-moves").get_attribute("data-number")

    burst(guest, 3)

    wait_for(lambda: page.locator("#flow-moves").get_attribute("data-number") != before, said="a push")
    lit = page.evaluate("[...document.querySelectorAll('.lh-flow-line[data-lit]')].map((line) => [line.dataset.from, line.dataset.to])")
    assert lit
    assert all(identity in ends for ends in lit)
    assert page.evaluate("document.activeElement.textContent").startswith("imports")
    expect(page.locator(".lh-changed")).to_have_count(0)


def test_picture_and_table_say_the_same(guest, logged_in):
    page = watch(guest, logged_in)

    drawn, told = page.evaluate(
        """() => [[...document.querySelectorAll('.lh-flow-line')].map((line) => line.id.replace('flow-line-', '')).sort(),
                  [...document.querySelectorAll('#flow-table-rows tr')].map((row) => row.id.replace('flow-row-', '')).sort()]"""
    )
    assert drawn == told != []
    expect(page.get_by_role("table", name="The flow as a table")).to_be_attached()
    page.get_by_text("The same as a table").click()
    expect(page.get_by_role("cell", name="w@guest").first).to_be_visible()


def test_phone_scrolls_the_picture_and_not_the_page(guest, logged_in):
    page = watch(guest, logged_in)
    page.set_viewport_size({"width": 375, "height": 800})

    widths = json.loads(page.evaluate("JSON.stringify([document.documentElement.scrollWidth, document.querySelector('.lh-flow').scrollWidth])"))

    assert widths[0] <= 375 < widths[1]
