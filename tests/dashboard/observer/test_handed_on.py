"""Locks that real workers leave to somebody, and tokens that say less than a run: none of them is called orphaned while it is held."""

import time
import uuid

import pytest

from tests.system import wait_for

HOLDER = {"GUEST_REDIS_CLIENT_CLASS": "dashboard.locking.HolderRedis"}
LOOKED_FOR_S = 12  # a death by an answer is called within five seconds
LONG = "import:https://shop.example.com/api/v2/products?since=2026-11-01T00:00:00Z&page=7&tenant=north-west-1&kind=full&region=emea"


def seen(locks, name):
    """Every verdict that was given within that time, with the evidence of the first of each kind."""
    found, until = {}, time.monotonic() + LOOKED_FOR_S
    while time.monotonic() < until:
        if (one := locks().get(name)) is not None:
            found.setdefault(one.verdict, [fact.code for fact in one.evidence])
        time.sleep(0.2)
    return found


@pytest.mark.parametrize("task_id", [LONG, uuid.UUID(int=7)], ids=["too long for a token", "no text"])
def test_run_whose_id_does_not_fit_its_token_is_held_while_its_worker_names_it(system, locks, task_id):
    system.worker(**HOLDER)
    system.observer()
    system.watched()
    system.sender.send_task("guest_import", args=("import-1", 300), queue="celery", ignore_result=True, task_id=task_id)
    system.taken("import-1")
    wait_for(lambda: "import-1" in locks(), said="the lock is listed")

    assert "orphaned" not in seen(locks, "import-1")


def test_second_delivery_that_was_turned_away_elsewhere_is_not_the_end_of_the_first(system, locks):
    """As after the visibility timeout: one message, given out to two workers."""
    for name in ("a", "b"):
        system.worker(name, app="tests.guest.handing", queues=name, concurrency=1)
    system.observer()
    system.watched()
    for name in ("a", "b"):
        system.sender.send_task("guest_by_id", args=("import-1", 300), queue=name, ignore_result=True, task_id="11111111-2222-4333-8444-555555555555")
        if name == "a":
            system.taken("import-1")
            wait_for(lambda: (one := locks().get("import-1")) and one.verdict == "held", said="held")
    wait_for(lambda: system.guest.llen("import-1:refused") == 1, said="the second is turned away")

    found = seen(locks, "import-1")

    assert found and "orphaned" not in found, found
    assert locks()["import-1"].holder.worker == "a@guest"


def test_lock_with_its_tasks_id_is_not_orphaned_while_the_next_try_waits(system, locks):
    system.worker("a", app="tests.guest.handing", concurrency=1, **HOLDER)
    system.observer()
    system.watched()
    system.sender.send_task("guest_by_id_again", args=("import-1", 300), queue="celery", ignore_result=True)
    system.taken("import-1")
    wait_for(lambda: "import-1" in locks(), said="the lock is listed")

    found = seen(locks, "import-1")

    assert found and "orphaned" not in found, found


def test_lock_that_a_subtask_has_by_its_token_and_puts_off_is_not_orphaned(system, locks):
    system.worker("a", app="tests.guest.handing", **HOLDER)
    system.observer()
    system.watched()
    system.sender.send_task("guest_first", args=("import-1", 300), queue="celery", ignore_result=True)
    system.taken("import-1")
    wait_for(lambda: system.guest.llen("import-1:put_off") > 1, said="the subtask has it")

    found = seen(locks, "import-1")

    assert found and "orphaned" not in found, found
