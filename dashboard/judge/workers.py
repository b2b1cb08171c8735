"""In what state each worker is, and what is odd about it: one row a name, with the processes that had it. Pure; doubt counts as alive."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.judge.facts import Facts, gather
from dashboard.judge.query import within, words_of
from dashboard.judge.runs import JudgedRun
from dashboard.judge.silence import name_is_shared
from dashboard.judge.standing import STATES, Standings, busy
from dashboard.records import Evidence, JudgedLock, Policy, Snapshot, Worker
from dashboard.records.identity import identity

RESTARTS = 3  # that many times in RESTARTS_WITHIN is no deploy
RESTARTS_WITHIN = timedelta(minutes=10)
FIELDS = frozenset({"worker", "state", "queue", "task", "pool", "warning"})


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedWorker:
    """The process that answers to a name, or did last, with what we make of it."""

    worker: Worker
    state: str  # one of STATES
    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[Evidence, ...] = ()
    runs: tuple[JudgedRun, ...] = ()  # that go on in it, as far as is known
    before: tuple[Worker, ...] = ()  # other processes of that name, the newest first
    busy: int | None = None  # how many runs it said are active; None where that is not known, or no longer

    @property
    def id(self) -> str:
        return identity(self.worker.name)

    @property
    def locks(self) -> list[JudgedLock]:
        """Those that its runs hold."""
        return [lock for run in self.runs for lock in run.locks]


def judge_workers(snapshot: Snapshot, runs: Sequence[JudgedRun], now: datetime, policy: Policy) -> list[JudgedWorker]:
    """One for each name: those that are gone or silent first, then by name, those that have stopped last.  Cost: one pass, no I/O."""
    facts = gather(snapshot, now, policy)
    going: dict[str, list[JudgedRun]] = defaultdict(list)
    for one in runs:
        if one.is_going and one.run.worker:
            going[one.run.worker].append(one)
    standings = Standings(facts)
    judged = [_judged(processes, going.get(name, ()), facts, standings) for name, processes in facts.workers.items()]
    return sorted(judged, key=lambda one: (STATES.index(one.state), one.worker.name))


def _judged(processes: list[Worker], runs: Sequence[JudgedRun], facts: Facts, standings: Standings) -> JudgedWorker:
    worker = next((one for one in processes if one.said_offline_at is None and not facts.silent(one)), processes[0])
    own = tuple(one for one in runs if one.run.parent_pid in {None, worker.pid})
    state, evidence = standings.of(worker, processes)
    warnings = tuple(_warnings(worker, processes, state, facts))
    before = tuple(one for one in processes if one is not worker)
    active = busy(worker, state, facts.now, facts.policy)
    return JudgedWorker(worker=worker, state=state, evidence=evidence, warnings=warnings, runs=own, before=before, busy=active)


def _warnings(worker: Worker, processes: list[Worker], state: str, facts: Facts) -> Iterator[Evidence]:
    name = worker.name
    if name_is_shared(processes, facts):
        yield Evidence(code="name_shared", values={"worker": name})
    restarts = sum(1 for one in processes for at in one.online_at if facts.now - at < RESTARTS_WITHIN)
    if restarts >= RESTARTS:
        yield Evidence(code="worker_restarts", values={"worker": name, "count": restarts, "within": RESTARTS_WITHIN})
    if state != "online":
        return
    if worker.answers is False:
        yield Evidence(code="worker_answers_nothing", values={"worker": name})
    if worker.sends_events is False:
        yield Evidence(code="worker_mute", values={"worker": name})
    if worker.clock_skew is not None:
        code = "worker_clock_ahead" if worker.clock_skew > timedelta(0) else "worker_clock_behind"
        yield Evidence(code=code, values={"worker": name, "skew": timedelta(seconds=round(abs(worker.clock_skew).total_seconds()))})


def matches_worker(one: JudgedWorker, query: str) -> bool:
    """Whether it has every part of the query: free words, and `field:value` for worker, state, queue, task, pool, warning."""
    return all(_has(one, field, value) for field, value in words_of(query, FIELDS))


def _has(one: JudgedWorker, field: str, value: str) -> bool:
    worker = one.worker
    if field == "state":
        return value == one.state
    texts: Mapping[str, tuple[str | None, ...]] = {
        "worker": (worker.name,),
        "queue": worker.queues or (),
        "task": (*(worker.tasks or ()), *(run.run.name for run in one.runs)),
        "pool": (worker.pool,),
        "warning": tuple(fact.code for fact in one.warnings),
    }
    return within(value, texts.get(field, (worker.name, *(worker.queues or ()))))
