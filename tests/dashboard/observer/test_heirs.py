"""Runs that may be handed a lock are among those that the judge is shown, however many others wait."""

import pytest

from dashboard.observer.known_runs import MAX_SHOWN
from dashboard.observer.observations import EventsSeen
from dashboard.sources.event import event_of
from tests.dashboard.observer.observations import RUN, event, read, state
from tests.dashboard.observer.test_unsure_readings import NAME, PID, answer, flags, later, stats, up
from tests.factories import NOW, make_claim, make_lock

ABOUT = {"name": "reports_prepare_massive_report", "hostname": NAME, "pid": PID}
HEIRS = {"its next try": {"uuid": RUN, "retries": 1}, "a subtask": {"uuid": "child", "parent_id": RUN, "root_id": RUN}}


def received(**said):
    return event_of({"type": "task-received", "timestamp": later(-30).timestamp(), **ABOUT, **said})


@pytest.mark.parametrize("heir", HEIRS.values(), ids=HEIRS.keys())
def test_lock_is_not_orphaned_while_one_of_thousands_may_have_been_handed_it(heir):
    """Runs with an ETA wait in their worker: more of them than a snapshot has room for."""
    others = [received(uuid=f"eta-{number}") for number in range(MAX_SHOWN + 100)]
    made = state(*up(later(-60)), event("worker-heartbeat", later(-1)), stats([811, 812], later(-20), call=True), EventsSeen(events=others, at=later(-30)))
    made.apply(event("task-received", later(-0.1), uuid=RUN, **ABOUT))
    made.apply(event("task-started", NOW, uuid=RUN))
    made.apply(read(make_lock(claim=make_claim(attempted_at=NOW, parent_pid=PID), first_seen_at=NOW, seen_at=NOW), at=NOW))
    made.apply(event("task-retried" if "retries" in heir else "task-succeeded", later(2), uuid=RUN))
    made.apply(event("task-received", later(2.1), **ABOUT | heir))
    seen = set()
    for at in (4, 6, 8):
        made.apply(event("worker-heartbeat", later(at)))
        made.apply(answer("active", [], later(at)))
        seen |= set(flags(made, later(at + 0.5)))

    assert "orphaned" not in seen
