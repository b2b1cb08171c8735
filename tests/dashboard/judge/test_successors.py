"""A process that comes under the name and pid of one that is leaving: it answers for itself alone. Told to the real reducer, second by second."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.judge import assess
from dashboard.observer.observations import EventsSeen, LocksRead, SourceSaid, Tick, WorkersAnswered
from dashboard.observer.state import State
from dashboard.sources.dialects import Entry, read
from dashboard.sources.event import event_of
from tests.dashboard.judge.judged import OWNED, PLAIN
from tests.factories import NOW, make_claim, make_lock, make_run, make_source

HERE, ELSEWHERE = "worker-b@web-2", "w@other"
RUN, TASK = make_run().task_id, make_run().name
HOLDS = [{"id": RUN, "name": TASK, "worker_pid": 811}]


def at(seconds):
    return NOW + timedelta(seconds=seconds)


class Seen:
    """What one observer is told, in seconds from the moment at which the lock is taken."""

    def __init__(self):
        self.state = State([("default", ":1:")], OWNED)
        for name in ("events", "workers", "broker", "cache default"):
            self.state.apply(SourceSaid(source=replace(make_source(name), since=at(-60), last_good_at=at(-60))))
        self.event(-55, "task-received", "w@another", 3, uuid="told", name="another")

    def event(self, seconds, kind, worker=HERE, pid=790, *, skew=0.0, late=0.01, **said):
        told = event_of({"type": kind, "hostname": worker, "pid": pid, "timestamp": at(seconds + skew).timestamp(), **said})
        self.state.apply(EventsSeen(events=(told,), at=at(seconds + late)))

    def runs(self, seconds, task_id, *, skew=0.0, late=0.01):
        """Received and started."""
        self.event(seconds, "task-received", uuid=task_id, name=TASK, skew=skew, late=late)
        self.event(seconds + 0.001, "task-started", uuid=task_id, skew=skew, late=late)

    def answers(self, seconds, command, replies, *, everybody=False):
        asked = () if everybody else tuple(replies)
        self.state.apply(WorkersAnswered(command=command, asked=asked, replies=replies, asked_at=at(seconds - 0.05), at=at(seconds)))

    def rounds(self, first, last, *workers, beats=True):
        """The rounds of asking; each worker as name, pid, when it began, its pool, and what it runs."""
        for seconds in range(first, last, 2):
            for name, pid, *_ in workers if beats else ():
                self.event(seconds - 0.3, "worker-heartbeat", name, pid, processed=1)
            stats = {name: stats_of(pid, seconds - began, pool) for name, pid, began, pool, _ in workers}
            self.answers(seconds, "stats", stats, everybody=True)
            self.answers(seconds + 0.2, "active", {name: runs for name, *_, runs in workers})
            self.answers(seconds + 0.3, "registered", {name: [TASK] for name, *_ in workers})
            self.state.apply(Tick(at=at(seconds + 0.5)))

    def takes(self, seconds, *, attempted=None, plain=False):
        attempted_at = at(seconds if attempted is None else attempted)
        claim = replace(PLAIN if plain else make_claim(), attempted_at=attempted_at)
        times = {"first_seen_at": at(seconds), "seen_at": at(seconds), "acquired_at": attempted_at, "expires_at": at(3000)}
        lock = make_lock(dialect="redis-py" if plain else "lockhouse", claim=claim, **times)
        self.state.apply(LocksRead(cache="default", locks=[lock], gone=[], live=True, at=at(seconds)))

    def verdict(self, seconds):
        self.state.apply(Tick(at=at(seconds)))
        (judged,) = assess(self.state.snapshot(at(seconds)), at(seconds), OWNED)
        return judged.verdict


def stats_of(pid, uptime, pool):
    return {"pid": pid, "pool": {"implementation": "celery.concurrency.prefork:TaskPool", "processes": pool}, "uptime": round(uptime)}


OTHER: tuple[str, int, float, list[int], list[dict[str, object]]] = (HERE, 790, -500, [811, 812], [])


@pytest.mark.parametrize(("skew", "late"), [(-0.6, 0.01), (0, 0.4), (0, 0.01)], ids=["its clock is a little behind", "its coming is told late", "all is right"])
def test_successor_is_no_alibi_for_a_holder_that_came_just_before_it_took_a_plain_lock(skew, late):
    """Its run goes on all the time; of the same task another, which fits the token, ends."""
    seen = Seen()
    seen.rounds(-20, -4, OTHER)
    seen.runs(-1, "fits")
    seen.event(-0.3, "worker-online", ELSEWHERE, 4, skew=skew, late=late)
    seen.takes(0.11, attempted=skew, plain=True)
    seen.event(0.6, "worker-offline", ELSEWHERE, 4, skew=skew)
    seen.event(3.6, "worker-online", ELSEWHERE, 4)
    seen.event(4.6, "task-succeeded", uuid="fits", runtime=1.0)
    seen.rounds(6, 46, OTHER, (ELSEWHERE, 4, 3, [5, 6], []))

    assert seen.verdict(47) == "unknown"


def test_successor_of_a_worker_without_heartbeats_is_no_alibi_for_it():
    """It was heard of first after its run took the lock, and never of its leaving."""
    seen = Seen()
    seen.rounds(-20, -4, OTHER)
    seen.runs(-1, "fits")
    seen.takes(0.003, attempted=0, plain=True)
    seen.answers(3, "stats", {HERE: stats_of(790, 503, [811, 812]), ELSEWHERE: stats_of(4, 5, [5, 6])}, everybody=True)
    seen.event(8, "task-succeeded", uuid="fits", runtime=1.0)
    for seconds in range(10, 50, 2):
        seen.rounds(seconds, seconds + 1, OTHER)
        seen.rounds(seconds, seconds + 1, (ELSEWHERE, 4, 7, [5, 6], []), beats=False)

    assert seen.verdict(51) == "unknown"


@pytest.mark.parametrize("taken", [1.0, 2.6, 3.0])
def test_successor_that_began_two_seconds_after_the_holders_process_does_not_have_its_lock(taken):
    seen = Seen()
    seen.answers(0.4, "stats", {HERE: stats_of(790, 0, [811, 812])}, everybody=True)
    seen.takes(taken)
    seen.rounds(4, 40, (HERE, 790, 1.9, [811, 812], []), beats=False)

    assert seen.verdict(41) == "unknown"


def test_run_of_a_process_that_leaves_may_take_its_lock_after_the_successor_came():
    seen = Seen()
    seen.rounds(-40, -32, OTHER)
    seen.runs(-31, RUN)
    seen.rounds(-30, -22, (HERE, 790, -500, [811, 812], HOLDS))
    seen.event(-20, "worker-offline")
    seen.event(-15, "worker-online")
    successor = (HERE, 790, -16, [811, 812], [])
    seen.rounds(-14, 0, successor)
    seen.takes(0.01)
    seen.rounds(2, 30, successor)

    assert seen.verdict(31) == "unknown"


@pytest.mark.parametrize(("skew", "gap"), [(0, 0.05), (-0.5, 0.4), (-1.9, 1.5)])
def test_first_worker_of_its_name_that_takes_a_lock_at_once_is_known_and_so_is_its_death(skew, gap):
    """Its clock is behind by less than can be told."""
    seen = Seen()
    seen.event(0, "worker-online", skew=skew)
    seen.runs(gap - 0.005, RUN, skew=skew)
    seen.takes(gap + 0.01, attempted=gap + skew)
    seen.rounds(2, 8, (HERE, 790, -1.5, [811, 812], HOLDS))
    before = seen.verdict(8)
    seen.rounds(10, 90, (HERE, 790, -1.5, [812, 899], []))

    assert (before, seen.verdict(91)) == ("held", "orphaned")


def test_forged_times_of_a_thousand_years_stop_nobody():
    seen = Seen()
    forged = b"lh1:00000000000010008000000000000000:id=x:task=t:retries=0:worker=worker-b%40web-2:pid=811:ppid=790"
    _, ancient = read(Entry(key=b"lock_report_12", prefix=b"", value=forged))
    assert ancient.attempted_at.year == 1582
    seen.event(-3, "worker-heartbeat", skew=9.9e10 - at(-3).timestamp())
    seen.state.apply(LocksRead(cache="default", locks=[make_lock(claim=ancient)], gone=[], live=True, at=NOW))

    assert seen.verdict(1) == "unknown"
