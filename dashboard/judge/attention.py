"""What needs attention, grouped by cause: one dead worker with fourteen locks is one row, not fourteen."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from dashboard.judge.facts import Facts, gather
from dashboard.judge.known_tasks import unknown_tasks
from dashboard.judge.schedules import judge_of, silent_beats
from dashboard.judge.servers import mishaps, standing_dangers
from dashboard.judge.twins import no_exclusion
from dashboard.records import Concern, Evidence, JudgedLock, Policy, Snapshot, Worker

SETTLING = timedelta(seconds=3)  # a queue may be without a reader for a moment while a worker starts
BLINDING = {"broker", "events", "workers", "lockhouse"}  # without these nothing can be said of workers and readers
MAX_NAMED = 3
LEFT = {"lapsed", "released_by_hand", "lock_flushed", "lock_failover", "lock_restarted", "lock_deleted"}  # how a lock left a run that goes on
REMEMBERED = timedelta(minutes=10)  # a worker that has been gone for longer is no news


def concerns(snapshot: Snapshot, judged: Sequence[JudgedLock], now: datetime, policy: Policy) -> list[Concern]:
    """The rows of "what needs attention": unreachable sources, locks that went at once, locks by cause, queues that nobody reads, tasks that nobody
    knows, workers that are gone, servers that may delete locks.
    """
    facts = gather(snapshot, now, policy)
    found = [*_sources(facts), *mishaps(facts), *_locks(judged), *no_exclusion(judged)]
    if facts.is_stale or any(not source.ok for source in snapshot.sources if source.name in BLINDING):
        return [*found, *standing_dangers(facts)]  # a silence may be ours, and a reader may have come back
    named = {lock.holder.worker for concern in found for lock in concern.locks if _is_left_by_its_worker(lock)}
    workers = [concern for concern in _workers(facts) if concern.subject not in named]
    return [*found, *_beats(facts), *_queues(facts), *unknown_tasks(facts), *workers, *standing_dangers(facts)]


def _sources(facts: Facts) -> Iterator[Concern]:
    if facts.snapshot.at is not None and facts.is_stale:
        yield Concern(kind="source", subject="observer", evidence=[Evidence(code="stale", values={"at": facts.snapshot.at})])
    for source in facts.snapshot.sources:
        if not source.ok:
            fact = Evidence(code="source_unavailable", values={"source": source.name, "since": source.since, "reason": source.reason})
            yield Concern(kind="source", subject=source.name, evidence=[fact])


def _locks(judged: Sequence[JudgedLock]) -> Iterator[Concern]:
    beside: dict[str, list[JudgedLock]] = defaultdict(list)  # by lock: its runs that go on at once, those without it as well
    causes: dict[tuple[str, str], list[JudgedLock]] = defaultdict(list)
    overlapping = {one.lock.id for one in judged if one.verdict == "overlapping"}
    for one in judged:
        if one.lock.id in overlapping and one.verdict in {"overlapping", "overrun"}:
            beside[one.lock.id].append(one)
        elif one.needs_attention:
            together = one.holder.worker if one.verdict == "orphaned" else None
            causes[one.verdict, together or one.lock.id + str(one.lock.lapsed_at)].append(one)
    yield from map(_overlap, beside.values())
    for (verdict, worker), locks in causes.items():
        several = len(locks) > 1
        yield Concern(kind=verdict, subject=worker if several else locks[0].lock.name, evidence=locks[0].evidence, locks=locks)


def _is_left_by_its_worker(lock: JudgedLock) -> bool:
    """Whether its row says already that the whole worker is gone: what one of its processes left, or left long ago, says nothing of it now."""
    before = next((fact.values.get("proof") for fact in lock.evidence if fact.code == "proved_before"), None)
    codes = {before} if before else {fact.code for fact in lock.evidence}
    return lock.verdict == "orphaned" and "worker_silent" in codes


def _overlap(together: Sequence[JudgedLock]) -> Concern:
    """One row for a lock with several runs: the one that holds it, else the last that did, with how it left the others."""
    last = min((one for one in together if one.verdict == "overlapping"), key=lambda one: one.lock.lapsed_at is not None)
    beside, *rest = last.evidence
    left = [fact for one in together if one is not last for fact in one.evidence if fact.code in LEFT]
    return Concern(kind="overlapping", subject=last.lock.name, evidence=[beside, *left, *rest], locks=[last])


def _queues(facts: Facts) -> Iterator[Concern]:
    for queue in facts.snapshot.queues:
        since = queue.unread_since
        if queue.ready and queue.consumers == () and since is not None and facts.now - since >= SETTLING:
            fact = Evidence(code="no_reader", values={"queue": queue.name, "ready": queue.ready, "since": since, "is_minimum": queue.unread_is_minimum})
            yield Concern(kind="no-reader", subject=queue.name, evidence=[fact], queues=[queue])


def _beats(facts: Facts) -> Iterator[Concern]:
    for beat in silent_beats(judge_of(facts)) if facts.snapshot.schedules else ():
        names = [entry.name for entry in beat.overdue]
        fact = Evidence(code="beat_silent", values={"since": beat.last_at, "count": len(names), "names": names[:MAX_NAMED], "source": beat.overdue[0].source})
        yield Concern(kind="beat-silent", subject=beat.name, evidence=[fact])


def _workers(facts: Facts) -> Iterator[Concern]:
    for name, processes in facts.workers.items():
        newest = processes[0]
        if newest.said_offline_at is None and facts.silent(newest) and facts.now - newest.last_heard_at < REMEMBERED:
            yield Concern(kind="worker-gone", subject=name, evidence=list(_gone(newest)))


def _gone(worker: Worker) -> Iterator[Evidence]:
    yield Evidence(code="worker_silent", values={"worker": worker.name, "last_heard_at": worker.last_heard_at})
    if worker.connection_gone_at is not None:
        yield Evidence(code="connection_gone", values={"worker": worker.name, "at": worker.connection_gone_at})
    else:
        yield Evidence(code="connection_open" if worker.connection_known else "connection_unknown", values={"worker": worker.name})
