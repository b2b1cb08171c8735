"""A Celery system that knows nothing of Lockhouse: its locks, queues, tasks, runs, workers, schedule and cached results, live in the browser."""

import re
import signal

import pytest
from playwright.sync_api import expect
from redis import Redis

from tasks_demo.environment import free_ports
from tests.journeys.conftest import PASSWORD
from tests.system import running_system, wait_for

TOKEN = "5f3c1a2e8d7b11ef9c3a0242ac110002"  # a uuid1, as a plain lock's
PUSHES = 50
UNTIL_EXPIRED_MS = 60_000  # it lives for 25 s
VERDICTS = [
    ("never-expires", {}, "has no timeout"),
    ("expiring", {"px": 55_000}, "expires at"),
    ("unknown", {"px": 600_000}, "no run that we know of was active"),
]
UNTIL_A_RHYTHM_MS = 60_000  # some sends make one


@pytest.fixture(scope="module")
def guest(tmp_path_factory):
    """The guest's worker, and Lockhouse beside it by the two commands of the README."""
    with running_system(tmp_path_factory.mktemp("guest")) as system:
        (port,) = free_ports(1)
        assert system.start("migrate", "manage.py", "migrate").wait(60) == 0, system.log("migrate")
        create = ["manage.py", "createsuperuser", "--noinput", "--username", "olga", "--email", "olga@example.com"]
        assert system.start("createsuperuser", *create, DJANGO_SUPERUSER_PASSWORD=PASSWORD).wait(60) == 0
        system.start("up", "manage.py", "up", "--port", str(port))
        system.worker()
        wait_for(lambda: f":{port}" in system.log("up"), said="up prints its URL")
        system.lockhouse = f"http://127.0.0.1:{port}"
        yield system


@pytest.fixture
def cache(guest):
    client = Redis.from_url(f"{guest.url}/1")
    yield client
    client.flushdb()


def row(page, name: str):
    return page.locator("#locks-rows > *").filter(has=page.get_by_role("link", name=name, exact=True))


def test_plain_lock_under_any_name_is_shown_with_its_likely_holder_and_time_to_live(guest, logged_in):
    page = logged_in(guest.lockhouse, "olga")
    page.goto("/locks/")
    guest.send("guest_import", "import-1", 120, 600)

    lock = row(page, "import-1")
    expect(lock).to_contain_text("likely")
    expect(lock).to_contain_text("guest_import")
    expect(lock).to_contain_text("w@guest")
    expect(lock).to_contain_text("shop:3:import-1")
    expect(lock.locator(".lh-c-ttl")).to_contain_text(re.compile(r"9 m \d+ s"))
    expect(lock.locator(".lh-c-refused")).to_contain_text("–")

    guest.guest.rpush("import-1:go", 1)
    expect(lock).to_have_count(0)


def test_pushes_disturb_nobody_who_works_on_the_page(guest, cache, logged_in):
    for name in ("lock_a", "lock_b", "lock_c"):
        cache.set(f"shop:3:{name}", TOKEN, px=600_000)
    page = logged_in(guest.lockhouse, "olga")
    page.goto("/locks/")
    expect(row(page, "lock_c")).to_be_visible()
    tick = row(page, "lock_b").get_by_role("checkbox")
    tick.check()
    filter_field = page.get_by_role("searchbox").or_(page.locator("#lh-filter input[name=q], input[name=q]")).first
    filter_field.focus()
    typed = ""

    for number in range(PUSHES):
        name = f"lock_push_{number}"
        cache.set(f"shop:3:{name}", TOKEN, px=600_000)
        if number:
            cache.delete(f"shop:3:lock_push_{number - 1}")
        letter = "lock "[number % 5]  # whatever is typed so far, every name matches it
        page.keyboard.type(letter)
        typed += letter
        expect(row(page, name)).to_be_visible()
        assert tick.is_checked(), f"the tick went with push {number}"
        assert filter_field.input_value() == typed, f"text went with push {number}"
        assert filter_field.evaluate("field => field === document.activeElement"), f"focus went with push {number}"


def test_tabbing_through_rows_keeps_its_place_while_rows_come_and_go(guest, cache, logged_in):
    for name in ("lock_a", "lock_b", "lock_c"):
        cache.set(f"shop:3:{name}", TOKEN, px=600_000)
    page = logged_in(guest.lockhouse, "olga")
    page.goto("/locks/")
    expect(row(page, "lock_c")).to_be_visible()
    page.get_by_role("link", name="lock_b", exact=True).focus()

    for number in range(10):
        cache.set(f"shop:3:lock_{'ad'[number % 2]}{number}", TOKEN, px=600_000)
        expect(page.get_by_role("link", name=f"lock_{'ad'[number % 2]}{number}", exact=True)).to_be_visible()
        assert page.evaluate("document.activeElement.textContent.trim()") == "lock_b"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#locks-rows') !== null")


@pytest.mark.parametrize(("verdict", "expires", "why"), VERDICTS)
def test_verdict_that_takes_no_death_says_why_and_is_found_by_its_filter(guest, cache, logged_in, verdict, expires, why):
    page = logged_in(guest.lockhouse, "olga")
    name = f"{verdict}_of_nobody_lock"  # found by looking through all names, so it is as old as its token says: then 55 s are little
    cache.set(f"shop:3:{name}", TOKEN, **expires)
    page.goto(f"/locks/?verdict={verdict}")

    lock = row(page, name)
    expect(lock).to_have_attribute("data-verdict", verdict)
    lock.get_by_text("why").click()
    expect(lock.locator("details")).to_contain_text(why)


def test_hostile_names_are_text(guest, cache, logged_in):
    hostile = "lock_<script>alert(1)</script>\u202egnp"
    cache.set(f"shop:3:{hostile}", TOKEN, px=600_000)
    cache.set(b"shop:3:lock_\xff\xfe", TOKEN, px=600_000)
    page = logged_in(guest.lockhouse, "olga")
    page.goto("/locks/")
    expect(page.locator("#locks-rows")).to_contain_text("<script>alert(1)</script>")
    expect(page.locator("#locks-rows")).to_contain_text("\\u202e")
    expect(page.locator("#locks-rows")).to_contain_text("\\xff")
    page.get_by_role("link", name=re.compile("script")).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("<script>")


def test_cached_result_is_being_retrieved_then_there_then_expired(guest, logged_in):
    page = logged_in(guest.lockhouse, "olga")
    page.goto("/results/")
    result = page.locator("#results-rows > *").filter(has=page.get_by_role("link", name="result_7", exact=True))

    guest.send("guest_fetch", 7, 120, 25)
    expect(result).to_contain_text("being retrieved")
    expect(result).to_contain_text("guest_fetch")

    guest.guest.rpush("fetch-7:go", 1)
    expect(result.locator(".lh-badge")).to_have_text("there")
    expect(result.locator(".lh-r-ttl")).to_contain_text(re.compile(r"\d+ s"))
    value = page.context.new_page()
    value.goto(result.get_by_role("link", name="result_7").get_attribute("href"))
    expect(value.locator("#lockhouse")).to_contain_text("parcel 7")  # a pickle, by django-redis' default: shown, never loaded

    expect(result.locator(".lh-badge")).to_have_text("expired", timeout=UNTIL_EXPIRED_MS)


def test_queue_without_a_reader_is_named_with_what_waits_and_leaves_the_warning_once_it_is_read(guest, logged_in):
    page = logged_in(guest.lockhouse, "olga")
    page.goto("/queues/")
    queue = page.locator("#queues-rows > *").filter(has=page.get_by_role("link", name="nightly", exact=True))

    for number in range(3):
        guest.send("guest_import", f"nightly-{number}", 0.1, queue="nightly")
    expect(queue.locator(".lh-q-ready")).to_have_text("3")
    expect(queue).to_contain_text("nobody reads it")
    expect(queue).to_contain_text("next is guest_import")
    page.get_by_role("link", name=re.compile("No reader")).click()
    expect(queue).to_have_count(1)

    guest.worker("late", queues="nightly")
    expect(queue).to_have_count(0)
    page.goto("/queues/")
    expect(queue.locator(".lh-q-ready")).to_have_text("0")
    expect(queue).to_contain_text("late@guest")


def entry(page, name: str, rows: str):
    return page.locator(f"{rows} .lh-row").filter(has=page.get_by_role("link", name=name, exact=True))


def test_task_says_who_knows_it_and_when_it_last_worked(guest, logged_in):
    page = logged_in(guest.lockhouse, "olga")
    page.goto("/tasks/")
    task = entry(page, "guest_import", "#tasks-rows")
    guest.send("guest_import", "known-1", 0.1)
    expect(task.locator(".lh-t-registered")).to_contain_text(re.compile(r"\d of \d"))
    expect(task.locator(".lh-t-worked")).to_contain_text(re.compile(r"\d+ s ago|\d+ m"))
    expect(task).to_contain_text("celery")

    page.get_by_role("link", name="guest_import", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("guest_import")
    expect(page.locator("#task-workers")).to_contain_text("w@guest")
    expect(page.locator("#task-queues")).to_contain_text("import-{i}")  # the pattern that the settings give its locks
    expect(page.locator("#task-runs")).to_contain_text("succeeded")


def test_run_is_followed_from_its_start_to_its_end(guest, logged_in):
    page = logged_in(guest.lockhouse, "olga")
    guest.send("guest_import_late", "late-1", 120)
    page.goto("/runs/?q=task:guest_import_late")
    run = page.locator("#runs-rows .lh-row").first
    expect(run).to_contain_text("active")
    expect(run).to_contain_text("w@guest")
    expect(run).to_contain_text("late-1")

    run.locator(".lh-l-run a").click()
    expect(page.locator("#run-head")).to_contain_text("active")
    expect(page.locator("#run-life")).to_contain_text("received by w@guest")
    expect(page.locator("#run-facts")).to_contain_text("late-1")
    guest.guest.rpush("late-1:go", 1)
    expect(page.locator("#run-head")).to_contain_text("succeeded")
    expect(page.locator("#run-life")).to_contain_text("ended without an error")


def test_worker_says_what_its_processes_do(guest, logged_in):
    page = logged_in(guest.lockhouse, "olga")
    guest.send("guest_import", "busy-1", 120)
    page.goto("/workers/")
    worker = entry(page, "w@guest", "#workers-rows")
    expect(worker).to_contain_text("online")
    expect(worker.locator(".lh-l-busy")).to_contain_text(re.compile(r"[12] of 2"))

    page.get_by_role("link", name="w@guest", exact=True).click()
    expect(page.locator("#worker-runs")).to_contain_text("guest_import")
    expect(page.locator("#worker-tasks")).to_contain_text("guest_fetch")
    guest.guest.rpush("busy-1:go", 1)


def test_schedule_that_nobody_told_of_is_found_by_its_rhythm_and_links_to_what_it_started(guest, logged_in):
    page = logged_in(guest.lockhouse, "olga")
    arguments = ["-m", "celery", "-A", "tests.guest.beat", "beat", "--schedule", str(guest.logs / "beat-schedule")]
    beat = guest.start("beat", *arguments, GUEST_TELLS_SENDS="1")
    page.goto("/schedules/")
    rhythm = page.locator("#schedules-rows .lh-row").filter(has_text="every 2 s")

    expect(rhythm).to_contain_text("on time", timeout=UNTIL_A_RHYTHM_MS)
    expect(rhythm).to_contain_text("guest_import")
    expect(rhythm).to_contain_text(f"gen{beat.pid}@")
    rhythm.locator(".lh-s-last a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("guest_import")
    guest.signal(beat, signal.SIGKILL)
