"""The course of a story: runs that begin, try, take, wait for and give back the lock, each at its time."""

from collections.abc import Callable
from dataclasses import replace
from heapq import heappush
from itertools import count

from tests.dashboard.judge.oracle.observed import Observed
from tests.dashboard.judge.oracle.story import Rival, Story
from tests.dashboard.judge.oracle.truth import OTHER, OWNER, Held, Process, Run

BRIEF_EVERY_MS = 470


class Course:
    """The truth of one story, and its observer."""

    def __init__(self, story: Story) -> None:
        self.story, self.seen = story, Observed(story)
        self._agenda: list[tuple[float, int, Callable[[float], None]]] = []
        self._order, self._pids = count(), count(2000)
        self.began = -story.waits - story.works_before
        self.hero_process = Process("worker-b@web-2", 790, story.pool, story.skew, -100.0, "boot-a", heartbeats=story.heartbeats, children=[811, 812, 813, 814])
        self.processes = [self.hero_process]
        if story.other != "none":
            name = self.hero_process.name if story.other in {"namesake", "twin"} else "worker-c@web-3"
            beats, children = story.other_heartbeats, [611, 612, 613, 614]
            pid, pool = (self.hero_process.pid, story.pool) if story.other == "twin" else (590, "prefork")
            self.processes.append(Process(name, pid, pool, story.other_skew, -90.0, "boot-b", heartbeats=beats, children=children))
        self.hero = Run("hero", OWNER, self.hero_process, self._pid(self.hero_process, 0), self.began - 0.02, self.began)
        self.runs: list[Run] = []
        self.held: Held | None = None
        self.holders: dict[str, Run] = {}
        self.waiting: list[tuple[Run, float]] = []
        self._skews: list[float] = []  # of the holder's clock at its attempt

    @staticmethod
    def _pid(process: Process, number: int) -> int:
        return process.children[number] if process.pool == "prefork" else process.pid

    def _is_busy_solo(self, process: Process) -> bool:
        return process.pool == "solo" and any(run.process is process and run.goes_on for run in self.runs)

    def at(self, time: float, what: Callable[[float], None]) -> None:
        heappush(self._agenda, (time, next(self._order), what))

    def _plan_run(self, run: Run) -> None:
        said = {"uuid": run.task_id, "name": run.name, "retries": run.retries, "parent_id": run.parent_id}
        self.at(run.received, lambda now: self.seen.event(run.process, "task-received", now, **said))
        self.at(run.started, lambda now: self._start(run, now))

    def _start(self, run: Run, now: float) -> None:
        if run.process.is_there:
            self.runs.append(run)
            run.skew_at_start = run.process.skew
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
        skew = self._skews[0] if run is self.hero and self._skews else run.process.skew
        self._put(Held(run=run, attempted=attempted, since=now, skew=skew, expires=None if self.story.timeout is None else now + self.story.timeout))

    def _hero_wins(self, now: float) -> None:
        if self.held is not None and self.held.run is None:
            self._free(now - 0.01)
        if self.held is None and self.hero.goes_on:
            self._take(self.hero, -self.story.waits, now)

    def _extend(self, now: float) -> None:
        is_able = self.hero.goes_on and not self.hero.process.frozen
        if self.held is not None and self.held.run is self.hero and self.held.expires is not None and is_able:
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

    def _recycle(self, run: Run) -> None:
        children = run.process.children
        if run.pid in children and not any(other.pid == run.pid and other.goes_on for other in self.runs):
            children[children.index(run.pid)] = next(self._pids)

    def _end(self, run: Run, now: float, kind: str, *, leaves_it: bool = False, **said: object) -> None:
        if run not in self.runs or not run.goes_on or run.process.frozen:
            return
        if self.held is not None and self.held.run is run and not leaves_it:
            self._free(now)
        run.ended, run.outcome = now + 0.005, kind
        if self.story.recycles and run.pid in run.process.children:
            self.at(now + 0.05, lambda then: self._recycle(run))
        if not run.process.leaving and not run.process.cut:
            self.seen.event(run.process, kind, now + 0.01, uuid=run.task_id, **said)
