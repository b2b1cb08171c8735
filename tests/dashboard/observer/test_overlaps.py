"""Overruns, overlaps and refused attempts, with real workers."""

import json
import subprocess
import sys
from datetime import UTC, datetime

from dashboard.conf import policy
from dashboard.judge import assess
from dashboard.observer.task_entry import FEWEST_FOR_P95
from tests.system import ROOT, wait_for

HOLDER = {"GUEST_REDIS_CLIENT_CLASS": "dashboard.locking.HolderRedis"}


def test_lock_that_expires_under_its_run_is_an_overrun_until_the_run_ends(system, locks, following):
    system.worker(**HOLDER)
    system.observer()
    system.watched()
    following()
    system.send("guest_import", "lock_short", 60, 3)
    system.taken("lock_short")

    wait_for(lambda: (one := locks().get("lock_short")) and one.verdict == "overrun" and {"lapsed", "run_active"} <= {fact.code for fact in one.evidence})

    system.guest.rpush("lock_short:go", 1)
    wait_for(lambda: not locks(), said="gone with the run")


def test_lock_taken_again_while_the_run_before_goes_on_is_overlapping_and_in_the_report(system, snapshot, following):
    system.worker(**HOLDER)
    system.observer()
    system.watched()
    following()
    system.send("guest_import", "lock_short", 60, 3)
    system.taken("lock_short")
    wait_for(lambda: "overrun" in judged_now(snapshot))
    system.send("guest_import", "lock_short", 60, 600)
    wait_for(lambda: judged_now(snapshot) == {"overlapping", "overrun"}, said="both overlap")
    runs = wait_for(lambda: len(started := [run for run in snapshot().runs if run.started_at]) == 2 and started, said="both are told")
    first, second = (run.task_id for run in sorted(runs, key=lambda run: run.started_at))

    for _ in range(2):
        system.guest.rpush("lock_short:go", 1)
    wait_for(lambda: all(run.ended_at for run in snapshot().runs), said="both have ended")

    (row,) = wait_for(lambda: [row for row in reported(system) if row["together_ms"]])
    assert (row["name"], row["why"], row["first_task_id"], row["second_task_id"]) == ("lock_short", "expired", first, second)


def reported(system):
    command = [sys.executable, "manage.py", "overlaps", "--json"]
    return json.loads(subprocess.run(command, cwd=ROOT, env=system.env, check=True, capture_output=True, timeout=60).stdout)["overlaps"]


def test_lock_that_is_likely_to_expire_under_its_run_says_so_before_it_does(system, locks, snapshot):
    system.worker(concurrency=4, **HOLDER)
    system.observer()
    system.watched()
    for number in range(FEWEST_FOR_P95):
        seconds = 9 if number < FEWEST_FOR_P95 / 5 else 0
        system.send("guest_import", f"lock_{number}", seconds)
    wait_for(lambda: any(task.p95_runtime for task in snapshot().tasks if task.name == "guest_import"))

    system.send("guest_import", "lock_short", 60, 8)

    judged = wait_for(lambda: (one := locks().get("lock_short")) and "expires_before_done" in {fact.code for fact in one.evidence} and one)
    assert judged.verdict == "expiring"


def test_lock_without_a_time_to_live_never_expires_and_is_gone_once_its_run_releases_it(system, locks):
    system.worker(**HOLDER)
    system.observer()
    system.watched()
    system.send("guest_import", "lock_ever", 60, None)
    system.taken("lock_ever")

    judged = wait_for(lambda: locks().get("lock_ever"))
    assert (judged.verdict, judged.lock.expires_at) == ("never-expires", None)

    system.guest.rpush("lock_ever:go", 1)
    wait_for(lambda: not locks(), said="released")


def judged_now(snapshot) -> set[str]:
    return {one.verdict for one in assess(snapshot(), datetime.now(UTC), policy())}


def test_refused_attempts_are_counted_by_name(system, locks):
    system.worker(concurrency=3, **HOLDER)
    system.observer()
    system.watched()
    for _ in range(3):
        system.send("guest_import", "import-1", 60, 600)

    wait_for(lambda: (one := locks().get("import-1")) and one.refused_last_hour == 2)


def test_refusals_of_a_plain_lock_are_unknown_not_zero(system, locks):
    system.worker()
    system.observer()
    system.watched()
    system.send("guest_import", "import-1", 60, 600)

    judged = wait_for(lambda: locks().get("import-1"))

    assert judged.refused_last_hour is None
