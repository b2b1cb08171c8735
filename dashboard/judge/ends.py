"""Did the holder's run end, and did nobody have its lock from it? What a run that ended leaves may have been left on purpose."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dashboard.judge.facts import Facts, Life, goes_on, say
from dashboard.judge.silence import has_twin, moved_at, own_answer_at
from dashboard.records import Evidence, HeldLock, Holder, Run, Worker

READ_EVERY = timedelta(seconds=10)  # between two looks at all locks, where their changes are not pushed
BY_ITS_END = {"run_ended", "run_not_active"}  # the codes of a death whose process lives


def end_of(lock: HeldLock, holder: Holder, run: Run | None, mine: Worker | None, processes: list[Worker], facts: Facts) -> Life | None:
    """That its run ended, where that is sure; `mine`: the worker's process that has it."""
    ended = _ended(lock, run, facts)
    if ended is None or _still_listed(holder, run, mine, facts) or not _is_its_own_end(lock, run, mine, processes, facts):
        return None
    return ended


def unless_handed_on(life: Life, holder: Holder, run: Run | None, facts: Facts) -> Life:
    """The next try of a run that ended, or what came of it, goes on and may have been handed its lock."""
    tries = facts.runs.get(holder.task_id or "", ())
    if life.state != "dead" or holder.task_id is None or not _may_have_ended(life, run, tries, facts):
        return life
    tried = run.retries if run is not None else -1
    heir = next((other for other in tries if other is not run and other.retries > tried and goes_on(other)), None)
    heir = heir or facts.heirs.of(holder.task_id, run.root_id if run is not None else None)
    if heir is None and _is_to_be_tried_again(tries):
        return Life(state="unknown", evidence=(*life.evidence, Evidence(code="sent_waits", values={"task_id": holder.task_id})))
    if heir is None:
        return life
    fact = Evidence(code="may_be_handed_on", values={"task_id": heir.task_id, "task_name": heir.name, "worker": heir.worker})
    return Life(state="unknown", evidence=(*life.evidence, fact))


def _is_to_be_tried_again(tries: Sequence[Run]) -> bool:
    """Whether nobody has received the next try: another delivery of the same one may have ended otherwise."""
    last = max((one.retries for one in tries), default=0)
    return any(one.outcome == "RETRY" and one.retries == last for one in tries)


def _may_have_ended(life: Life, run: Run | None, tries: Sequence[Run], facts: Facts) -> bool:
    """Whether it, or another delivery of it, may have come to its own end before its process went, as with `max_tasks_per_child`, or died in another run."""
    codes = {fact.code for fact in life.evidence}
    if "worker_lost" in codes:
        return False
    return bool(codes & BY_ITS_END) or run is None or any(_may_have_returned(one, facts) for one in (run, *tries))


def _may_have_returned(run: Run, facts: Facts) -> bool:
    if goes_on(run):
        return not facts.are_told_since(run.heard_at or run.started_at or facts.now)
    return run.outcome != "LOST" and "WorkerLostError" not in (run.error or "")


def unless_it_comes_again(life: Life, lock: HeldLock, run: Run | None, facts: Facts) -> Life:
    """A value that is a task id and nothing else is that of every delivery of its message: one that is still to run, or was not told, may have the lock."""
    if life.state != "dead" or lock.claim is None or lock.claim.task_digest is None or run is None:
        return life
    if run.started_at is None or run.outcome == "RETRY":
        return say("unknown", "sent_waits", task_id=run.task_id)
    if facts.are_told_since(lock.acquired_at or lock.first_seen_at - READ_EVERY):
        return life
    fact = Evidence(code="delivery_missed", values={"task_id": run.task_id, "since": facts.snapshot.flow.since})
    return Life(state="unknown", evidence=(*life.evidence, fact))


def _ended(lock: HeldLock, run: Run | None, facts: Facts) -> Life | None:
    """The run's own end, once a release on its way to us would have arrived.

    That it was revoked in the middle is only an order: a signal that it catches does not end it, and its process tells.
    """
    if run is None or run.ended_at is None or run.outcome == "REVOKED":  # who holds a lock had started
        return None
    told_at = run.heard_at or run.ended_at  # by our clock: its worker's may be an hour off
    if (moved := moved_at(lock)) and told_at < moved:  # somebody has it since
        return None
    attempted_at = lock.claim.attempted_at if lock.claim else None
    if (run.ended_at < attempted_at) if attempted_at else (told_at < lock.first_seen_at):
        return None
    if facts.now - told_at < facts.policy.answer_margin:
        return None
    if run.error and "WorkerLostError" in run.error:
        return say("dead", "worker_lost", worker=run.worker, pid=run.pid, at=run.ended_at)
    return say("dead", "run_ended", task_id=run.task_id, outcome=run.outcome, at=run.ended_at)


def _still_listed(holder: Holder, run: Run | None, mine: Worker | None, facts: Facts) -> bool:
    """Whether a worker that answers still names the run: anybody can publish that a run ended, only its worker answers for it.

    That it named it after that is as good where it leaves, or is silent, since.
    """
    if mine is None or holder.task_id not in (mine.active or ()):
        return False
    told_at = run.heard_at if run else None
    if told_at is not None and mine.active_at is not None and mine.active_at >= told_at:
        return True
    answers = mine.said_offline_at is None and not facts.silent(mine)
    return answers and (told_at is None or facts.now - told_at < facts.policy.grace)


def _is_its_own_end(lock: HeldLock, run: Run | None, mine: Worker | None, processes: list[Worker], facts: Facts) -> bool:
    """Whether the end cannot be that of the same message given out a second time: every event was taken in, or its worker has been asked since.

    Of a run whose beginning was not told the events before are not known to have been taken in.
    """
    is_begun = run is not None and (run.received_at or run.started_at) is not None
    attempted_at = lock.claim.attempted_at if lock.claim else None
    if run is not None and attempted_at is not None and run.received_at is not None and run.received_at > attempted_at:
        is_begun = False  # by so little that it may be the clock: or another delivery's, which was not told, made the token
    if is_begun and facts.are_told_since(min(lock.first_seen_at, _began_at(run, facts) or lock.first_seen_at)):
        return not any(other is not run and other.ended_at is None and _is_same_try(other, run) for other in facts.runs.get(run.task_id if run else "", ()))
    told_at = run.heard_at if run else None
    answered_at = own_answer_at(mine, processes) if mine else None
    if mine is None or answered_at is None or told_at is None or _came_since(mine, told_at) or has_twin(mine, processes, lock.first_seen_at):
        return False
    return answered_at >= told_at


def _came_since(mine: Worker, told_at: datetime) -> bool:
    """Whether the process that has this name and pid may have come after that: the one before may be leaving, and go on with the run."""
    came_at = mine.started_at or (mine.online_at[-1] if mine.online_at else None)
    return any(at is not None and at > told_at for at in (came_at, mine.left_at))


def _began_at(run: Run | None, facts: Facts) -> datetime | None:
    """When a run that ended was received, by our clock: its length is told by one clock, its end was told to us, and may have been told late."""
    first = (run.received_at or run.started_at) if run else None
    if not (run and first and run.ended_at and run.heard_at and run.ended_at >= first):
        return None
    return min(run.heard_at - (run.ended_at - first), facts.by_our_clock(run, first))


def _is_same_try(one: Run, other: Run | None) -> bool:
    return other is not None and (one.retries, one.worker, one.parent_pid) == (other.retries, other.worker, other.parent_pid)
