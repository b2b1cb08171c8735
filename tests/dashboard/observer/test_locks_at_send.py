"""Locks that are taken when a message is sent, and a beat's own: seen by a real observer beside the real libraries and their real workers."""

import subprocess
import sys

import pytest

from dashboard.history.lock_rows import CODES
from dashboard.words import sentences
from tests.system import ROOT, wait_for

WORKER = ("-m", "celery", "-A", "tests.guest.at_send", "worker", "-n", "w@guest", "-c", "1", "-E", "-l", "INFO")
SEND = "import sys; from tests.guest import at_send; print(getattr(at_send, sys.argv[1]).delay(sys.argv[2]).id)"


def send(system, task, name):
    """Send as the guest's own code does: the library takes its lock there and then; the task id."""
    done = subprocess.run([sys.executable, "-c", SEND, task, name], cwd=ROOT, env=system.env, check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.strip()


def start_worker(system):
    process = system.start("w", *WORKER)
    wait_for(lambda: b" ready." in (system.logs / "w.log").read_bytes(), seconds=90, said="the worker's start")
    return process


@pytest.fixture
def lock(locks):
    """The only lock there is, None where there is none."""
    return lambda dialect: next((one for one in locks().values() if one.lock.dialect == dialect), None)


def wait_for_verdict(lock, dialect, verdict):
    return wait_for(lambda: (one := lock(dialect)) and one.verdict == verdict and one)


@pytest.mark.parametrize(
    ("task", "dialect", "verdict", "why"),
    [("guest_singleton", "celery-singleton", "held", "sent_ready"), ("guest_once", "celery-once", "unknown", "sent_nameless")],
)
def test_lock_is_held_or_in_doubt_while_its_message_waits_held_while_it_runs_and_gone_after(system, lock, task, dialect, verdict, why):
    """In doubt where the lock does not say which message it was taken for."""
    system.observer()
    task_id = send(system, task, "a")

    waiting = wait_for_verdict(lock, dialect, verdict)
    assert waiting.evidence[-1].code == why
    assert waiting.holder.task_id in {task_id, None}

    start_worker(system)
    system.taken("a")
    wait_for(lambda: (one := lock(dialect)) and one.verdict == "held" and one.holder.task_name == task and one.evidence[-1].code != "sent_ready")

    system.guest.rpush("a:go", 1)
    wait_for(lambda: lock(dialect) is None)


def test_singleton_that_a_revoked_message_left_behind_is_proved_orphaned(system, lock):
    system.observer()
    worker = start_worker(system)
    assert worker.poll() is None
    send(system, "guest_singleton", "first")
    system.taken("first")  # its only process is busy, so the next one waits in the worker
    task_id = send(system, "guest_singleton", "second")

    revoke = "import sys; from tests.guest.at_send import app; app.control.revoke(sys.argv[1])"
    subprocess.run([sys.executable, "-c", revoke, task_id], cwd=ROOT, env=system.env, check=True, timeout=60)
    wait_for(lambda: f"Tasks flagged as revoked: {task_id}" in system.log("w"), said="its worker knows")
    system.guest.rpush("first:go", 1)

    orphaned = wait_for(lambda: (one := lock("celery-singleton")) and one.verdict == "orphaned" and one)
    assert orphaned.holder.task_id == task_id
    assert [fact.code for fact in orphaned.evidence] == ["sent_with", "run_ended"]


def test_beats_lock_is_held_while_redbeat_puts_its_deadline_off(system, lock):
    system.observer()
    system.start("beat", "-m", "celery", "-A", "tests.guest.at_send", "beat", "-S", "redbeat.RedBeatScheduler", "-l", "INFO", "--pidfile=")

    held = wait_for(lambda: (one := lock("redbeat")) and one.verdict == "held" and one)

    assert [fact.code for fact in held.evidence] == ["holder_beat", "renewed"]


def test_lock_that_another_run_of_its_library_deleted_is_said_to_be_released_by_a_non_owner(system, lock, query):
    """celery-singleton deletes at a run's end without comparing: the lock of the run that came after its own had expired."""
    system.env["GUEST_SINGLETON_EXPIRY"] = "10"
    system.observer()
    worker = list(WORKER)
    worker[worker.index("-c") + 1] = "2"
    system.start("w", *worker)
    wait_for(lambda: b" ready." in (system.logs / "w.log").read_bytes(), seconds=90, said="the worker's start")
    send(system, "guest_singleton", "a")
    system.taken("a")
    key = wait_for(lambda: system.broker.keys("SINGLETONLOCK_*"))[0]
    wait_for(lambda: not system.broker.exists(key), said="expired under its run")
    system.env["GUEST_SINGLETON_EXPIRY"] = "600"
    second = send(system, "guest_singleton", "a")
    wait_for(lambda: system.guest.llen("a:taken") == 2, said="both run")
    wait_for(lambda: (one := lock("celery-singleton")) and one.holder.task_id == second and "run_active_still" in [fact.code for fact in one.evidence])

    system.guest.rpush("a:go", 1)  # who waits longest gets it: the first run

    gone = wait_for(lambda: (one := lock("celery-singleton")) and one.lock.went and one)
    assert (gone.verdict, gone.holder.task_id) == ("overrun", second)
    assert "lock_deleted" in [fact.code for fact in gone.evidence]
    assert "deletes without comparing" in " ".join(sentences(gone.evidence))
    wait_for(lambda: [what for (what,) in query("SELECT what FROM lockhouse_lockevent WHERE task_id = ? ORDER BY id", second)] == [1, CODES["removed"]])
