"""One frozen worker slows nothing: real workers, one of them stopped by SIGSTOP."""

import signal
from datetime import UTC, datetime

from dashboard.conf import policy
from dashboard.judge.runs import judge_runs
from dashboard.judge.workers import judge_workers
from dashboard.observer.asking import ASK_TIMEOUT_S
from tests.system import wait_for


def of(snapshot, name):
    return next((worker for worker in snapshot().workers if worker.name == f"{name}@guest"), None)


def state(snapshot, name):
    known, now = snapshot(), datetime.now(UTC)
    judged = judge_workers(known, judge_runs(known, (), now, policy()), now, policy())
    return next((one.state for one in judged if one.worker.name == f"{name}@guest"), None)


def test_others_answer_at_their_own_pace_while_one_is_frozen(system, snapshot):
    frozen = system.worker("frozen")
    system.worker("well")
    system.observer()
    wait_for(lambda: all(one is not None and one.reserved is not None and one.scheduled is not None for one in (of(snapshot, "frozen"), of(snapshot, "well"))))

    system.signal(frozen, signal.SIGSTOP, group=True)
    wait_for(lambda: of(snapshot, "frozen").answers is False, said="it was asked, and did not answer")

    waits, reading = set(), snapshot().at
    wait_for(lambda: waits.add((of(snapshot, "well").answered_at - of(snapshot, "well").asked_at).total_seconds()) or state(snapshot, "frozen") == "silent")
    wait_for(lambda: waits.add((of(snapshot, "well").answered_at - of(snapshot, "well").asked_at).total_seconds()) or len(waits) >= 6)
    # Those that both were asked, before it was noticed and when everybody is called, end with the other's time.
    assert sorted(waits)[2] < ASK_TIMEOUT_S, "it comes back with its own answer, not at the end of the other's time"
    wait_for(lambda: state(snapshot, "well") == "online")
    assert snapshot().at > reading
    wait_for(lambda: all(source.ok for source in snapshot().sources))

    system.signal(frozen, signal.SIGCONT, group=True)
    wait_for(lambda: of(snapshot, "frozen").answers and state(snapshot, "frozen") == "online")
