"""A stream of events that repeats itself and comes in another order: what a real worker published, published again."""

from datetime import UTC, datetime

from dashboard.conf import policy
from dashboard.judge import assess
from tests.system import wait_for

HOLDER = {"GUEST_REDIS_CLIENT_CLASS": "dashboard.locking.HolderRedis"}


def read(pubsub):
    """What was published on the channels of tasks and locks."""
    found = []
    while (message := pubsub.get_message(timeout=0.5)) is not None:
        if message["type"] == "pmessage" and message["channel"].rpartition(b"/")[2].startswith((b"task.", b"lock.")):
            found.append((message["channel"], message["data"]))
    return found


def known(snapshot):
    """What an operator reads of it: locks, runs, and what is counted of the task."""
    seen = snapshot()
    judged = {one.lock.name: (one.verdict, one.refused_last_hour, one.lost_last_hour) for one in assess(seen, datetime.now(UTC), policy())}
    runs = {run.task_id: (run.outcome, run.is_refused, run.worker, run.started_at, run.ended_at) for run in seen.runs}
    (task,) = (task for task in seen.tasks if task.name == "guest_import")
    return judged, runs, task.last_hour


def test_events_that_come_again_and_in_another_order_change_nothing(system, locks, snapshot):
    system.worker(concurrency=3, **HOLDER)
    system.observer()
    system.watched()
    published = system.broker.pubsub()
    published.psubscribe("/0.celeryev/*")
    system.send("guest_import", "import-1", 300)
    system.taken("import-1")
    system.send("guest_import", "import-1", 300)
    system.send("guest_import", "lock_done", 0)
    wait_for(lambda: any((task.last_hour.refused, task.last_hour.succeeded) == (1, 1) for task in snapshot().tasks if task.last_hour))
    wait_for(lambda: (one := locks()["import-1"]) and (one.verdict, one.refused_last_hour) == ("held", 1))
    wait_for(lambda: [run.outcome for run in snapshot().runs].count("SUCCESS") == 2, said="the end of the refused one as well")
    judged, runs, hour = known(snapshot)
    told = read(published)
    assert len(told) >= 9

    for channel, data in [*reversed(told), *told, *reversed(told)]:
        system.broker.publish(channel, data)
    system.send("guest_import", "lock_last", 0)
    wait_for(lambda: known(snapshot)[2].succeeded > hour.succeeded)

    after, runs_after, hour_after = known(snapshot)
    assert after == judged == {"import-1": ("held", 1, 0)}
    assert {task_id: run for task_id, run in runs_after.items() if task_id in runs} == runs
    assert len(runs_after) == len(runs) + 1
    assert (hour_after.refused, hour_after.failed, hour_after.succeeded) == (1, 0, 2)
