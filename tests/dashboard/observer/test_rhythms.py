"""A real beat whose schedule Lockhouse cannot read: its rhythm is found from outside, and its silence is said."""

import signal
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.conf import policy
from dashboard.judge import assess, concerns
from dashboard.judge.schedules import judge_schedules
from dashboard.words import sentence
from tests.system import wait_for

SOON = 90


@pytest.fixture
def judged(snapshot):
    """The schedules by their first argument, as a page would show them now."""
    return lambda: {one.schedule.args[2:8]: one for one in judge_schedules(snapshot(), datetime.now(UTC), policy())}


@pytest.fixture
def silent(snapshot):
    """The silent beats of the Overview, in words."""

    def now():
        known, at = snapshot(), datetime.now(UTC)
        found = concerns(known, assess(known, at, policy()), at, policy())
        return [(concern.subject, sentence(concern.evidence[0], at)) for concern in found if concern.kind == "beat-silent"]

    return now


def beat(system, name="beat", **env):
    arguments = ["-m", "celery", "-A", "tests.guest.beat", "beat", "--schedule", str(system.logs / f"{name}-schedule"), "-l", "INFO"]
    return system.start(name, *arguments, **env)


def states(judged):
    return {name: one.state for name, one in judged().items()}


def test_rhythm_is_found_then_late_then_its_beat_is_silent_and_back(system, judged, silent):
    system.worker()
    system.observer()
    process = beat(system, GUEST_TELLS_SENDS="1")

    wait_for(lambda: states(judged) == {"beat-1": "on-time", "beat-2": "on-time"}, seconds=SOON, said="both rhythms are known")
    one, two = (judged()[name].schedule for name in ("beat-1", "beat-2"))
    assert (one.source, one.task, one.args, one.can_be_sent, one.queue) == ("rhythm", "guest_import", '["beat-1", 0]', True, "celery")
    assert (one.interval, two.interval) == (timedelta(seconds=1), timedelta(seconds=2))
    assert one.origin == two.origin
    assert str(one.origin).startswith(f"gen{process.pid}@")
    assert silent() == []

    system.signal(process, signal.SIGSTOP)
    wait_for(lambda: states(judged)["beat-1"] in {"late", "missed"}, seconds=SOON, every=0.02, said="late before it is called silent")
    ((name, says),) = wait_for(silent, seconds=SOON, said="the beat is silent")
    assert name == one.origin
    assert says.startswith("has sent nothing since ")
    assert "overdue" in says

    system.signal(process, signal.SIGCONT)
    wait_for(lambda: set(states(judged).values()) == {"on-time"} and not silent(), seconds=SOON, said="it sends again")


def test_beat_that_starts_again_goes_on_under_its_new_origin_and_a_new_observer_still_knows_it(system, judged, silent):
    system.worker()
    observer = system.observer()
    process = beat(system, GUEST_TELLS_SENDS="1")
    wait_for(lambda: states(judged).get("beat-1") == "on-time", seconds=SOON, said="its rhythm is known")
    before = judged()["beat-1"].schedule

    system.signal(process, signal.SIGKILL)
    system.signal(observer, signal.SIGKILL)
    system.observer("observer-2")
    again = beat(system, "beat-2", GUEST_TELLS_SENDS="1")

    wait_for(lambda: str(judged()["beat-1"].schedule.origin).startswith(f"gen{again.pid}@"), seconds=SOON, said="the new origin")
    after = judged()["beat-1"].schedule
    assert after.id == before.id
    assert after.seen_since == before.seen_since
    wait_for(lambda: set(states(judged).values()) == {"on-time"} and not silent(), seconds=SOON, said="nothing is silent")


def test_where_nobody_tells_what_is_sent_the_rhythm_is_that_of_what_is_received(system, judged, silent):
    system.worker()
    system.observer()
    process = beat(system)

    wait_for(lambda: states(judged) == {"beat-1": "on-time", "beat-2": "on-time"}, seconds=SOON, said="both rhythms are known")
    one = judged()["beat-1"]
    assert (one.schedule.last_is_from, one.schedule.origin) == ("received", None)
    assert "task_send_sent_event" in sentence(one.why)

    system.signal(process, signal.SIGSTOP)
    wait_for(lambda: states(judged)["beat-1"] == "missed", seconds=SOON, said="its queue is read and empty, so nothing was sent")
    wait_for(silent, seconds=SOON, said="a beat whose name is not known is silent")
