"""A worker that tells nothing of its tasks: the pages say so, and an operator has it tell, without a restart."""

import time

import pytest
from playwright.sync_api import expect

from dashboard.records.identity import identity
from tasks_demo.environment import free_ports
from tests.journeys.conftest import PASSWORD
from tests.system import running_system, wait_for


@pytest.fixture
def mute(tmp_path):
    """A worker without -E, and Lockhouse beside it."""
    with running_system(tmp_path) as system:
        (port,) = free_ports(1)
        create = ["manage.py", "createsuperuser", "--noinput", "--username", "olga", "--email", "olga@example.com"]
        assert system.start("createsuperuser", *create, DJANGO_SUPERUSER_PASSWORD=PASSWORD).wait(60) == 0
        system.start("up", "manage.py", "up", "--port", str(port))
        system.worker(events=False)
        wait_for(lambda: f":{port}" in system.log("up"), said="up prints its URL")
        system.lockhouse = f"http://127.0.0.1:{port}"
        yield system


def test_it_is_said_and_switched_on_with_a_reason(mute, logged_in):
    page = logged_in(mute.lockhouse, "olga")
    page.goto(f"/workers/{identity('w@guest')}/")
    button = page.get_by_role("link", name="Switch on…")
    until = time.monotonic() + 60
    while not button.count() and time.monotonic() < until:
        mute.send("guest_import", "import-1", 0)
        page.wait_for_timeout(2000)
    expect(button).to_be_visible()
    expect(page.get_by_text("It tells nothing of its tasks, so its runs are missing")).to_be_visible()

    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("w@guest")
    dialog.get_by_label("Reason").fill("its runs are missing")
    dialog.get_by_role("button", name="Switch on", exact=True).click()
    expect(dialog).to_contain_text("it tells of its tasks from now on")

    mute.send("guest_import", "import-2", 0)
    page.goto("/runs/")
    expect(page.locator("#runs-rows").get_by_role("link", name="guest_import").first).to_be_visible()
    page.goto(f"/workers/{identity('w@guest')}/")
    expect(page.get_by_text("no: start it with -E")).to_have_count(0)
