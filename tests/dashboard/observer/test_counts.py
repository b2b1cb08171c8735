"""What is counted of a real system, over the death of an observer."""

import signal

from tests.system import wait_for

TASKS = 3


def test_totals_rate_and_lateness_of_events_go_on_after_an_observer_died(system, snapshot):
    system.worker()
    first = system.observer()
    system.watched()
    send_some(system)
    wait_for(lambda: succeeded(snapshot()) == TASKS)
    said = wait_for(lambda: (one := snapshot().observer) and one.events_lag is not None and one.events_per_s and one)
    assert said.events_lag.total_seconds() < 10, "the worker's clock is ours"

    system.signal(first, signal.SIGKILL)
    system.observer("second")
    system.watched("second")
    assert succeeded(snapshot()) == TASKS
    send_some(system)
    wait_for(lambda: succeeded(snapshot()) == 2 * TASKS)


def send_some(system) -> None:
    for _ in range(TASKS):
        system.send("guest_import", "lock_quick", 0)


def succeeded(known) -> int:
    """However many queues it is told by: the first messages came before it was known which queue the worker reads."""
    return sum(task.events.get("task-succeeded", 0) for task in known.counts.tasks)
