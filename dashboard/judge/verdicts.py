"""The verdict on each lock: a pure function of the lock, its holder, runs and workers, with every fact that it rests on."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from dashboard.judge.alibis import without_others
from dashboard.judge.at_send import life_of_sent
from dashboard.judge.ends import unless_it_comes_again
from dashboard.judge.facts import DEFAULT_VISIBILITY_TIMEOUT, Facts, Life, gather
from dashboard.judge.holders import find_holder
from dashboard.judge.life import life_of
from dashboard.judge.proofs import remembered
from dashboard.judge.twins import with_twins
from dashboard.records import CatalogueEntry, Evidence, HeldLock, Holder, JudgedLock, Policy, Run, Snapshot, Word

URGENCY = ("overlapping", "orphaned", "overrun", "expiring", "never-expires", "unknown", "held")
MISSED_FOR = timedelta(hours=6)  # a run that found no room may go on, and take a lock later; its worker names it again if it can
UNSEEN_FOR = timedelta(seconds=15)  # every lock is read within ten
READ_WITHIN = timedelta(seconds=3)  # a lock past its deadline is read again each second
ENDS_TOLD_WITHIN = timedelta(seconds=4)  # the library deletes its lock before the worker tells that the run ended
PROCESS_GONE = {"worker_lost", "worker_silent", "process_gone", "pid_given_again"}  # with its run in the middle
REPORTS_REFUSALS = {"lockhouse"}  # dialects whose refused and waiting attempts, and losses, are told by the worker itself


def assess(snapshot: Snapshot, now: datetime, policy: Policy) -> list[JudgedLock]:
    """Every lock with its verdict, the most urgent first, then the one held longest.  Cost: one pass, no I/O."""
    facts = gather(snapshot, now, policy)
    judged = [found for lock in snapshot.locks if (found := _judge(lock, facts))]
    return sorted(
        with_twins(list(_with_overlaps(judged))), key=lambda one: (URGENCY.index(one.verdict), one.lock.acquired_at or one.lock.first_seen_at, one.lock.name)
    )


def is_settling(lock: HeldLock, now: datetime) -> bool:
    """Whether it was deleted so lately that the word of its run's end may still be on the way: then nobody else deleted it."""
    return lock.went == "deleted" and lock.lapsed_at is not None and now - lock.lapsed_at < ENDS_TOLD_WITHIN


def _judge(lock: HeldLock, facts: Facts) -> JudgedLock | None:
    if is_settling(lock, facts.now):
        return None
    holder, run, why = find_holder(lock, facts)
    entry = facts.catalogued(lock)
    life = remembered(lock, believable(lock, holder, run, entry, facts))
    if lock.lapsed_at is not None and (life.state == "dead" or (life.state == "unknown" and not _is_its_run_known(lock, holder, facts))):
        return None  # an expired lock whose run has ended, or cannot be named, is history
    too_short = _ends_before(lock, run, facts) if life.state == "alive" else None
    raised = set(_flags(lock, life, facts)) | ({"expiring"} if too_short else set())
    flags = [word for word in URGENCY if word in raised]
    evidence = [*why, *life.evidence, *_of_the_lock(lock, flags, facts), *([too_short] if too_short else ()), *_what_becomes_of_the_run(life, holder, facts)]
    return JudgedLock(
        lock=lock,
        holder=_with_pid(holder, run),
        verdict=flags[0],
        flags=flags,
        evidence=evidence,
        refused_last_hour=_told(len(facts.refusals.get(lock.id, ())), lock, facts),
        waiting=_told(len(facts.waits.get(lock.id, ())), lock, facts),
        lost_last_hour=_told(len(facts.losses.get(lock.id, ())), lock, facts),
        counted_since=facts.snapshot.flow.since,
        blocks=entry.blocks if entry else "",
        label=entry.label if entry else "",
        model=entry.model if entry and entry.object_id else "",
        object_id=entry.object_id if entry else "",
        no_release=_no_release(lock, entry, facts.policy),
    )


def _is_its_run_known(lock: HeldLock, holder: Holder, facts: Facts) -> bool:
    """Whether a run is named for certain, of a worker that was heard of: anybody can write a token."""
    return holder.certainty == "exact" and lock.taken_by == "run" and holder.worker in facts.workers


def _no_release(lock: HeldLock, entry: CatalogueEntry | None, policy: Policy) -> str:
    """Why it may not be released: a plain token may be anything under a name that no setting lists as a lock's."""
    if lock.taken_by == "broker":
        return "internal"
    if entry is not None:
        return "" if entry.may_release else "forbidden"
    is_listed = lock.dialect != "redis-py" or policy.lock_patterns is None or any(fnmatchcase(lock.name, glob) for glob in policy.lock_patterns)
    return "" if is_listed else "not-listed"


def believable(lock: HeldLock, holder: Holder, run: Run | None, entry: CatalogueEntry | None, facts: Facts) -> Life:
    """The holder's life, less what old readings or a mere likelihood cannot carry."""
    if facts.is_stale:
        return Life(state="unknown", evidence=(Evidence(code="stale", values={"at": facts.snapshot.at}),))
    if away := next((source for source in facts.snapshot.sources if source.name in {f"cache {lock.cache}", "workers"} and not source.ok), None):
        fact = Evidence(code="source_unavailable", values={"source": away.name, "since": away.since})
        return Life(state="unknown", evidence=(fact,))
    if lock.taken_by != "run":
        return life_of_sent(lock, holder, run, facts) if lock.taken_by == "send" else _renewed(lock, facts)
    is_named = lock.claim is not None and lock.claim.worker is not None  # else only the run tells which process it is
    parent_pid = lock.claim.parent_pid if lock.claim and is_named else run.parent_pid if run else None
    life = unless_it_comes_again(life_of(lock, holder, run, parent_pid, facts), lock, run, facts)
    owned = entry is not None and entry.owner is not None and entry.owner == holder.task_name
    if life.state != "dead" or holder.certainty != "likely":
        return life
    if not owned or run is None or lock.claim is None or lock.claim.attempted_at is None:
        return Life(state="unknown", evidence=(*life.evidence, Evidence(code="only_likely", values={"task_name": holder.task_name})))
    missed_at = facts.snapshot.candidates_missed_at
    if missed_at is not None and facts.now - missed_at <= MISSED_FOR:
        return Life(state="unknown", evidence=(*life.evidence, Evidence(code="candidates_missed", values={"at": missed_at})))
    return without_others(lock, lock.claim.attempted_at, run, life, facts)


def _renewed(lock: HeldLock, facts: Facts) -> Life:
    """A beat puts its deadline off several times before it is due; that it did so lately is its sign of life, and there is no other."""
    if lock.renewed_at is None or lock.expires_at is None:
        return Life(state="unknown", evidence=())
    lately = facts.now - lock.renewed_at <= (lock.expires_at - lock.renewed_at) / 2
    return Life(state="alive" if lately else "unknown", evidence=(Evidence(code="renewed", values={"at": lock.renewed_at}),))


def _flags(lock: HeldLock, life: Life, facts: Facts) -> Iterator[str]:
    if lock.lapsed_at is not None:
        yield "unknown" if life.state == "unknown" or _may_have_been_released(lock, facts) else "overrun"
        return
    if is_overdue(lock, facts.now):
        yield "unknown"
        return
    if life.state == "dead":
        yield "orphaned"
    if lock.never_expires:
        yield "never-expires"
    elif _is_expiring(lock, facts):
        yield "expiring"
    yield {"dead": "orphaned", "alive": "held", "unknown": "unknown"}[life.state]


def _may_have_been_released(lock: HeldLock, facts: Facts) -> bool:
    """Whether nobody looked at it for long before it expired, as while its cache did not answer: then its run may have given it back."""
    is_told = any(loss.token_digest == lock.token_digest for loss in facts.losses.get(lock.id, ()))
    if lock.lapsed_at is None or lock.went is not None or lock.released_by is not None or is_told:
        return False
    return lock.lapsed_at - lock.seen_at > UNSEEN_FOR


def is_overdue(lock: HeldLock, now: datetime) -> bool:
    """Its deadline passed, and that it expired was not seen: it could not be read since."""
    return lock.lapsed_at is None and lock.expires_at is not None and now - lock.expires_at > READ_WITHIN


def _is_expiring(lock: HeldLock, facts: Facts) -> bool:
    if lock.expires_at is None:
        return False
    within = facts.policy.expiring_within
    if lock.timeout is not None:
        within = min(within, lock.timeout * facts.policy.expiring_share)
    return lock.expires_at - facts.now <= within


def _ends_before(lock: HeldLock, run: Run | None, facts: Facts) -> Evidence | None:
    """That the lock is likely to expire under its run, by how long the last runs of its task took; None: it is not, or that is not known."""
    longest = facts.longest.get(run.name or "") if run is not None else None
    if run is None or longest is None or run.started_at is None or lock.expires_at is None or lock.lapsed_at is not None or is_overdue(lock, facts.now):
        return None
    until = facts.by_our_clock(run, run.started_at) + longest
    values: dict[str, Word] = {"task_name": run.name, "expires_at": lock.expires_at, "longest": longest, "until": until}
    return Evidence(code="expires_before_done", values=values) if lock.expires_at < until else None


def _of_the_lock(lock: HeldLock, flags: Sequence[str], facts: Facts) -> Iterator[Evidence]:
    if lock.lapsed_at is not None and lock.released_by is not None:
        yield Evidence(code="released_by_hand", values={"at": lock.lapsed_at, "by": lock.released_by})
    elif lock.lapsed_at is not None:
        yield Evidence(code=f"lock_{lock.went}" if lock.went else "lapsed", values={"at": lock.lapsed_at, "dialect": lock.dialect})
    if _may_have_been_released(lock, facts):
        yield Evidence(code="lock_unseen", values={"seen_at": lock.seen_at})
    if loss := next((loss for loss in facts.losses.get(lock.id, ()) if loss.token_digest == lock.token_digest), None):
        yield Evidence(code="lock_lost", values={"at": loss.at, "task_id": loss.task_id})
    if is_overdue(lock, facts.now):
        yield Evidence(code="past_deadline", values={"at": lock.expires_at, "seen_at": lock.seen_at})
    if "never-expires" in flags:
        yield Evidence(code="never_expires")
    if "expiring" in flags:
        yield Evidence(code="expiring", values={"expires_at": lock.expires_at})


def _what_becomes_of_the_run(life: Life, holder: Holder, facts: Facts) -> Iterator[Evidence]:
    """Whether a dead holder's run will come again: Redis gives out again what was not acknowledged, and nothing else."""
    if life.state != "dead" or holder.task_id is None:
        return
    message = facts.unacked.get(holder.task_id)
    if message is not None:
        known = [worker.visibility_timeout for workers in facts.workers.values() for worker in workers if worker.visibility_timeout]
        wait = min(known, default=DEFAULT_VISIBILITY_TIMEOUT)
        due_at = message.fetched_at + wait if message.fetched_at else None
        yield Evidence(code="message_unacked", values={"task_id": holder.task_id, "queue": message.queue, "due_at": due_at})
    elif any(fact.code in PROCESS_GONE for fact in life.evidence) and _unacked_is_known(facts):
        yield Evidence(code="run_lost", values={"task_id": holder.task_id})


def _unacked_is_known(facts: Facts) -> bool:
    return any(source.name == "broker" and source.ok for source in facts.snapshot.sources)


def _with_pid(holder: Holder, run: Run | None) -> Holder:
    return replace(holder, pid=run.pid) if holder.pid is None and run is not None else holder


def _told(count: int, lock: HeldLock, facts: Facts) -> int | None:
    """What workers reported of it; None: nobody reports it of this lock, or nobody hears it."""
    is_told = lock.dialect in REPORTS_REFUSALS and facts.snapshot.flow.since is not None
    return count if count or is_told else None


def _with_overlaps(judged: Sequence[JudgedLock]) -> Iterator[JudgedLock]:
    """Mark the locks that were taken anew while a run before still goes on, be they held or lost since."""
    overrun: dict[str, list[JudgedLock]] = defaultdict(list)
    for one in judged:
        if "overrun" in one.flags:
            overrun[one.lock.id].append(one)
    for one in judged:
        before = [other for other in overrun.get(one.lock.id, ()) if _is_beside(one, other)]
        if not before:
            yield one
            continue
        last = max(before, key=_taken_at)
        fact = Evidence(code="overlapping", values={"task_id": last.holder.task_id, "worker": last.holder.worker})
        yield replace(one, verdict="overlapping", flags=["overlapping", *one.flags], evidence=[fact, *one.evidence])


def _is_beside(one: JudgedLock, other: JudgedLock) -> bool:
    """Whether one goes on beside the other, which had lost the lock before."""
    if "held" in one.flags:
        return other is not one
    return "overrun" in one.flags and _taken_at(other) < _taken_at(one)


def _taken_at(one: JudgedLock) -> datetime:
    return one.lock.acquired_at or one.lock.first_seen_at
