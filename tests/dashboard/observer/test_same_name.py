"""A worker that comes back under the name of one that was killed, with another pid or, as in a container, with the same one."""

import signal
import subprocess
import sys

import pytest

from dashboard.words import sentences
from tests.system import ROOT, wait_for

HOLDER = {"GUEST_REDIS_CLIENT_CLASS": "dashboard.locking.HolderRedis"}
WORKER = ("-m", "celery", "-A", "tests.guest.app", "worker", "-n", "w@guest", "-c", "1", "-E", "-l", "INFO")
OWN_PIDS = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")  # its first process is pid 1, as in a container
RUN_S = 300


def codes(judged):
    return [fact.code for fact in judged.evidence]


def told(judged):
    return " ".join(sentences(judged.evidence))


def held_by(system, locks, snapshot):
    system.observer()
    system.watched()
    system.send("guest_import", "import-1", RUN_S)
    system.taken("import-1")
    wait_for(
        lambda: (workers := snapshot().workers) and all(worker.connection_known for worker in workers), said="its connection, which is what proves it dead"
    )
    return wait_for(lambda: (one := locks().get("import-1")) and "run_active" in codes(one) and one)


def test_process_that_came_back_under_the_name_with_another_pid_does_not_have_the_lock_of_the_one_before(system, locks, snapshot):
    first = system.worker("w", concurrency=1, **HOLDER)
    held = held_by(system, locks, snapshot)

    system.signal(first, signal.SIGKILL, group=True)
    second = system.start("w-again", *WORKER, **HOLDER)

    judged = wait_for(lambda: (one := locks()["import-1"]).verdict == "orphaned" and "worker_replaced" in codes(one) and one)
    assert judged.holder.pid == held.holder.pid
    assert "w@guest came back at" in told(judged)
    assert f"as pid {second.pid}; pid {first.pid} was the process before" in told(judged)


def may_have_own_pids():
    return subprocess.run([*OWN_PIDS, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not may_have_own_pids(), reason="this system gives nobody process ids of their own")
def test_process_that_came_back_under_the_name_with_the_same_pid_is_another_one(system, locks, snapshot):
    first = start_with_own_pids(system, "w")
    held = held_by(system, locks, snapshot)
    assert held.lock.claim.parent_pid == 1

    system.signal(first, signal.SIGKILL, group=True)
    wait_for(lambda: first.poll() is not None)
    start_with_own_pids(system, "w-again")

    judged = wait_for(lambda: (one := locks()["import-1"]) and "process_later" in codes(one) and one)
    assert [(worker.name, worker.pid) for worker in snapshot().workers] == [("w@guest", 1)]
    assert (judged.verdict, judged.holder.pid) == ("unknown", held.holder.pid)
    assert "the lock belongs to a process before it" in told(judged)


def start_with_own_pids(system, log):
    env = {**system.env, **HOLDER}
    with (system.logs / f"{log}.log").open("ab") as file:
        process = subprocess.Popen([*OWN_PIDS, sys.executable, *WORKER], cwd=ROOT, env=env, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    system.processes.append(process)
    wait_for(lambda: b" ready." in (system.logs / f"{log}.log").read_bytes(), said="the worker")
    return process
