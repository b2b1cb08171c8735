"""What happened to a run, moment by moment: codes with values, which `words` words. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.judge.runs import JudgedRun
from dashboard.records import Evidence, LockMoment, Refusal, Snapshot, Word

OF_LOCKS = {  # what the history says of a lock -> what it means to the run
    "acquired": "run_took_lock", "waiting": "run_waited_for_lock", "released": "run_gave_back_lock", "expired": "run_lost_lock", "lost": "run_found_lock_lost",
    "extended": "run_lock_extended", "by-hand": "run_lock_released_by_hand", "flushed": "run_lock_flushed", "changed": "run_lock_taken_over",
    "restored": "run_lock_put_back", "removed": "run_lock_removed",
}  # fmt: skip
LEFT_BEHIND = {"expired": "run_left_lock_expired", "released": "run_left_lock_removed", "flushed": "run_left_lock_removed", "changed": "run_left_lock_removed"}
BAD = {"run_lost_lock", "run_found_lock_lost", "run_lock_released_by_hand", "run_lock_flushed", "run_lock_taken_over", "run_lock_removed"}
ITS_OWN = {"run_took_lock", "run_waited_for_lock", "run_gave_back_lock", "run_found_lock_lost"}
ASIDE = frozenset({*OF_LOCKS.values(), *LEFT_BEHIND.values(), "run_last_active"})  # seen by us, or by its worker at any time
TOLD_WITHIN = timedelta(seconds=5)  # what a run did to its lock is seen: at once, or by the next look


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened to a run, or that is still to come."""

    at: datetime | None  # None: when is not known
    what: Evidence
    retries: int = 0  # of the execution that it belongs to
    tone: str = ""  # "bad" or "good", where it is
    is_ahead: bool = False
    lock_id: str = ""  # the lock that it is about
    is_likely: bool = False  # that it was this run is only likely


def moments(executions: Sequence[JudgedRun], snapshot: Snapshot, now: datetime, given_again: timedelta, past: Sequence[LockMoment] = ()) -> list[Moment]:
    """The life of one task id, one execution after the other, each as one thing leads to the next.

    `given_again` is the visibility timeout, `past` what the history has of its locks.
    """
    found: list[Moment] = []
    for one in reversed(executions):
        of_locks = [_of_lock(moment, one) for moment in past if moment.what in OF_LOCKS and moment.run == one.run.row and not _is_told(moment, one)]
        found += _in_order([*_of_one(one, snapshot, now), *of_locks], is_over=one.run.ended_at is not None)
    return found + list(_ahead(executions[0], snapshot, now, given_again)) if executions else []


def _is_told(moment: LockMoment, one: JudgedRun) -> bool:
    """Whether the lock is told of as it is now."""
    is_held = any((lock.lock.id, lock.lock.token_digest) == (moment.lock_id, moment.token_digest) for lock in one.locks)
    return is_held and moment.what in {"acquired", "expired"}


def _of_lock(moment: LockMoment, one: JudgedRun) -> Moment:
    code, is_likely = OF_LOCKS[moment.what], moment.certainty == "likely"
    if one.ended_at is not None and moment.at - one.ended_at > (timedelta(0) if moment.what == "expired" else TOLD_WITHIN):
        code = LEFT_BEHIND.get(moment.what, code)
    values: dict[str, Word] = {"lock": moment.name, "waited": moment.span, "held": moment.span, "by": moment.by}
    tone = "bad" if code in BAD and not is_likely else ""
    what = Evidence(code=code, values=values)
    return Moment(at=moment.at, what=what, retries=one.run.retries, tone=tone, lock_id=moment.lock_id, is_likely=is_likely)


def _in_order(told: Sequence[Moment], *, is_over: bool) -> list[Moment]:
    """Sent, received, begun, turned away, ended: as one leads to the next, for their times are by different clocks; what is told of locks by its time.

    What a run did to a lock it did before it ended, though it is told a moment later.
    """
    found = [moment for moment in told if moment.what.code not in ASIDE]
    end = found[-1] if found and is_over else None
    for one in sorted((moment for moment in told if moment.what.code in ASIDE), key=lambda moment: (moment.at is None, moment.at)):
        last = found.index(end) if end is not None and one.what.code in ITS_OWN else len(found)
        before = (place for place in range(last, 0, -1) if one.at is None or (at := found[place - 1].at) is None or at <= one.at)
        found.insert(next(before, 0), one)
    return found


def _of_one(one: JudgedRun, snapshot: Snapshot, now: datetime) -> Iterator[Moment]:
    run = one.run

    def at(when: datetime | None, code: str, *, tone: str = "", lock_id: str = "", **values: Word) -> Moment:
        return Moment(at=when, what=Evidence(code=code, values=values), retries=run.retries, tone=tone, lock_id=lock_id)

    received, began = one.by_our_clock(run.received_at), one.began_at
    if run.sent_at is not None:
        yield at(run.sent_at, "run_sent_to" if run.queue else "run_sent", origin=run.origin, queue=run.queue)
    if run.worker is not None and received is not None:
        yield at(received, "run_received_again" if run.redelivered else "run_received", worker=run.worker, waited=_between(run.sent_at, received))
    if began is not None:
        yield at(began, "run_began" if run.pid is None else "run_began_in", worker=run.worker, pid=run.pid, waited=_between(received, began))
    for lock in one.locks:
        yield at(lock.lock.acquired_at or lock.lock.first_seen_at, "run_took_lock", lock=lock.lock.name, lock_id=lock.lock.id)
        if lock.lock.lapsed_at is not None:
            yield at(lock.lock.lapsed_at, "run_lost_lock", tone="bad", lock=lock.lock.name, lock_id=lock.lock.id)
    for refusal in _refusals(one, snapshot):
        yield at(one.by_our_clock(refusal.at), "run_turned_away", lock=refusal.name, lock_id=refusal.lock_id, waited=refusal.waited)
    if run.ended_at is not None:
        yield at(one.ended_at, f"run_{one.state}", tone={"succeeded": "good", "failed": "bad"}.get(one.state, ""), runtime=run.runtime, lock=run.refused_by)
    elif one.state in {"lost", "unknown"}:
        yield at(run.last_active_at, "run_last_active", tone="bad" if one.state == "lost" else "", worker=run.worker)


def _refusals(one: JudgedRun, snapshot: Snapshot) -> list[Refusal]:
    """What its locks' reports say; where they are forgotten, what the run itself kept."""
    run = one.run
    told = [refusal for refusal in snapshot.refusals if refusal.task_id == run.task_id and _within(refusal.at, run.started_at, run.ended_at)]
    if told or run.refused_by is None or run.refused_at is None:
        return told
    return [Refusal(lock_id=run.refused_lock_id or "", cache="", name=run.refused_by, at=run.refused_at, task_id=run.task_id)]


def _within(at: datetime, began: datetime | None, ended: datetime | None) -> bool:
    slack = timedelta(seconds=1)
    return (began is None or at >= began - slack) and (ended is None or at <= ended + slack)


def _between(began: datetime | None, ended: datetime) -> timedelta | None:
    return ended - began if began is not None and ended >= began else None


def _ahead(one: JudgedRun, snapshot: Snapshot, now: datetime, given_again: timedelta) -> Iterator[Moment]:
    """What is to come of the latest execution."""
    run = one.run

    def at(when: datetime, code: str, *, lock_id: str = "", **values: Word) -> Moment:
        return Moment(at=when, what=Evidence(code=code, values=values), retries=run.retries, is_ahead=when > now, lock_id=lock_id)

    if not one.is_going:
        return
    if run.eta_at is not None and run.started_at is None and run.eta_at > now:
        yield at(run.eta_at, "run_due")
    for lock in one.locks:
        if lock.lock.expires_at is not None and lock.lock.lapsed_at is None:
            yield at(lock.lock.expires_at, "run_lock_expires", lock=lock.lock.name, lock_id=lock.lock.id)
    if run.expires_at is not None and run.started_at is None:
        yield at(run.expires_at, "run_expires")
    message = next((message for message in snapshot.unacked if message.task_id == run.task_id), None)
    if message is not None and message.fetched_at is not None:
        yield at(message.fetched_at + given_again, "run_due_again", queue=message.queue)
