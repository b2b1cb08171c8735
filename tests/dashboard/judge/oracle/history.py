"""Plays a story: what happens, in its order, and what the judge says of it at every look."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count

from dashboard.records import JudgedLock
from tests.dashboard.judge.oracle.observed import Observed
from tests.dashboard.judge.oracle.story import Rival, Story
from tests.dashboard.judge.oracle.truth import OTHER, OWNER, Held, Process, Run

BRIEF_EVERY_MS = 470
LOST = "WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL).')"


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One look: what was said of the lock, and what is true of it."""

    at: float
    judged: list[JudgedLock]
    held: Held | None
    runs: dict[str, Run]  # by the digest of each token that was ever in the lock
    is_reading_old: bool  # the lock changed and nobody was told of it yet


class History:
    """The truth of one story, and its observer."""

    def __init__(self, story: Story) -> None:
        self.story, self.seen = story, Observed(story)
        self._agenda: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = count()
        self.began = -story.waits - story.works_before
        self.hero_process = Process("worker-b@web-2", 790, story.pool, story.skew, -100.0, "boot-a", heartbeats=story.heartbeats, children=[811, 812, 813, 814])
        self.processes = [self.hero_process]
        if story.other != "none":
            name = self.hero_process.name if story.other == "namesake" else "worker-c@web-3"
            beats, children = story.other_heartbeats, [611, 612, 613, 614]
            self.processes.append(Process(name, 590, "prefork", story.other_skew, -90.0, "boot-b", heartbeats=beats, children=children))
        self.hero = Run("hero", OWNER, self.hero_process, self._pid(self.hero_process, 0), self.began - 0.02, self.began)
        self.runs: list[Run] = []
        self.held: Held | None = None
        self.holders: dict[str, Run] = {}
        self.waiting: list[tuple[Run, float]] = []

    @staticmethod
    def _pid(process: Process, number: int) -> int:
        return process.children[number] if process.pool == "prefork" else process.pid

    def at(self, time: float, what: Callable[[float], None]) -> None:
        heappush(self._agenda, (time, next(self._order), what))

    def play(self) -> Iterator[Moment]:
        """Every look of the observer, in order."""
        self._plan()
        first = min(self.began, *(one.at for one in self.story.rivals), 0.0) if self.story.rivals else self.began
        self.seen.begin(first - 7)
        for look in self._looks(first - 6):
            while self._agenda and self._agenda[0][0] <= look:
                time, _order, what = heappop(self._agenda)
                what(time)
            yield self._look(look)

    def _looks(self, first: float) -> Iterator[float]:
        """Every two seconds around what happens, less often where nothing does, and at last until all that can be known is known."""
        restless = self.story.fate_at + 18
        time = first
        while time < restless + 62:
            yield time
            close = time < first + 6 or self.began - 2 < time < self.began + 6 or -2 < time < restless
            time += 2.0 if close else 6.0

    def _look(self, now: float) -> Moment:
        if not self.seen.is_away:
            for one in self.processes:
                if one.is_there and not one.leaving and one.heartbeats and not self._is_busy_solo(one):
                    self.seen.event(one, "worker-heartbeat", now - 0.3, processed=one.total)
            self.seen.hand_over(now - 0.3)
            self.seen.look_at_lock(self.held, now - 0.1)
            self.seen.ask(self.processes, self.runs, now)
            self.seen.look_at_connections(self.processes, now)
        judged = [] if self.seen.is_away else self.seen.judge(now)
        old = {one.lock.token_digest for one in judged if one.lock.lapsed_at is None} != ({self.held.digest} if self.held else set())
        return Moment(at=now, judged=judged, held=self.held, runs=dict(self.holders), is_reading_old=old)

    def _is_busy_solo(self, process: Process) -> bool:
        return process.pool == "solo" and any(run.process is process and run.goes_on for run in self.runs)

    def _plan(self) -> None:
        story = self.story
        if story.waits:
            self._put(Held(run=None, attempted=self.began - 100, since=self.began - 100, expires=None))
        self._plan_run(self.hero)
        if story.is_busy:
            self.at(self.began - story.seed % BRIEF_EVERY_MS / 1000, self._tell_of_a_brief_run)
        self.at(0.0, self._hero_wins)
        for number, rival in enumerate(story.rivals):
            self._plan_rival(rival, number)
        self.at(story.fate_at, self._fate)
        if story.gap is not None:
            begun, over = story.gap
            self.at(min(begun + 10, over - 0.01), self.seen.gap_is_noticed)
            self.at(over, lambda now: self.seen.gap_is_over(begun, now))
        if story.observer_restarts_at is not None:
            self.at(story.observer_restarts_at, self.seen.restart)
            self.at(story.observer_restarts_at + 3, self.seen.begin)
        if story.released_by_hand_at is not None:
            self.at(story.released_by_hand_at, self._free)
        if story.extended and story.timeout is not None:
            self.at(3.0, self._extend)

    def _plan_run(self, run: Run) -> None:
        self.at(run.received, lambda now: self.seen.event(run.process, "task-received", now, uuid=run.task_id, name=run.name, retries=run.retries))
        self.at(run.started, lambda now: self._start(run, now))

    def _start(self, run: Run, now: float) -> None:
        if run.process.is_there:
            self.runs.append(run)
            run.process.total += 1
            self.at(now + self.story.slow_starts, lambda then: self._tell_start(run, then))

    def _tell_start(self, run: Run, now: float) -> None:
        if run.process.is_there:
            self.seen.event(run.process, "task-started", now, uuid=run.task_id)

    def _tell_of_a_brief_run(self, now: float) -> None:
        """Of one among many; nobody but its worker's connection remembers it."""
        process = self.hero_process
        if process.is_there and not process.leaving and not self._is_busy_solo(process):
            for kind in ("task-received", "task-started", "task-succeeded"):
                self.seen.event(process, kind, now, uuid=f"brief-{now}", name=OTHER)
            self.at(now + BRIEF_EVERY_MS / 1000, self._tell_of_a_brief_run)

    def _put(self, held: Held) -> None:
        self.held = held
        if held.run is not None:
            self.holders[held.digest] = held.run
        self.seen.look_at_lock(held, held.since + 0.002, live=True)
        if held.expires is not None:
            self.at(held.expires, lambda now: self._expire(held.digest, now))

    def _expire(self, digest: str, now: float) -> None:
        if self.held is not None and self.held.digest == digest and self.held.expires is not None and self.held.expires <= now + 1e-6:
            self._free(now, late=0.2)

    def _free(self, now: float, late: float = 0.002) -> None:
        """The key is deleted; who waits takes it."""
        if self.held is None:
            return
        self.held = None
        self.seen.look_at_lock(None, now + late, live=True)
        takers = [(run, attempted) for run, attempted in self.waiting if run.goes_on and not run.process.frozen]
        if takers:
            self.waiting.remove(takers[0])
            self._take(*takers[0], now + late + 0.01)

    def _take(self, run: Run, attempted: float, now: float) -> None:
        self._put(Held(run=run, attempted=attempted, since=now, expires=None if self.story.timeout is None else now + self.story.timeout))

    def _hero_wins(self, now: float) -> None:
        if self.held is not None and self.held.run is None:
            self._free(now - 0.01)
        if self.held is None and self.hero.goes_on:
            self._take(self.hero, -self.story.waits, now)

    def _extend(self, now: float) -> None:
        if self.held is not None and self.held.run is self.hero and self.held.expires is not None:
            self._put(replace(self.held, expires=now + 600))

    def _plan_rival(self, rival: Rival, number: int) -> None:
        process = self.processes[-1] if rival.elsewhere else self.hero_process
        if process.pool == "solo":
            return
        attempt = -self.story.waits + rival.at
        is_again = rival.does == "again" and rival.at > 0
        is_owners = rival.same_task or is_again or (rival.does == "takes" and self.story.owned)  # as the settings say
        task_id, name = "hero" if is_again else f"rival-{number}", OWNER if is_owners else OTHER
        run = Run(task_id, name, process, self._pid(process, 1 + number), attempt - 0.03, attempt - 0.01)
        self._plan_run(run)
        if rival.does == "takes":
            self.at(attempt, lambda now: self._try(run, now))
        self.at(attempt + rival.lasts, lambda now: self._end(run, now, "task-succeeded"))

    def _try(self, run: Run, now: float) -> None:
        if self.held is None and run.goes_on and now > 0:
            self._take(run, now, now)
        else:
            self.waiting.append((run, now))

    def _end(self, run: Run, now: float, kind: str, *, leaves_it: bool = False, **said: object) -> None:
        if run not in self.runs or not run.goes_on or run.process.frozen:
            return
        if self.held is not None and self.held.run is run and not leaves_it:
            self._free(now)
        run.ended, run.outcome = now + 0.005, kind
        if not run.process.leaving and not run.process.cut:
            self.seen.event(run.process, kind, now + 0.01, uuid=run.task_id, **said)

    def _fate(self, now: float) -> None:
        hero, process, fate = self.hero, self.hero_process, self.story.fate
        if fate == "ends":
            self._end(hero, now, "task-succeeded")
        elif fate == "ends and leaves it":
            self._end(hero, now, "task-failed", leaves_it=True, exception="ValueError('x')", traceback="")
        elif fate == "retried and leaves it":
            self._end(hero, now, "task-retried", leaves_it=True, exception="ValueError('x')")
            again = Run("hero", OWNER, process, hero.pid, now + 1, now + 1.02, retries=1)
            self._plan_run(again)
            self.at(now + 4, lambda then: self._end(again, then, "task-succeeded"))
        elif fate == "terminated" and process.pool == "prefork" and self.story.tells_all:  # where it was not told, nothing can tell
            hero.is_listed = False  # it was sent a signal that it catches, and is told to be revoked
            self.seen.event(process, "task-revoked", now, uuid=hero.task_id, terminated=True)
        elif fate == "child killed" and process.pool == "prefork":
            self._kill_child(now)
        elif fate in {"killed", "child killed"}:
            self._kill(process, now)
        elif fate == "frozen":
            process.frozen = True
        elif fate == "cut off" and self.story.pushes and self.held is not None and self.held.run is hero and self.held.expires is not None:
            process.cut = process.closed = True  # without a sign of its lock nothing could tell it from a dead one
            self.at(now + 1.5, self._renew)
        elif fate in {"leaves", "leaves and is killed"}:
            self._leave(process, now)

    def _renew(self, now: float) -> None:
        """Its run puts its lock off all the time."""
        if self.held is not None and self.held.run is self.hero and self.story.timeout is not None:
            self.held = replace(self.held, expires=now + self.story.timeout)
            self.seen.look_at_lock(self.held, now + 0.002, live=True)
            digest = self.held.digest
            self.at(now + self.story.timeout, lambda then: self._expire(digest, then))
            self.at(now + 1.5, self._renew)

    def _kill_child(self, now: float) -> None:
        hero = self.hero
        hero.ended = now
        self.hero_process.children[0] = 899
        self.runs.append(listed := hero.as_listed())

        def noticed(then: float) -> None:
            listed.is_listed = False
            self.seen.event(hero.process, "task-failed", then, uuid=hero.task_id, exception=LOST, traceback="")

        self.at(now + 1.5, noticed)

    def _kill(self, process: Process, now: float) -> None:
        process.killed = process.closed = True
        self._come_back(now)

    def _leave(self, process: Process, now: float) -> None:
        if process.heartbeats:
            self.seen.event(process, "worker-offline", now)
        process.leaving = process.closed = True
        if self.story.fate == "leaves and is killed":
            self.at(now + 6, lambda then: self._kill(process, then))
        else:
            self._come_back(now)

    def _come_back(self, now: float) -> None:
        if self.story.comes_back == "no":
            return
        old = self.hero_process
        pid, children = (old.pid, [811, 812, 813, 814]) if self.story.comes_back == "same pid" else (890, [891, 892, 893, 894])
        new = Process(old.name, pid, old.pool, old.skew, now + 3, "boot-c", heartbeats=old.heartbeats, children=children)

        def comes(then: float) -> None:
            self.processes.append(new)
            if new.heartbeats:
                self.seen.event(new, "worker-online", then)

        self.at(now + 3, comes)
