"""Plays a story: what happens, in its order, and what the judge says of it at every look."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from heapq import heappop

from dashboard.records import JudgedLock
from tests.dashboard.judge.oracle.course import BRIEF_EVERY_MS, Course
from tests.dashboard.judge.oracle.truth import OTHER, OWNER, Held, Process, Run

ENDS = {"ends", "hands on", "keeps it for its next try"}
NOTICED = 0.5  # seconds after our clock was set: once a second it is looked at
LOST = "WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL).')"


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One look: what was said of the lock, and what is true of it."""

    at: float
    judged: list[JudgedLock]
    held: Held | None
    runs: dict[str, Run]  # by the digest of each token that was ever in the lock
    is_reading_old: bool  # the lock changed and nobody was told of it yet


class History(Course):
    """What becomes of the processes and of the holder, and the looks of the observer."""

    def play(self) -> Iterator[Moment]:
        """Every look of the observer, in order."""
        self._plan()
        first = min(self.began, *(one.at for one in self.story.rivals), 0.0) if self.story.rivals else self.began
        if story_begins := self.story.begins_at:
            self.seen.is_away = True
            self.at(story_begins, self.seen.begin)
        else:
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

    def _plan(self) -> None:
        story = self.story
        if story.waits:
            self._put(Held(run=None, attempted=self.began - 100, since=self.began - 100, expires=None))
        self._plan_run(self.hero)
        if story.is_busy:
            self.at(self.began - story.seed % BRIEF_EVERY_MS / 1000, self._tell_of_a_brief_run)
        if story.clock_set is not None:
            self.at(story.clock_set[0] + NOTICED, self.seen.clock_is_seen_to_be_set)
        if story.hero_clock_set is not None:
            at, by = story.hero_clock_set
            self.at(at - (story.waits if at == -0.005 else 0.0), lambda now: setattr(self.hero_process, "skew", self.hero_process.skew + by))
        self.at(-story.waits - 1e-6, lambda now: self._skews.append(self.hero_process.skew))
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

    def _fate(self, now: float) -> None:
        hero, process, fate = self.hero, self.hero_process, self.story.fate
        if fate in ENDS:
            self._end_or_hand_on(now)
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
            self.at(now + 1.5, lambda then: self._put_off(hero, then))
        elif fate in {"leaves", "leaves and is killed"}:
            self._leave(process, now)

    def _end_or_hand_on(self, now: float) -> None:
        """It gives the lock back, or leaves it to whom it is meant for, where that can be told."""
        if self.held is None or self.held.run is not self.hero or self.story.fate == "ends" or not self.story.tells_of_heirs:
            self._end(self.hero, now, "task-succeeded")
        else:
            self._hand_on(self.held, now)

    def _hand_on(self, held: Held, now: float) -> None:
        """The lock stays when its run ends: a subtask, or the next try, goes on with it and releases it."""
        hero, is_try = self.hero, self.story.fate == "keeps it for its next try"
        process = self.processes[-1] if self.story.seed % 2 else hero.process
        later = now + (1 if self.story.seed % 4 < 2 else 12)
        received = now + 0.05 if self.story.seed % 8 < 4 else later - 0.02  # or its message waits in the queue
        heir = Run("hero" if is_try else "child", OWNER if is_try else OTHER, process, self._pid(process, 3), received, later, retries=int(is_try))
        heir.parent_id = None if is_try else "hero"
        if self.story.through and not is_try:
            heir.received, heir.parent_id = now + 0.05, "between"
            between = Run("between", OTHER, process, self._pid(process, 2), now + 0.03, now + 0.04, parent_id="hero")
            self._plan_run(between)
            self.at(later + 0.5, lambda then: self._end(between, then, "task-succeeded"))
        elif not is_try:
            heir.received = now + 0.05  # nothing else tells of it
        self._end(hero, now, "task-retried" if is_try else "task-succeeded", leaves_it=True)
        if hero.ended is not None:
            self.held = replace(held, run=heir, first=hero)
            self.holders[held.digest] = heir
            self._plan_run(heir)
            self.at(now + 70, lambda then: self._end(heir, then, "task-succeeded"))
            if self.story.puts_off:
                self.at(now + 1.5, lambda then: self._put_off(heir, then))

    def _put_off(self, run: Run, now: float) -> None:
        """It puts its lock off all the time."""
        if self.held is not None and self.held.run is run and self.story.timeout is not None and run.goes_on:
            self.held = replace(self.held, expires=now + self.story.timeout)
            self.seen.look_at_lock(self.held, now + 0.002, live=True)
            digest = self.held.digest
            self.at(now + self.story.timeout, lambda then: self._expire(digest, then))
            self.at(now + 1.5, lambda then: self._put_off(run, then))

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
