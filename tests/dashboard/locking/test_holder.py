"""A token names the process that takes the lock, and the run it does it for."""

import os

import pytest

from dashboard.locking.token import read_token
from tests.dashboard.locking.helpers import answer


def claim_of(redis, key):
    return read_token(redis.get(key))


def test_token_names_this_process_and_no_run(redis):
    with redis.lock("lock_report_7", timeout=5):
        claim = claim_of(redis, "lock_report_7")

    assert (claim.kind, claim.pid, claim.parent_pid) == ("lockhouse", os.getpid(), os.getppid())
    assert claim.host == os.uname().nodename
    assert (claim.task_id, claim.task_name, claim.worker) == (None, None, None)


def test_token_tells_processes_and_containers_apart_by_what_the_kernel_says(redis):
    with redis.lock("lock_report_7", timeout=5):
        claim = claim_of(redis, "lock_report_7")

    # the start time is 19 fields after the end of the name; sysconf and /proc/uptime speak of the same clock
    with open("/proc/uptime", encoding="ascii") as uptime:
        seconds_up = float(uptime.read().split()[0])
    assert 0 < int(claim.process_started) / os.sysconf("SC_CLK_TCK") < seconds_up
    boot, namespace = claim.boot_id.split("-")
    assert len(boot) == 8
    assert int(namespace) == os.stat("/proc/self/ns/pid").st_ino


def test_forked_child_writes_its_own_pid(redis, server):
    with redis.lock("lock_parent", timeout=30):
        child = os.fork()
        if child == 0:
            type(redis).from_url(f"{server.connection_url}/1").lock("lock_child", timeout=30).acquire()
            os._exit(0)
        os.waitpid(child, 0)

        assert claim_of(redis, "lock_parent").pid == os.getpid()
        assert claim_of(redis, "lock_child").pid == child
        assert claim_of(redis, "lock_child").parent_pid == os.getpid()


def test_token_names_the_run_that_holds_the_lock(redis, worker):
    task_id = worker.send("locking_hold", "lock_report_7", "told", "barrier")
    pid = answer(redis, "told")

    claim = read_token(redis.get("lock_report_7"))
    redis.rpush("barrier", "go")

    assert (claim.task_id, claim.task_name, claim.retries) == (task_id, "locking_hold", 0)
    assert (claim.worker, claim.pid, claim.host) == ("locks@tests", pid, os.uname().nodename)
    assert claim.parent_pid not in (pid, os.getpid())


def test_token_names_a_run_as_its_events_do_where_it_was_sent_under_another_name(redis, worker):
    worker.app.send_task("locking_hold", args=("lock_report_8", "told", "barrier"), queue="locking", ignore_result=True, shadow="reports_for_bob")
    answer(redis, "told")

    claim = read_token(redis.get("lock_report_8"))
    redis.rpush("barrier", "go")

    assert claim.task_name == "reports_for_bob"


@pytest.mark.parametrize("eagerly", [False, True])
def test_lock_of_a_task_called_from_a_run_belongs_to_that_run(redis, worker, eagerly):
    task_id = worker.send("locking_call_another", "lock_report_7", "told", eagerly)

    claim = read_token(redis.blpop(["told"], timeout=30)[1])

    assert (claim.task_id, claim.task_name, claim.worker) == (task_id, "locking_call_another", "locks@tests")
