"""What an observer sees of the truth: it feeds the real reducer, as the real feeds would, and loses what the story says is lost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from dashboard.judge import assess
from dashboard.observer.feeds import _is_worth_a_look
from dashboard.observer.observations import ClockSet, ConnectionSeen, EventsDropped, EventsLost, EventsSeen, LocksRead, SourceSaid, Tick, WorkersAnswered
from dashboard.observer.roster import _is_new
from dashboard.observer.state import State
from dashboard.records import CatalogueEntry, Claim, HeldLock, JudgedLock, Policy, SourceState, digest_of_id
from dashboard.sources.event import event_of
from dashboard.sources.heartbeats import may_be_open
from tests.dashboard.judge.oracle.story import Story
from tests.dashboard.judge.oracle.truth import OWNER, Held, Process, Run, clock

LOCK = "lock_report_12"
PLACES = [("default", ":1:"), ("broker", "")]
SOURCES = ("broker", "cache default", "workers", "events")
OWNED = Policy(catalogue=(CatalogueEntry(pattern="lock_report_{id}", owner=OWNER),))
FORGOTTEN = timedelta(hours=1)
CALLED_EVERY = 10.0  # seconds between two calls to everybody
LATE = 3.0  # seconds that an event may take to be received where the story mixes them


class Observed:
    """One observer after the other, and what they make of it."""

    def __init__(self, story: Story) -> None:
        self.story, self.random = story, Random(story.seed)
        self.policy = OWNED if story.owned else Policy()
        self.state = State(PLACES, self.policy)
        self._pending: list[object] = []
        self._pending_at = 0.0
        self._called_at = -1000.0
        self._shown: Held | None = None
        self._written_at: datetime | None = None  # when the observer before wrote last
        self.is_away = False

    def clock(self, seconds: float) -> datetime:
        """By our own clock, which may be set."""
        step = self.story.clock_set
        return clock(seconds + (step[1] if step is not None and seconds >= step[0] else 0.0))

    def clock_is_seen_to_be_set(self, now: float) -> None:
        if not self.is_away:
            self.state.apply(ClockSet(at=self.clock(now), by=self.clock(now) - clock(now)))

    def begin(self, now: float) -> None:
        """Every source comes up."""
        self.is_away = False
        if self._written_at is not None and self._written_at > self.clock(now):  # by another machine's clock, or ours was set back meanwhile
            self.state.apply(ClockSet(at=self.clock(now)))
        for name in SOURCES:
            self.state.apply(SourceSaid(source=SourceState(name=name, ok=True, since=self.clock(now), last_good_at=self.clock(now))))

    def restart(self, now: float) -> None:
        """Another observer goes on from what this one wrote; in between nobody listens."""
        self._written_at = self.clock(now)
        written = self.state.snapshot(self._written_at)
        self.state = State(PLACES, self.policy)
        self.state.restore(written)
        self.is_away = True

    def _hears(self, now: float) -> bool:
        gap = self.story.gap
        return not self.is_away and (gap is None or not gap[0] <= now < gap[1])

    def gap_is_noticed(self, now: float) -> None:
        """A subscription that brings nothing is found to be dead ten seconds later at most (sources.stream)."""
        if not self.is_away:
            self.state.apply(SourceSaid(source=SourceState(name="events", ok=False, since=self.clock(now), reason="does not answer")))

    def gap_is_over(self, begun: float, now: float) -> None:
        if not self.is_away:
            self.state.apply(SourceSaid(source=SourceState(name="events", ok=True, since=self.clock(now), last_good_at=self.clock(now))))
            self.state.apply(EventsLost(from_at=self.clock(begun), to_at=self.clock(now), was_cut=False))

    def event(self, process: Process, kind: str, now: float, **fields: object) -> None:
        """A process publishes; a run's own events may be lost, repeated, or come a little later than others of the same moment."""
        is_of_run = kind.startswith("task-")
        if is_of_run and not self.story.task_events:
            return
        process.published = now
        if not self._hears(now):
            return
        if is_of_run and self.random.random() < self.story.drops:
            self.state.apply(EventsDropped(by_type={kind: 1}, at=self.clock(now)))
            return
        told = {"type": kind, "hostname": process.name, "pid": process.pid, "timestamp": clock(now + process.skew).timestamp(), **fields}
        if self._pending and now - self._pending_at > 0.2:
            self.hand_over(self._pending_at)
        self._pending += [event_of(told)] * (2 if self.random.random() < self.story.repeats else 1)
        self._pending_at = now
        if not self.story.mixes:
            self.hand_over(now)

    def hand_over(self, now: float) -> None:
        if self._pending:
            if self.story.mixes:
                self.random.shuffle(self._pending)
            received = min(now, self._pending_at + LATE)
            self.state.apply(EventsSeen(events=tuple(self._pending), at=self.clock(received)))  # type: ignore[arg-type]
            self._pending = []

    def answers(self, command: str, asked: tuple[str, ...], replies: Mapping[str, object], now: float, again: Sequence[tuple[str, object]] = ()) -> None:
        self.state.apply(WorkersAnswered(command=command, asked=asked, replies=replies, again=again, asked_at=self.clock(now - 0.2), at=self.clock(now)))

    def ask(self, processes: list[Process], runs: list[Run], now: float) -> None:
        """As the two feeds do: those heard of late by name, then the silent ones; now and then everybody."""
        if self.story.inspect == "none" or self.is_away:
            return
        workers = self.state.workers.workers.values()
        living = {worker.name for worker in self.state.workers.living(self.clock(now), self.policy.grace)}
        silent = {one.name for one in workers if one.said_offline_at is None and one.name not in living and self.clock(now) - one.last_heard_at < FORGOTTEN}
        if now - self._called_at >= CALLED_EVERY or not living or any(one.name in living and _is_new(one, self.clock(now)) for one in workers):
            self._call_everybody(processes, runs, now)
        speaker = self._first_to_answer(processes, runs)
        self.answers("stats", tuple(sorted(living)), {name: stats(speaker[name], now) for name in living & speaker.keys()}, now)
        speaker = self._first_to_answer(processes, runs)
        if self.story.inspect != "no active":
            said = {name: active(speaker[name], runs) for name in living & speaker.keys()}
            self.answers("active", tuple(sorted(living)), said, now)
        if silent:
            self.answers("ping", tuple(sorted(silent)), {name: {"ok": "pong"} for name in silent & speaker.keys()}, now)

    def _first_to_answer(self, processes: list[Process], runs: list[Run]) -> dict[str, Process]:
        """Of those who have one name the first one that answers, another each time."""
        there = [one for one in processes if self._can_answer(one, runs)]
        self.random.shuffle(there)
        return {one.name: one for one in there}

    def _call_everybody(self, processes: list[Process], runs: list[Run], now: float) -> None:
        """Whoever is there answers, one after the other."""
        self._called_at, first, again = now, dict[str, object](), list[tuple[str, object]]()
        for one in processes:
            if self._can_answer(one, runs):
                if one.name in first:
                    again.append((one.name, stats(one, now)))
                first.setdefault(one.name, stats(one, now))
        self.answers("stats", (), first, now, again)

    def _can_answer(self, process: Process, runs: list[Run]) -> bool:
        busy = process.pool == "solo" and any(run.process is process and run.goes_on for run in runs)
        flaky = self.story.inspect == "flaky" and self.random.random() < 0.5
        return process.is_there and not process.leaving and not busy and not flaky

    def look_at_connections(self, processes: list[Process], now: float) -> None:
        if self.story.connections == "refused" or self.is_away:
            return
        idles = [int(now - one.published) for one in processes if not one.killed and not one.closed]
        if self.story.connections == "another's" and processes:
            idles.append(int(now - processes[0].published))
        if self.story.connections == "closed by others":
            idles = [idle for idle in idles if idle < 50]
        for worker in list(self.state.workers.workers.values()):
            if worker.last_event_at is not None and _is_worth_a_look(worker, self.clock(now)):
                is_open = may_be_open(idles, worker.last_event_at, self.clock(now), self.clock(now))
                seen = ConnectionSeen(worker=worker.name, pid=worker.pid, is_open=is_open, last_event_at=worker.last_event_at, at=self.clock(now))
                self.state.apply(seen)

    def look_at_lock(self, held: Held | None, now: float, *, live: bool = False) -> None:
        """A push, or the next look at the key."""
        if self.is_away or (live and not self.story.pushes):
            return
        if held is not None:
            self.state.apply(LocksRead(cache="default", locks=[read(held, now, self.clock, self.story)], gone=[], live=live, at=self.clock(now)))
        elif self._shown is not None:
            self.state.apply(LocksRead(cache="default", locks=[], gone=["l" * 16], live=live, at=self.clock(now)))
        self._shown = held

    def judge(self, now: float) -> list[JudgedLock]:
        self.state.apply(Tick(at=self.clock(now)))
        return assess(self.state.snapshot(self.clock(now)), self.clock(now), self.policy)


def stats(process: Process, now: float) -> dict[str, object]:
    pool: dict[str, object] = {"implementation": f"celery.concurrency.{process.pool}:TaskPool", "max-concurrency": 2}
    if process.pool == "prefork":
        pool["processes"] = list(process.children)
    return {"pid": process.pid, "pool": pool, "uptime": round(now - process.started)}


def active(process: Process, runs: list[Run]) -> list[dict[str, object]]:
    mine = [run for run in runs if run.process is process and run.ended is None and run.is_listed]
    return [{"id": run.task_id, "name": run.name, "worker_pid": run.pid, "time_start": run.by_its_clock(run.started).timestamp()} for run in mine]


def read(held: Held, now: float, ours: Callable[[float], datetime], story: Story) -> HeldLock:
    """The key as `sources.locks` reads it."""
    run, exact = held.first or held.run, story.exact
    skew = held.skew if held.skew is not None else run.process.skew if run else 0.0
    attempted_at = clock(held.attempted + skew)
    claim = Claim(attempted_at=attempted_at, node="0242ac110002")
    if exact and run is not None:
        prefork = run.process.pool == "prefork"
        claim = Claim(
            attempted_at=attempted_at, node="0242ac110002", task_id=run.task_id, task_name=run.name, retries=run.retries, worker=run.process.name,
            pid=run.pid, parent_pid=run.process.pid if prefork else 1, process_started=str(int((run.process.started + 1000) * 100)),
            boot_id=run.process.boot, host="web-2",
        )  # fmt: skip
        if story.says == "no id":
            claim = replace(claim, task_id=None)
        elif story.says == "id alone":
            claim = Claim(task_digest=digest_of_id(run.task_id))
    expires_at = None if held.expires is None else ours(now) + timedelta(seconds=held.expires - now)
    acquired_at = attempted_at if claim.attempted_at and attempted_at <= ours(now) + timedelta(seconds=300) else None
    dialect = "lockhouse" if claim.worker else "cache.add" if claim.task_digest else "redis-py"
    return HeldLock(
        id="l" * 16, cache="default", key=f":1:{LOCK}", name=LOCK, raw_key=b"", dialect=dialect,
        token_digest=held.digest, claim=claim, expires_at=expires_at, acquired_at=acquired_at,
        timeout=expires_at - acquired_at if expires_at and acquired_at else None, first_seen_at=ours(now), seen_at=ours(now),
    )  # fmt: skip
