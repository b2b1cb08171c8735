"""Refused attempts reach a Celery event receiver, once and with the right facts."""

import socket

import pytest

from tests.dashboard.locking.helpers import REFUSED, WITH_APP, answer


@pytest.mark.parametrize("how", ["with", "acquire"])
def test_refused_run_is_reported_once_with_its_facts(redis, worker, events, held, how):
    task_id = worker.send("locking_be_refused", held, "told", how=how)
    told = answer(redis, "told")

    event = events.next_refused()

    assert event["type"] == "lock-refused"
    assert (event["key"], event["uuid"], event["task"]) == (held, task_id, "locking_be_refused")
    assert (event["retries"], event["dropped"], event["pid"]) == (0, 0, told["pid"])
    assert event["hostname"] == "locks@tests"
    assert 0 < event["waited"] < 10
    assert isinstance(event["timestamp"], float)
    assert no_other_report_before_the_next(redis, worker, events)


def no_other_report_before_the_next(redis, worker, events):
    """Have both worker processes refused once more: what each had left to say came before."""
    redis.set("lock_marker", "another")
    marked = {worker.send("locking_be_refused", "lock_marker", "told", "barrier") for _ in range(2)}
    redis.rpush("barrier", "go", "go")
    return {events.next_refused()["uuid"] for _ in range(2)} == marked


def test_attempt_that_waited_in_vain_tells_how_long(redis, worker, events, held):
    worker.send("locking_be_refused", held, "told", wait=0.4)

    assert 0.25 < events.next_refused()["waited"] < 10


def test_retried_run_is_reported_with_its_retry_number(redis, worker, events, held):
    task_id = worker.send("locking_be_refused", held, "told", retry=True)

    event = events.next_refused()

    assert (event["uuid"], event["retries"]) == (task_id, 1)


def test_lock_that_was_free_is_not_reported(redis, worker, events, held):
    worker.send("locking_be_refused", "lock_free", "told")
    answer(redis, "told")

    assert no_other_report_before_the_next(redis, worker, events)


def test_key_that_is_not_utf8_is_escaped_and_a_long_one_is_cut(redis, programs, broker_url, events):
    redis.set(b"lock_\xff\xfe", "another")
    redis.set("lock_" + "x" * 10_000, "another")
    script = (
        REFUSED
        + WITH_APP
        + r"""
be_refused(b"lock_\xff\xfe")
be_refused(b"lock_" + b"x" * 10_000)
wait_for("leave")
"""
    )

    programs.start("-c", script, broker_url=broker_url)

    assert events.next_refused()["key"] == r"lock_\xff\xfe"
    assert events.next_refused()["key"] == "lock_" + "x" * 507
    redis.rpush("leave", "go")


def test_process_that_is_no_worker_reports_without_a_run(redis, programs, broker_url, events, held):
    program = programs.start("-c", REFUSED + WITH_APP + "be_refused(); wait_for('leave')", broker_url=broker_url)

    event = events.next_refused()
    redis.rpush("leave", "go")

    assert (event["uuid"], event["task"], event["retries"]) == (None, None, None)
    assert (event["pid"], event["hostname"]) == (program.pid, f"gen{program.pid}@{socket.gethostname()}")


def test_thread_without_a_current_app_reports_by_the_only_one(redis, programs, broker_url, events, held):
    script = REFUSED + WITH_APP + "threading.Thread(target=be_refused).start(); wait_for('leave')"

    programs.start("-c", script, broker_url=broker_url)

    assert events.next_refused()["key"] == held
    redis.rpush("leave", "go")


def test_forked_child_reports_by_a_thread_of_its_own(redis, programs, broker_url, events, held):
    script = (
        REFUSED
        + WITH_APP
        + """
be_refused()
wait_for("fork")
child = os.fork()
be_refused()
wait_for("leave")
if child:
    tell([os.getpid(), child])
    os.waitpid(child, 0)
"""
    )

    programs.start("-c", script, broker_url=broker_url)
    pids = [events.next_refused()["pid"]]  # the parent's thread and connection are there when it forks
    redis.rpush("fork", "go")
    pids += [events.next_refused()["pid"] for _ in range(2)]
    redis.rpush("leave", "go", "go")

    parent, child = answer(redis, "told")
    assert pids[0] == parent
    assert sorted(pids[1:]) == sorted([parent, child])


def test_default_app_on_amqp_is_never_dialled(redis, programs, broker_url, events, held):
    redis.set("lock_marker", "another")
    script = (
        REFUSED
        + """
from celery import Celery
dialled = []
sys.addaudithook(lambda name, args: dialled.append(args[1][1]) if name == "socket.connect" else None)
on_amqp = Celery("shop")
be_refused()
on_redis = Celery("shop", broker=os.environ["BROKER_URL"])
be_refused("lock_marker")
wait_for("leave")
tell(sorted(set(dialled)))
"""
    )

    programs.start("-c", script, broker_url=broker_url)
    first = events.next_refused()
    redis.rpush("leave", "go")

    assert first["key"] == "lock_marker"
    assert answer(redis, "told") == [redis.connection_pool.connection_kwargs["port"]]


def test_process_without_celery_starts_no_thread(programs, broker_url, held):
    printed = programs.run(REFUSED + "be_refused(); print(threading.active_count())", broker_url)

    assert printed.strip() == "1"
