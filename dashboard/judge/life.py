"""Does the holder still live? Doubt counts as alive: `dead` needs proof, and what cannot be known is `unknown`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from dashboard.judge.facts import Facts
from dashboard.records import Evidence, HeldLock, Holder, Run, Word, Worker

ABSENT_FOR = timedelta(seconds=3.5)  # two rounds of asking: one answer may have crossed the start or the end of a run
TOGETHER = timedelta(seconds=5)  # two processes of one name heard this long beside each other are no restart


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What can be said of the holder's life, and the facts that say it."""

    state: Literal["alive", "dead", "unknown"]
    evidence: tuple[Evidence, ...]


def _say(state: Literal["alive", "dead", "unknown"], code: str, **values: Word) -> Life:
    return Life(state=state, evidence=(Evidence(code=code, values=values),))


def life_of(lock: HeldLock, holder: Holder, run: Run | None, parent_pid: int | None, facts: Facts) -> Life:
    """Whether the holder lives, by the first rule that can tell.

    A run that ended, or a process that its own worker no longer has, is gone; a worker that said goodbye lives until its run's own end;
    a silent worker is gone only when it was asked, did not answer, and the broker has closed the connection of its heartbeats: a frozen
    one keeps it open.  Source: tried with SIGKILL, SIGSTOP and SIGTERM on Celery 5.7 and Valkey 9.1.
    """
    if holder.worker is None:
        return Life(state="unknown", evidence=())
    processes = facts.workers.get(holder.worker, [])
    mine = incarnation(processes, parent_pid, holder.pid)
    if (ended := _ended(lock, run, facts)) and not _still_listed(holder, mine, facts):
        return ended
    if mine is None:
        return _unheard(holder, processes)
    return life_of_process(mine, processes, facts) or _heard(lock, holder, run, mine, facts)


def life_of_process(mine: Worker, processes: list[Worker], facts: Facts) -> Life | None:
    """Whether this one of a name's processes lives, where it is leaving, silent, or has a namesake; None: it is heard, and lives."""
    if name_is_shared(processes, facts):
        return _say("unknown", "name_shared", worker=mine.name)
    if mine.said_offline_at is not None:
        patient = facts.now - mine.said_offline_at <= facts.policy.leaving_patience
        return _say("alive" if patient else "unknown", "worker_leaving", worker=mine.name, at=mine.said_offline_at)
    return _silent(mine, processes, facts) if facts.silent(mine) else None


def _ended(lock: HeldLock, run: Run | None, facts: Facts) -> Life | None:
    """The run's own end, once a release on its way to us would have arrived."""
    began = lock.claim.attempted_at if lock.claim and lock.claim.attempted_at else lock.first_seen_at
    if run is None or run.ended_at is None or run.ended_at < began or facts.now - run.ended_at < facts.policy.answer_margin:
        return None
    if run.error and "WorkerLostError" in run.error:
        return _say("dead", "worker_lost", worker=run.worker, pid=run.pid, at=run.ended_at)
    return _say("dead", "run_ended", task_id=run.task_id, outcome=run.outcome, at=run.ended_at)


def _still_listed(holder: Holder, mine: Worker | None, facts: Facts) -> bool:
    """Whether a worker that answers still names the run: anybody can publish that a run ended, only its worker answers for it."""
    return mine is not None and mine.said_offline_at is None and not facts.silent(mine) and holder.task_id in (mine.active or ())


def incarnation(processes: list[Worker], parent_pid: int | None, pid: int | None) -> Worker | None:
    """The very process that a lock or a run belongs to; without a pid to go by, the only one of that name."""
    wanted = {parent_pid, pid} - {None}
    if wanted:
        return next((worker for worker in processes if worker.pid in wanted), None)
    return processes[0] if len(processes) == 1 else None


def _unheard(holder: Holder, processes: list[Worker]) -> Life:
    """Its process was never heard of by us; that another one has its name proves nothing, for the first may be leaving."""
    return _say("unknown", "worker_unknown", worker=holder.worker, namesakes=len(processes))


def name_is_shared(processes: list[Worker], facts: Facts) -> bool:
    """Whether two processes that are heard now call themselves the same."""
    newest = processes[0]
    others = [worker for worker in processes[1:] if worker.said_offline_at is None]
    return any(worker.last_heard_at > newest.first_heard_at + TOGETHER and not facts.silent(worker) for worker in others)


def _silent(mine: Worker, processes: list[Worker], facts: Facts) -> Life:
    evidence = list(_silence(mine, processes))
    replaced = any(code.code == "worker_replaced" for code in evidence)
    was_asked = mine.asked_at is not None and mine.asked_at > mine.last_heard_at
    gone = mine.connection_gone_at is not None and mine.connection_gone_at >= mine.last_heard_at - TOGETHER
    proved = gone and (was_asked or replaced)
    return Life(state="dead" if proved else "unknown", evidence=tuple(evidence))


def _silence(mine: Worker, processes: list[Worker]) -> Iterator[Evidence]:
    yield Evidence(code="worker_silent", values={"worker": mine.name, "last_heard_at": mine.last_heard_at})
    newer = processes[0]
    if newer is not mine and newer.pid != mine.pid and newer.first_heard_at > mine.last_heard_at:
        yield Evidence(code="worker_replaced", values={"worker": mine.name, "pid": mine.pid, "new_pid": newer.pid, "since": newer.first_heard_at})
    elif mine.asked_at is not None and mine.asked_at > mine.last_heard_at:
        yield Evidence(code="worker_no_answer", values={"worker": mine.name, "asked_at": mine.asked_at})
    if mine.connection_gone_at is not None:
        yield Evidence(code="connection_gone", values={"worker": mine.name, "at": mine.connection_gone_at})
    else:
        yield Evidence(code="connection_open" if mine.connection_known else "connection_unknown", values={"worker": mine.name})


def _heard(lock: HeldLock, holder: Holder, run: Run | None, mine: Worker, facts: Facts) -> Life:
    """The worker lives: does it still have this process, and this run?"""
    if _process_is_gone(lock, holder, mine, facts):
        return _say("dead", "process_gone", worker=mine.name, pid=holder.pid, answered_at=mine.pool_read_at)
    if mine.answered_at is not None and mine.active is not None and holder.task_id in mine.active:
        return _say("alive", "run_active", task_id=holder.task_id, worker=mine.name, seen_at=mine.answered_at)
    last_active = max(filter(None, (lock.first_seen_at, run.last_active_at if run else None)))
    if mine.answered_at is not None and mine.active is not None and mine.answered_at - last_active >= ABSENT_FOR:
        return _say("dead", "run_not_active", worker=mine.name, task_id=holder.task_id, answered_at=mine.answered_at)
    if run is not None and run.started_at is not None:
        return _say("alive", "run_started", task_id=run.task_id, worker=mine.name, at=run.started_at)
    young = facts.now - lock.first_seen_at < facts.policy.grace
    return _say("alive" if young else "unknown", "worker_heard", worker=mine.name, last_heard_at=mine.last_heard_at)


def _process_is_gone(lock: HeldLock, holder: Holder, mine: Worker, facts: Facts) -> bool:
    """Its pool was read well after the lock was seen, and this process is no longer one of it (prefork only: others share their pid)."""
    if mine.pool != "prefork" or mine.processes is None or mine.pool_read_at is None or holder.pid in {None, mine.pid}:
        return False
    return holder.pid not in mine.processes and mine.pool_read_at - lock.first_seen_at >= facts.policy.answer_margin
