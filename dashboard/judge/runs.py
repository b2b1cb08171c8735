"""In what state each run is, which locks it holds, and whether it is lost. Pure; doubt counts as alive."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from dashboard.judge.facts import Facts, Life, gather
from dashboard.judge.life import incarnation, life_of_process
from dashboard.records import SENT_KEPT, Evidence, JudgedLock, Policy, Run, Snapshot
from dashboard.records.identity import identity

STATES = ("lost", "unknown", "active", "received", "scheduled", "sent", "failed", "refused", "retried", "rejected", "revoked", "succeeded")
WAITING = frozenset({"received", "scheduled", "sent"})
GOING = WAITING | {"lost", "unknown", "active"}
ENDS = {"SUCCESS": "succeeded", "FAILURE": "failed", "RETRY": "retried", "REVOKED": "revoked", "REJECTED": "rejected", "LOST": "lost"}
BLINDING = frozenset({"broker", "events", "workers", "lockhouse"})  # without these a worker's silence may be ours
BEHIND = timedelta(seconds=2)  # a run is written to the history before a snapshot has it, at times


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRun:
    """A run with what we make of it; its times are put right by what is known of its worker's clock."""

    run: Run
    state: str  # one of STATES
    evidence: tuple[Evidence, ...] = ()  # for a state that had to be concluded
    locks: tuple[JudgedLock, ...] = ()  # that it holds, or held when they expired
    skew: timedelta | None = None  # how far its worker's clock is ahead, from 2 s on
    delivery: int = 0  # of several with this id and retry number

    @property
    def id(self) -> str:
        return identity(self.run.task_id)

    @property
    def key(self) -> str:
        """Its id with the retry number, and the delivery where there were several: no other run has it."""
        return f"{self.id}-{self.run.retries}" + (f"-{self.delivery}" if self.delivery else "")

    @property
    def is_going(self) -> bool:
        return self.state in GOING and self.run.outcome is None and self.run.ended_at is None

    @property
    def began_at(self) -> datetime | None:
        return self.by_our_clock(self.run.started_at)

    @property
    def ended_at(self) -> datetime | None:
        return self.by_our_clock(self.run.ended_at)

    def by_our_clock(self, at: datetime | None) -> datetime | None:
        """A time that its worker told."""
        return at - self.skew if at is not None and self.skew is not None else at


def judge_runs(snapshot: Snapshot, locks: Iterable[JudgedLock], now: datetime, policy: Policy) -> list[JudgedRun]:
    """Every run: lost ones first, then those that go on, the oldest first, then what ended, the latest first.  Cost: one pass, no I/O."""
    facts = gather(snapshot, now, policy)
    held = _by_holder(locks)
    judge = _Judge(facts)
    judged = [one for task_id, runs in facts.runs.items() for one in _of_one_id(runs, held.get(task_id, ()), judge)]
    return sorted(judged, key=_urgency)


def runs_of(run_id: str, judged: Iterable[JudgedRun]) -> list[JudgedRun]:
    """All executions under the task id that goes by this id in addresses, the latest first."""
    return sorted((one for one in judged if one.id == run_id), key=lambda one: _order(one.run), reverse=True)


def tie_of(lock: JudgedLock) -> str:
    """What a run has to do with a lock of its own: "holds", "left" (it is dead), "outlived", "lost" (it may have outlived it)."""
    if lock.lock.lapsed_at is not None:
        return "lost" if "unknown" in lock.flags else "outlived"
    return "left" if lock.verdict == "orphaned" else "holds"


def judge_past(runs: Iterable[Run], snapshot: Snapshot) -> list[JudgedRun]:
    """Runs of the history that the snapshot does not have, in their order: how they ended, that they go on, or that nobody followed them to their end."""
    skews = {(worker.name, worker.pid): worker.clock_skew for worker in snapshot.workers}
    return [_past(run, skews.get((run.worker or "", run.parent_pid)), snapshot) for run in runs]


def _past(run: Run, skew: timedelta | None, snapshot: Snapshot) -> JudgedRun:
    state, code = _past_state(run, snapshot)
    if code == "run_not_followed":
        run = msgspec.structs.replace(run, outcome="UNKNOWN")
    evidence = (Evidence(code=code, values={}),) if code else ()
    return JudgedRun(run=run, state=state, evidence=evidence, skew=skew, delivery=run.row if run.redelivered else 0)


def _past_state(run: Run, snapshot: Snapshot) -> tuple[str, str]:
    """One of STATES, and the code of why, where that had to be concluded."""
    if run.outcome is not None:
        return "refused" if run.is_refused else ENDS.get(run.outcome, "unknown"), ""
    if run.heard_at is not None and snapshot.at is not None and run.heard_at > snapshot.at - BEHIND:
        return _told_state(run, snapshot.at), ""
    return (_told_state(run, snapshot.at), "run_beyond") if _is_beyond(run, snapshot) else ("unknown", "run_not_followed")


def _is_beyond(run: Run, snapshot: Snapshot) -> bool:
    """Whether the observer may follow it still though its snapshot has no room for it: the end of a run that it drops, but for one only sent, it writes."""
    since = snapshot.observer.since if snapshot.observer else None
    if not snapshot.more_runs or since is None or snapshot.at is None or run.heard_at is None:
        return False
    return run.heard_at >= since and (run.worker is not None or run.heard_at > snapshot.at - SENT_KEPT)


def _told_state(run: Run, now: datetime | None) -> str:
    """How far it has come by what was told of it."""
    if run.worker is None:
        return "sent"
    if run.started_at is not None:
        return "active"
    return "scheduled" if now is not None and run.eta_at is not None and run.eta_at > now else "received"


def _by_holder(locks: Iterable[JudgedLock]) -> dict[str, list[JudgedLock]]:
    held: dict[str, list[JudgedLock]] = defaultdict(list)
    for one in locks:
        if one.holder.task_id:
            held[one.holder.task_id].append(one)
    return held


def _of_one_id(runs: Sequence[Run], locks: Sequence[JudgedLock], judge: "_Judge") -> Iterator[JudgedRun]:
    """One execution after the other; a delivery that was never started and came again elsewhere is no execution of its own."""
    ordered = sorted(runs, key=_order)
    counts: dict[int, int] = defaultdict(int)
    for run, later in zip(ordered, [*ordered[1:], None], strict=True):
        if later is not None and later.retries == run.retries and run.started_at is None and run.ended_at is None:
            continue
        one = judge.judged(run)
        yield replace(one, delivery=counts[run.retries], locks=tuple(lock for lock in locks if _took(run, lock, is_latest=later is None)))
        counts[run.retries] += 1


def _order(run: Run) -> tuple[int, bool, bool, float]:
    at = run.received_at or run.started_at
    return run.retries, at is None and run.sent_at is not None and run.worker is None, run.redelivered, at.timestamp() if at else 0.0


def _took(run: Run, lock: JudgedLock, *, is_latest: bool) -> bool:
    claim = lock.lock.claim
    retries = claim.retries if claim and claim.task_id else None
    return is_latest if retries is None else retries == run.retries and (is_latest or run.ended_at is None)


class _Judge:
    """Judges the runs of one moment; what is said of a worker's process is worked out once."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._lives: dict[tuple[str, int | None], Life | None] = {}
        away = {source.name for source in facts.snapshot.sources if not source.ok}
        self._is_blind = facts.is_stale or bool(away & BLINDING)
        self._told = {source.name for source in facts.snapshot.sources if source.ok}
        self._skews = {(worker.name, worker.pid): worker.clock_skew for worker in facts.snapshot.workers if worker.clock_skew is not None}

    def judged(self, run: Run) -> JudgedRun:
        state, evidence = self._state(run)
        skew = self._skews.get((run.worker or "", run.parent_pid)) if self._skews else None
        return JudgedRun(run=run, state=state, evidence=evidence, skew=skew)

    def _state(self, run: Run) -> tuple[str, tuple[Evidence, ...]]:
        if run.ended_at is not None or run.outcome is not None:
            return "refused" if run.is_refused else ENDS.get(run.outcome or "", "unknown"), ()
        state = _told_state(run, self._facts.now)
        if run.worker is None:
            return state, self._untold(run)
        life = None if self._is_blind else self._life(run.worker, run.parent_pid)
        if life is None:
            return state, ()
        if life.state != "dead":
            return "unknown" if state == "active" and life.state == "unknown" else state, life.evidence
        return self._without_worker(run, state, life)

    def _without_worker(self, run: Run, state: str, life: Life) -> tuple[str, tuple[Evidence, ...]]:
        """Its worker is proved gone: what was not acknowledged Redis gives out again, all else is lost."""
        if "broker" not in self._told:
            return "unknown", life.evidence
        message = self._facts.unacked.get(run.task_id)
        if message is None:
            return "lost", (*life.evidence, Evidence(code="run_lost_here", values={"worker": run.worker}))
        again = Evidence(code="run_comes_again", values={"queue": message.queue})
        return "lost" if state == "active" else state, (*life.evidence, again)

    def _untold(self, run: Run) -> tuple[Evidence, ...]:
        """Who reads its queue without telling what becomes of it."""
        silent = [name for queue in self._facts.snapshot.queues if queue.name == run.queue for name in queue.consumers or () if self._is_mute(name)]
        return (Evidence(code="run_untold", values={"workers": list(silent)}),) if silent else ()

    def _is_mute(self, name: str) -> bool:
        return any(worker.sends_events is False for worker in self._facts.workers.get(name, ())[:1])

    def _life(self, worker: str, pid: int | None) -> Life | None:
        key = (worker, pid)
        if key not in self._lives:
            processes = self._facts.workers.get(worker, [])
            mine = incarnation(processes, pid, None)
            unheard = Life(state="unknown", evidence=(Evidence(code="worker_unknown", values={"worker": worker}),))
            self._lives[key] = unheard if mine is None else life_of_process(mine, processes, self._facts)
        return self._lives[key]


def _urgency(one: JudgedRun) -> tuple[int, float, str]:
    """`received`, `scheduled` and `sent` wait alike; so is what ended."""
    run = one.run
    if not one.is_going:
        ended = one.ended_at or run.heard_at
        return len(STATES), -ended.timestamp() if ended else 0.0, run.task_id
    since = run.started_at or run.received_at or run.sent_at
    place = STATES.index("received") if one.state in WAITING else STATES.index(one.state)
    return place, since.timestamp() if since else 0.0, run.task_id
