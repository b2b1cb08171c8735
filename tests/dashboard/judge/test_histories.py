"""Histories that the oracle found to be judged wrongly, made small: each is played again as it was."""

import pytest

from tests.dashboard.judge.oracle.story import Rival, Story
from tests.dashboard.judge.test_oracle import look_through

REPLACED = Story(exact=False, owned=True, rivals=(Rival(at=-0.4, lasts=2.0, same_task=True),), fate="leaves", comes_back="same pid", pushes=False)
AGAIN = Story(
    pool="threads", owned=True, other="namesake", works_before=0.3, waits=5.0, timeout=12.0, fate="leaves", fate_at=3.0, connections="closed by others",
    rivals=(Rival(at=-5.0, lasts=2.0, same_task=True, does="again"), Rival(at=1.0, lasts=0.03, same_task=True, does="again")),
    drops=0.3, repeats=0.3, pushes=False, observer_restarts_at=16.0, seed=234,
)  # fmt: skip
NAMESAKE = Story(
    exact=True, other="namesake", works_before=0.01, waits=0.0, fate="goes on", repeats=0.3, mixes=True, pushes=False, seed=14,
    rivals=(Rival(at=-0.4, lasts=600.0, same_task=False), Rival(at=0.05, lasts=0.03, same_task=False, elsewhere=True, does="again")),
)  # fmt: skip
FROZEN = Story(
    exact=False, owned=True, fate="frozen", fate_at=3.0, gap=(-20.0, 2.0),
    rivals=(Rival(at=-0.4, lasts=600.0), Rival(at=-60.0, lasts=600.0)),
)  # fmt: skip
UNHEARD = Story(exact=False, owned=True, other="namesake", fate="frozen", fate_at=0.3, inspect="flaky", gap=(-20.0, 2.0), pushes=False, seed=255)
REPEATED = Story(
    works_before=5.0, inspect="no active", repeats=0.3, mixes=True, pushes=False, seed=79,
    rivals=(Rival(at=4.0, lasts=600.0), Rival(at=4.0, lasts=0.03, does="again")),
)  # fmt: skip
DROPPED = Story(
    works_before=5.0, waits=5.0, inspect="no active", drops=0.3, seed=70,
    rivals=(Rival(at=0.05, lasts=2.0, elsewhere=True, does="again"), Rival(at=-60.0, lasts=8.0, same_task=True, elsewhere=True, does="takes")),
)  # fmt: skip
LEFT = Story(
    fate="leaves", comes_back="same pid", gap=(-20.0, 2.0),
    rivals=(Rival(at=-0.4, lasts=600.0), Rival(at=0.05, lasts=2.0, does="again")),
)  # fmt: skip
TWIN = Story(other="twin", inspect="flaky")
CLOCK = Story(fate="frozen", fate_at=0.3, clock_set=(16.0, 30.0))
TWIN_CLOCK = Story(exact=False, owned=True, other="twin", fate="frozen", clock_set=(16.0, -3.0))
TAKEN_OVER = Story(exact=False, owned=True, fate="frozen", observer_restarts_at=5.0, clock_set=(6.0, -20.0))
UNHEARD_AHEAD = Story(
    pool="solo", exact=False, owned=True, skew=3.0, other="elsewhere", begins_at=1.0, pushes=False,
    rivals=(Rival(at=-0.4, lasts=600.0), Rival(at=-0.4, lasts=8.0, same_task=True, elsewhere=True)),
)  # fmt: skip
BUSY_CLOCK = Story(
    pool="solo", other="elsewhere", drops=1.0, clock_set=(-3.0, -20.0),
    rivals=(Rival(at=-0.4, lasts=600.0), Rival(at=-60.0, lasts=600.0)),
)  # fmt: skip
ID_TOLD_BY_ANOTHER = Story(
    says="id alone", other="elsewhere", inspect="flaky", drops=0.3, slow_starts=0.02, recycles=True, pushes=False, seed=103,
    rivals=(Rival(at=0.05, lasts=2.0, does="again"),),
)  # fmt: skip
ID_ENDED_BY_ANOTHER = Story(
    says="id alone", other="namesake", other_heartbeats=False, drops=0.3, pushes=False,
    rivals=(Rival(at=0.05, lasts=2.0, elsewhere=True, does="again"), Rival(at=0.05, lasts=0.03, does="again")),
)  # fmt: skip
TRIED_AGAIN = Story(
    works_before=0.3, waits=5.0, fate="keeps it for its next try", pushes=False, seed=4,
    rivals=(Rival(at=-0.4, lasts=600.0), Rival(at=0.05, lasts=0.03, does="again")),
)  # fmt: skip
TWIN_AGAIN = Story(
    other="twin", fate="frozen", gap=(-20.0, 2.0), pushes=False, rivals=(Rival(at=-0.4, lasts=600.0), Rival(at=0.05, lasts=2.0, does="again")),
)  # fmt: skip
HANDED_ON_OF_TWO = Story(
    fate="hands on", recycles=True, pushes=False, rivals=(Rival(at=-0.4, lasts=600.0), Rival(at=0.05, lasts=600.0, does="again")),
)  # fmt: skip
UNHEARD_TWIN = Story(other="twin", inspect="flaky", works_before=5.0, gap=(-20.0, 2.0), seed=43)
UNHEARD_TWIN_LIKELY = Story(pool="threads", exact=False, owned=True, other="twin", inspect="flaky", works_before=5.0, gap=(-20.0, 2.0), seed=89)
UNHEARD_TWIN_SOLO = Story(pool="solo", other="twin", inspect="flaky", seed=51)
UNHEARD_TWIN_FROZEN = Story(
    pool="solo", other_skew=3.0, other="twin", works_before=5.0, waits=5.0, timeout=None, fate="frozen", comes_back="new pid", other_heartbeats=False,
    inspect="flaky", drops=0.3, repeats=0.3, mixes=True, slow_starts=0.02, gap=(-20.0, 2.0), pushes=False, observer_restarts_at=16.0,
    hero_clock_set=(-0.005, -3.0), recycles=True, seed=14,
)  # fmt: skip
UNHEARD_TWIN_CLOCK = Story(
    pool="solo", owned=True, skew=3600.0, other_skew=3600.0, other="twin", works_before=0.3, rivals=(Rival(at=4.0, lasts=8.0, same_task=True, does="takes"),),
    fate="frozen", fate_at=3.0, comes_back="new pid", extended=True, other_heartbeats=False, inspect="flaky", repeats=0.3, slow_starts=0.8, pushes=False,
    observer_restarts_at=40.0, clock_set=(6.0, -20.0), through=True, seed=147,
)  # fmt: skip
UNHEARD_TWIN_TAKEN_OVER = Story(
    pool="solo", skew=3600.0, other_skew=3.0, other="twin", works_before=0.3, fate_at=3.0, comes_back="new pid", extended=True, heartbeats=False,
    other_heartbeats=False, inspect="flaky", drops=0.3, repeats=0.3, slow_starts=0.8, gap=(5.0, 12.0), observer_restarts_at=5.0, clock_set=(6.0, -20.0),
    hero_clock_set=(-3.0, -3600.0), puts_off=True, recycles=True, seed=242,
)  # fmt: skip
NAMESAKE_UNHEARD = Story(
    other="namesake", fate_at=0.3, heartbeats=False, other_heartbeats=False, inspect="flaky", gap=(-20.0, 2.0), observer_restarts_at=5.0, seed=47,
)  # fmt: skip
AGAIN_CLOCK = Story(
    waits=5.0, fate="frozen", gap=(-20.0, 2.0), observer_restarts_at=5.0, clock_set=(6.0, -20.0),
    rivals=(Rival(at=-0.4, lasts=600.0), Rival(at=0.05, lasts=8.0, does="again")),
)  # fmt: skip
AGAIN_LATE = Story(
    fate="frozen", fate_at=0.3, drops=0.3, mixes=True, pushes=False, rivals=(Rival(at=-0.4, lasts=0.03), Rival(at=0.05, lasts=0.03, does="again")),
)  # fmt: skip
TWIN_FIRST = Story(pool="solo", other="twin", heartbeats=False, other_heartbeats=False, inspect="flaky", drops=1.0, seed=149)
TWIN_AHEAD = Story(
    pool="solo", other="twin", skew=3600.0, other_skew=-3600.0, works_before=5.0, inspect="flaky", gap=(5.0, 12.0), observer_restarts_at=16.0, seed=115,
)  # fmt: skip
LEFT_CLOCK = Story(fate="leaves", comes_back="same pid", heartbeats=False, observer_restarts_at=5.0, clock_set=(6.0, -20.0))
CUT_OFF = Story(fate="cut off", fate_at=0.3)
CUT_OFF_LIKELY = Story(fate="cut off", exact=False, owned=True)


@pytest.mark.parametrize(
    "story",
    [
        REPLACED,
        AGAIN,
        NAMESAKE,
        FROZEN,
        UNHEARD,
        REPEATED,
        DROPPED,
        LEFT,
        TWIN,
        CLOCK,
        TAKEN_OVER,
        TWIN_CLOCK,
        UNHEARD_AHEAD,
        BUSY_CLOCK,
        ID_TOLD_BY_ANOTHER,
        ID_ENDED_BY_ANOTHER,
        TRIED_AGAIN,
        TWIN_AGAIN,
        HANDED_ON_OF_TWO,
        UNHEARD_TWIN,
        UNHEARD_TWIN_LIKELY,
        UNHEARD_TWIN_SOLO,
        UNHEARD_TWIN_FROZEN,
        UNHEARD_TWIN_CLOCK,
        UNHEARD_TWIN_TAKEN_OVER,
        NAMESAKE_UNHEARD,
        AGAIN_CLOCK,
        AGAIN_LATE,
        TWIN_FIRST,
        TWIN_AHEAD,
        LEFT_CLOCK,
    ],
    ids=[
        "its worker leaves and another process comes under its name and pid, while a run like it has ended",
        "its message was given out twice, the second receipt was missed, and that run ended before the lock was seen",
        "its message was given out twice, to a namesake as well, which told of its end before the first told of its receipt",
        "its worker used its connection while no event was received, and froze",
        "its worker, of which no event was ever received, answered once in the place of a namesake, and froze",
        "its message was given out twice to the same process, and the end of the second run came before its receipt, and once more after it",
        "its message was given out twice, its own events were dropped, and the second receipt looks as if it came just before the attempt",
        "its message was given out twice while nobody listened, and its worker leaves while another process comes under its name and pid",
        "a second container has its worker's name and pid, and answers in its place",
        "its worker froze, and our own clock was set",
        "its worker froze after another observer had taken over, whose clock is behind that of the one before",
        "its worker froze beside a second container with its name and pid, and our own clock was set",
        "its worker was never heard, for it is busy since before the first observer, and its clock is ahead, so that the token seems to be made later",
        "its worker is solo and busy, and another's connection was used when its own was by the clock that was set back",
        "its value is a task id, and of the two that have it only the process of the second is told, which is recycled",
        "its value is a task id, and of the three that have it only the end of one is told",
        "it is to be tried again, and of the two deliveries of its message the other succeeded",
        "its worker froze beside a second container with its name and pid, and a second delivery ended of which the beginning was not told",
        "it handed its lock on and its process was recycled, while the second delivery of its message goes on",
        "every answer of its worker was lost, and the pool of a second container with its name and pid has no such process",
        "it is likely to have it, every answer of its worker was lost, and a second container with its name and pid does not name it",
        "its worker is solo and every answer before it was busy was lost, and a second container with its name and pid answers",
        "its worker is solo, busy and frozen then, every answer before was lost, and a second container with its name and pid answers",
        "its worker is solo, busy and frozen, a second container with its name and pid answers, and our own clock was set back",
        "its worker is solo, a second container with its name and pid answers, and another observer took over whose clock is behind",
        "answers of its worker and of a namesake were lost in turn, neither sends heartbeats, and another observer took over",
        "its message was given out twice, the second run ended, its worker froze, and another observer took over whose clock is behind",
        "its message was given out twice, an event was dropped, and the end of the second run was told late",
        "its worker is solo and busy before any answer of it came, and a second container with its name and pid was heard first",
        "its worker is solo and its clock is ahead, and a second container with its name and pid was alone before it took the lock",
        "its worker leaves unheard, another process comes under its name and pid, and another observer took over whose clock is behind",
    ],
)
def test_holder_that_goes_on_is_not_called_dead_for_the_end_of_another_run(story):
    look_through(story)


@pytest.mark.parametrize("story", [CUT_OFF, CUT_OFF_LIKELY], ids=["exact", "likely"])
def test_holder_that_puts_its_lock_off_is_not_called_dead_for_what_its_worker_cannot_tell_any_more(story):
    look_through(story)
