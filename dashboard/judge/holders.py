"""Who holds a lock: exact where the token says it, likely where one run fits the time of the attempt, else unknown."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from dashboard.judge.at_send import sent_holder
from dashboard.judge.facts import Facts, goes_on
from dashboard.records import Candidate, Claim, Evidence, HeldLock, Holder, Run, Word

CLOCKS_DIFFER = timedelta(milliseconds=50)  # a run's times and its token come from one machine's clock, but from two processes
STARTS_TOLD_LATE = timedelta(seconds=2)  # the process of the pool starts it, the worker's own process tells, when it has time
APART_S, LATE_S = CLOCKS_DIFFER.total_seconds(), STARTS_TOLD_LATE.total_seconds()
CLOCKS_WITHIN = timedelta(minutes=5)  # a token from later than this was forged, or its clock is of no use
OWNER_AWAITED = "holder_owner_awaited"  # the code of a lock so young that the run which took it may not have been told yet
CONTRADICTED = "holder_contradicted"  # the code of a token that calls its run by another name than the run is known by
CLEARLY_LATER = timedelta(seconds=1)  # how much worse the second best run must fit
MAX_TOLD = 10  # candidates: enough to start looking, and a thousand locks with as many each are still one page
CUT = "\N{HORIZONTAL ELLIPSIS}"  # ends a name that did not fit into its token


def find_holder(lock: HeldLock, facts: Facts) -> tuple[Holder, Run | None, list[Evidence]]:
    """The holder, the run that it is (where one is known), and why we think so."""
    if not lock.is_lock:
        kind = lock.note.partition(":")[2] or lock.note
        why = [Evidence(code="wrong_type", values={"type": kind}), Evidence(code="no_lock_blocks")]  # SET NX finds it there, whatever it is
        return Holder(certainty="unknown"), None, why
    if lock.taken_by == "send":
        return sent_holder(lock, facts)
    if lock.taken_by != "run":
        return Holder(certainty="unknown"), None, [Evidence(code=f"holder_{lock.taken_by}", values={"at": lock.acquired_at})]
    if lock.claim is None:
        return Holder(certainty="unknown"), None, [Evidence(code="holder_unreadable")]
    if lock.claim.worker or lock.claim.pid:
        return _exact(lock, lock.claim, facts)
    if lock.claim.task_digest:
        return _named(facts.ids.get(lock.claim.task_digest), lock, facts)
    return _likely(lock, lock.claim, facts)


def _exact(lock: HeldLock, claim: Claim, facts: Facts) -> tuple[Holder, Run | None, list[Evidence]]:
    holder = Holder(certainty="exact", task_id=claim.task_id, task_name=claim.task_name, worker=claim.worker, pid=claim.pid, host=claim.host)
    if not claim.worker:
        values = {"host": claim.host, "pid": claim.pid, "at": claim.attempted_at}
        return holder, None, [Evidence(code="holder_outside_worker", values=values)]
    if other := _named_otherwise(claim, facts):
        said = {"task_id": claim.task_id, "claimed": claim.task_name, "worker": claim.worker, "task_name": other.name, "at": claim.attempted_at}
        return Holder(certainty="unknown"), None, [Evidence(code=CONTRADICTED, values=said)]
    values = {"task_id": claim.task_id, "task_name": claim.task_name, "worker": claim.worker, "pid": claim.pid, "at": claim.attempted_at}
    return holder, _run_of(claim, facts), [Evidence(code="holder_token", values=values)]


def _named_otherwise(claim: Claim, facts: Facts) -> Run | None:
    """A run known under the token's id, where all of them are of other tasks than the token says: it is forged, or the id was given twice."""
    known = facts.runs.get(claim.task_id or "", ())
    return known[0] if known and not any(is_named(run, claim.task_name) for run in known) else None


def is_named(run: Run, claimed: str | None) -> bool:
    """Whether nothing contradicts that the run is of the task that a token names; a long name is cut there."""
    if run.name is None or claimed is None:
        return True
    return run.name.startswith(claimed.removesuffix(CUT)) if claimed.endswith(CUT) else run.name == claimed


def _named(task_id: str | None, lock: HeldLock, facts: Facts) -> tuple[Holder, Run | None, list[Evidence]]:
    """The value is a task id and nothing else, or a token that looks like one (None): exact where such a run is known."""
    if task_id is None:
        return Holder(certainty="unknown"), None, [Evidence(code="holder_unreadable")]
    known = facts.runs.get(task_id, ())
    going = [run for run in known if goes_on(run) and run.worker is not None]
    run = next(iter(going or known), None)
    is_later = not going and not any(_had_begun(run, lock.first_seen_at, facts) for run in known)
    if run is None or run.worker is None or len(going) > 1 or is_later:  # given out twice: both go on, or nothing was told of the one that took it
        return Holder(certainty="unknown", task_id=task_id), None, [Evidence(code="holder_task_id", values={"task_id": task_id})]
    holder = Holder(certainty="exact", task_id=task_id, task_name=run.name, worker=run.worker, pid=run.pid)
    return holder, run, [Evidence(code="holder_value", values={"task_id": task_id, "task_name": run.name, "worker": run.worker})]


def _had_begun(run: Run, at: datetime, facts: Facts) -> bool:
    """Whether it may have begun by then, by our clock; of one that was not told when it did it is not known."""
    began_at = run.received_at or run.started_at
    return began_at is None or facts.by_our_clock(run, began_at) <= at + STARTS_TOLD_LATE


def _run_of(claim: Claim, facts: Facts) -> Run | None:
    """The run that the token names, one that goes on before one that ended; None where that id is only known to run elsewhere, by another name or time."""
    fitting = [run for run in facts.runs.get(claim.task_id or "", ()) if _is_the_claims(run, claim)]
    return min(fitting, key=lambda run: run.ended_at is not None, default=None)


def _is_the_claims(run: Run, claim: Claim) -> bool:
    same_place = run.worker in {None, claim.worker} and run.parent_pid in {None, claim.parent_pid, claim.pid}
    same_time = claim.attempted_at is None or may_have_tried(run, claim.attempted_at)
    return same_place and same_time and is_named(run, claim.task_name) and (claim.retries is None or run.retries == claim.retries)


def _likely(lock: HeldLock, claim: Claim, facts: Facts) -> tuple[Holder, Run | None, list[Evidence]]:
    if claim.attempted_at is None:
        return Holder(certainty="unknown"), None, [Evidence(code="holder_unreadable")]
    at = claim.attempted_at
    runs = active_at(at, facts)
    if not runs and at > facts.now + CLOCKS_WITHIN:
        return Holder(certainty="unknown"), None, [Evidence(code="holder_future", values={"at": at})]
    entry = facts.catalogued(lock)
    owner = entry.owner if entry else None
    of_owner = [run for run in runs if run.name == owner] if owner else []
    if owner and not of_owner and facts.now - lock.first_seen_at < STARTS_TOLD_LATE:
        return Holder(certainty="unknown"), None, [Evidence(code=OWNER_AWAITED, values={"at": at, "task_name": owner})]
    return _best_of(of_owner or runs, at, owner if of_owner else None, facts)


def _best_of(runs: Sequence[Run], at: datetime, owner: str | None, facts: Facts) -> tuple[Holder, Run | None, list[Evidence]]:
    """The one of these runs that fits clearly best, or that none does; `owner` where all are of the task that the settings name."""
    nearest = list(islice(_nearest(runs, at), MAX_TOLD))
    told = tuple(Candidate(task_id=run.task_id, task_name=run.name, worker=run.worker, distance=_distance(run, at)) for run in nearest)
    best = _best(nearest[:2], at, facts)
    if best is None:
        code = "holder_none" if not runs else "holder_owner_ambiguous" if owner else "holder_ambiguous"
        values: dict[str, Word] = {"candidates": len(runs), "at": at, **({"task_name": owner} if owner else {})}
        return Holder(certainty="unknown", candidates=len(runs), candidate_runs=told), None, [Evidence(code=code, values=values)]
    known = {"task_id": best.task_id, "task_name": best.name, "worker": best.worker}
    values = {**known, "distance": _distance(best, at), "candidates": len(runs), "at": at}
    holder = Holder(certainty="likely", **known, pid=best.pid, candidates=len(runs), distance=_distance(best, at), candidate_runs=told)
    return holder, best, [Evidence(code="holder_owner_likely" if owner else "holder_likely", values=values)]


def active_at(at: datetime, facts: Facts) -> list[Run]:
    """The runs that may have made a token at that time, in the order of their starts.

    That is by their own clock, for a run and its token have the same, however wrong it is.

    A worker whose clock is known to differ from ours is left out where that time is still to come by its clock.
    """
    seconds = at.timestamp()
    begun, latest_receipt = facts.begun_until(seconds + LATE_S), seconds + APART_S
    runs = [run for _began, received, ended, run in begun if received <= latest_receipt and ended >= seconds]  # as `may_have_tried`, for a thousand locks
    if at <= facts.now and not facts.skewed:
        return runs
    latest = facts.now + CLOCKS_WITHIN
    return [run for run in runs if at - facts.skewed.get((run.worker or "", run.parent_pid), timedelta(0)) <= latest]


def may_have_tried(run: Run, at: datetime) -> bool:
    """Whether it had begun and not ended at that time, by its own clock; that it started is told late by a busy worker, that it was received is not."""
    is_received = run.received_at is None or run.received_at <= at + CLOCKS_DIFFER
    is_started = run.started_at is None or run.started_at <= at + STARTS_TOLD_LATE
    return is_received and is_started and (run.ended_at is None or run.ended_at >= at)


def _nearest(runs: Sequence[Run], at: datetime) -> Iterator[Run]:
    """Those that started nearest to that time first; `runs` are in the order of their starts."""
    later = bisect_right(runs, at, key=lambda run: run.started_at or at)
    earlier = later - 1
    while earlier >= 0 or later < len(runs):
        if later == len(runs) or (earlier >= 0 and _distance(runs[earlier], at) <= _distance(runs[later], at)):
            yield runs[earlier]
            earlier -= 1
        else:
            yield runs[later]
            later += 1


def _distance(run: Run, at: datetime) -> timedelta:
    return abs(at - (run.started_at or at))


def _best(runs: Sequence[Run], at: datetime, facts: Facts) -> Run | None:
    """Of the two that fit best the only one, or the first where it fits closely and the other clearly worse."""
    if len(runs) <= 1:
        return runs[0] if runs else None
    first, second = _distance(runs[0], at), _distance(runs[1], at)
    return runs[0] if first <= facts.policy.likely_within and second >= first + CLEARLY_LATER else None
