"""What a lock is called when its holder dies, freezes or leaves: real prefork workers, real signals, early and late acknowledgement."""

import json
import os
import signal
import time
from urllib.parse import urlsplit

import pytest

from tests.dashboard.acts.proxy import Proxy
from tests.system import wait_for

CERTAINTIES = [pytest.param("", "likely", id="plain lock"), pytest.param("dashboard.locking.HolderRedis", "exact", id="holder lock")]
RUN_S = 300


@pytest.fixture
def both_held(system, locks, snapshot, following):
    """A worker that holds one lock with early and one with late acknowledgement, both seen with their living holder."""

    def held(client_class: str, concurrency: int = 2):
        started = hold(system, locks, following, client_class, concurrency)
        wait_for(
            lambda: all(worker.connection_known for worker in snapshot().workers),
            said=lambda: ("its connection, which is what proves it dead", snapshot().workers, snapshot().sources, snapshot().flow.since),
        )
        return started

    return held


def hold(system, locks, following, client_class, concurrency):
    worker = system.worker(concurrency=concurrency, **({"GUEST_REDIS_CLIENT_CLASS": client_class} if client_class else {}))
    system.observer()
    system.watched()
    following()
    system.send("guest_import", "import-1", RUN_S)
    early = system.taken("import-1")
    time.sleep(1.2)  # two plain locks of one moment have no likely holder: that is another test
    system.send("guest_import_late", "late-1", RUN_S)
    late = system.taken("late-1")
    wait_for(lambda: {"import-1", "late-1"} <= locks().keys() and all("run_active" in codes(one) for one in locks().values()), said="both held")
    return worker, early, late


def codes(judged) -> list[str]:
    return [fact.code for fact in judged.evidence]


def told_of(locks) -> dict[str, object]:
    return {name: (one.verdict, one.evidence) for name, one in locks().items()}


def verdicts(locks) -> dict[str, str]:
    return {name: one.verdict for name, one in locks().items()}


@pytest.mark.parametrize(("client_class", "certainty"), CERTAINTIES)
def test_killed_child_leaves_its_locks_orphaned(locks, both_held, client_class, certainty):
    _, early, late = both_held(client_class)

    os.kill(early, signal.SIGKILL)
    os.kill(late, signal.SIGKILL)

    wait_for(lambda: verdicts(locks) == {"import-1": "orphaned", "late-1": "orphaned"}, said=lambda: told_of(locks))
    assert {one.holder.certainty for one in locks().values()} == {certainty}
    assert all({"worker_lost", "process_gone"}.intersection(codes(one)) for one in locks().values())


@pytest.mark.parametrize(("client_class", "certainty"), CERTAINTIES)
def test_killed_worker_leaves_its_locks_orphaned(system, locks, both_held, client_class, certainty):
    worker, _, _ = both_held(client_class)

    system.signal(worker, signal.SIGKILL)

    wait_for(lambda: verdicts(locks) == {"import-1": "orphaned", "late-1": "orphaned"}, said=lambda: told_of(locks))
    found = locks()
    assert {one.holder.certainty for one in found.values()} == {certainty}
    assert {"worker_silent", "worker_no_answer", "connection_gone"} <= set(codes(found["import-1"]))
    assert "run_lost" in codes(found["import-1"])
    assert "message_unacked" in codes(found["late-1"])


def test_killed_worker_whose_task_events_are_off_leaves_its_lock_orphaned(system, locks, snapshot, following):
    """Its heartbeats are enough: that nothing is told of runs on the whole system is no doubt about them."""
    worker = system.worker(events=False, GUEST_REDIS_CLIENT_CLASS="dashboard.locking.HolderRedis")
    system.observer()
    system.watched()
    following()
    system.send("guest_import", "import-1", RUN_S)
    system.taken("import-1")
    wait_for(lambda: (one := locks().get("import-1")) and one.verdict == "held" and "run_active" in codes(one))
    wait_for(lambda: all(one.connection_known for one in snapshot().workers))

    system.signal(worker, signal.SIGKILL)

    wait_for(lambda: verdicts(locks) == {"import-1": "orphaned"}, said=lambda: told_of(locks))


def test_killed_child_whose_task_events_are_off_leaves_its_lock_orphaned(system, locks, snapshot, following):
    """Nothing but the pool of its worker, which is known to be the only one of its name, says that it is gone."""
    system.worker(events=False, GUEST_REDIS_CLIENT_CLASS="dashboard.locking.HolderRedis")
    system.observer()
    system.watched()
    following()
    wait_for(lambda: snapshot().workers and all(worker.alone_since for worker in snapshot().workers), said="the worker is alone")
    system.send("guest_import", "import-1", RUN_S)
    child = system.taken("import-1")
    wait_for(lambda: (one := locks().get("import-1")) and one.verdict == "held" and "run_active" in codes(one))

    os.kill(child, signal.SIGKILL)

    wait_for(lambda: verdicts(locks) == {"import-1": "orphaned"}, said=lambda: told_of(locks))
    assert "process_gone" in codes(locks()["import-1"])


@pytest.mark.parametrize("group", [False, True], ids=["parent", "parent and children"])
def test_frozen_worker_is_never_orphaned(system, locks, both_held, group):
    worker, _, _ = both_held("dashboard.locking.HolderRedis")

    system.signal(worker, signal.SIGSTOP, group=group)

    assert seen_for(16, locks) == {"held", "unknown"}
    wait_for(lambda: all("connection_open" in codes(one) for one in locks().values()))


def test_worker_that_froze_amid_short_runs_is_never_orphaned(system, locks, both_held):
    """It told of them until its last moment, by the connection that stays open."""
    worker, _, _ = both_held("dashboard.locking.HolderRedis", concurrency=3)
    for number in range(200):
        system.send("guest_import", f"quick-{number}", 0)
    system.taken("quick-20")

    system.signal(worker, signal.SIGSTOP, group=True)

    assert seen_for(20, locks) <= {"held", "unknown"}
    wait_for(lambda: all("connection_open" in codes(locks()[name]) for name in ("import-1", "late-1")))


def seen_for(seconds, locks):
    """Every verdict that the two locks have within that time."""
    seen, until = set(), time.monotonic() + seconds
    while time.monotonic() < until:
        seen |= {verdict for name, verdict in verdicts(locks).items() if name in {"import-1", "late-1"}}
        time.sleep(0.1)
    return seen


def test_leaving_worker_is_never_orphaned_while_its_run_goes_on(system, locks, both_held):
    worker, _, _ = both_held("dashboard.locking.HolderRedis")

    system.signal(worker, signal.SIGTERM)

    assert seen_for(25, locks) <= {"held", "unknown"}  # unknown where a look came late
    wait_for(lambda: all(one.verdict == "held" and "worker_leaving" in codes(one) for one in locks().values()))
    system.guest.rpush("import-1:go", 1)
    system.guest.rpush("late-1:go", 1)
    wait_for(lambda: not locks(), said="released at the end of the runs")


@pytest.mark.parametrize(("client_class", "certainty"), CERTAINTIES)
def test_worker_that_lost_its_broker_and_whose_run_goes_on_is_never_orphaned(system, locks, snapshot, following, client_class, certainty):
    """Its proxy went: the broker sees its connection closed, as that of a process that dies, and no answer comes. Its run puts its lock off all the time."""
    broker = urlsplit(system.url)
    proxy = Proxy(broker.hostname or "", broker.port or 0)
    own = {"CELERY_BROKER_URL": f"redis://127.0.0.1:{proxy.port}/0"} | ({"GUEST_REDIS_CLIENT_CLASS": client_class} if client_class else {})
    system.worker(**own)
    system.observer(LOCKHOUSE_LOCKS=json.dumps({"import-{i}": {"owner": "guest_import_renewed"}}))
    system.watched()
    following()
    system.send("guest_import_renewed", "import-1", RUN_S)
    system.taken("import-1")
    wait_for(lambda: (one := locks().get("import-1")) and one.holder.certainty == certainty and "run_active" in codes(one))
    wait_for(lambda: all(one.connection_known for one in snapshot().workers))

    proxy.cut()

    wait_for(lambda: "connection_gone" in codes(locks()["import-1"]), said="the end of its connection")
    assert seen_for(20, locks) <= {"held", "unknown"}
    assert "lock_moved_since" in codes(locks()["import-1"])


def test_lock_of_a_namesake_is_never_orphaned_though_the_other_answers_in_its_place(system, locks, following):
    """Two workers of one name, one of which tells nothing and sends no heartbeats: whose answer is whose cannot be told."""
    system.worker(events=False, GUEST_REDIS_CLIENT_CLASS="dashboard.locking.HolderRedis")
    system.observer()
    system.watched()
    following()
    system.send("guest_import", "import-1", RUN_S)
    system.taken("import-1")
    wait_for(lambda: verdicts(locks) == {"import-1": "held"})

    mute = ["--without-heartbeat", "--without-gossip", "--without-mingle", "-Q", "other", "-c", "1", "-l", "INFO"]
    system.start("namesake", "-m", "celery", "-A", "tests.guest.app", "worker", "-n", "w@guest", *mute)

    seen = set()

    def looked():
        one = locks()["import-1"]
        seen.add(one.verdict)
        return one

    wait_for(lambda: "name_shared" in codes(looked()), seconds=90, said="both answered a call")
    assert "orphaned" not in seen
