"""A likely holder is dead: could any other run hold the lock? Only those who could have it must answer; one that cannot be accounted for is a doubt."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from dashboard.judge.facts import Facts, Life, goes_on
from dashboard.judge.holders import CLOCKS_DIFFER, CLOCKS_WITHIN, STARTS_TOLD_LATE, may_have_tried
from dashboard.judge.life import had_one_before, is_a_later_one, life_of, life_of_process
from dashboard.judge.silence import has_twin, is_its_own, own_answer_at
from dashboard.records import Evidence, HeldLock, Holder, Run, Worker

STOOD_STILL = timedelta(seconds=30)  # a worker's own process, while its broker did not answer: it tells of what its children began only then


def without_others(lock: HeldLock, at: datetime, mine: Run, life: Life, facts: Facts) -> Life:
    """The death of the likely holder, unless a run of the same task that may have made the token at that time lives, or may live."""
    others = [run for run in facts.snapshot.runs if run is not mine and _may_hold(run, lock, at, mine, facts)]
    if living := next((run for run in others if _life_of_run(lock, run, facts).state != "dead"), None):
        values = {"task_id": living.task_id, "task_name": living.name, "worker": living.worker, "candidates": len(others) + 1}
        return Life(state="unknown", evidence=(*life.evidence, Evidence(code="other_candidate", values=values)))
    if not _was_anybody_listened_to(_taken_at_the_earliest(lock, at, mine, facts), facts):  # a worker that nobody heard may have it
        fact = Evidence(code="events_missed", values={"worker": mine.worker, "since": facts.snapshot.flow.since})
        return Life(state="unknown", evidence=(*life.evidence, fact))
    asked = list(_workers_that_could(mine, facts))
    answered = [worker for worker in asked if _is_accounted_for(worker, lock, at, mine, facts)]
    fact = Evidence(code="asked", values={"asked": len(asked), "answered": len(answered)})
    return Life(state="dead" if len(asked) == len(answered) else "unknown", evidence=(*life.evidence, fact))


def _taken_at_the_earliest(lock: HeldLock, at: datetime, mine: Run, facts: Facts) -> datetime:
    """By our clock: as it was seen, or else as its token says, whose clock is that of whoever made it and need not be that of the likely holder."""
    if lock.acquired_at is not None and lock.acquired_at != at:
        return lock.acquired_at
    return min(facts.by_our_clock(mine, at), lock.first_seen_at) - CLOCKS_WITHIN


def _was_anybody_listened_to(at: datetime, facts: Facts) -> bool:
    """Whether some observer listened then: this one, or one before it that heard of a worker."""
    return facts.are_told_since(at) or any(worker.first_heard_at <= at for worker in facts.snapshot.workers)


def _may_hold(run: Run, lock: HeldLock, at: datetime, mine: Run, facts: Facts) -> bool:
    """By its own clock or by ours: its own may have been set in between, and its worker may have stood still when it was to tell of the start."""
    if run.started_at is None or not (run.name in {None, mine.name} or facts.is_nobodys(run.name)):  # a name that nobody knows may be a shadow's
        return False
    if may_have_tried(run, at) or not goes_on(run):
        return may_have_tried(run, at)
    received, started = run.received_at or run.started_at, run.started_at
    is_received = received <= at + CLOCKS_DIFFER or facts.by_our_clock(run, received) <= lock.first_seen_at
    return is_received and min(started - at, facts.by_our_clock(run, started) - lock.first_seen_at) <= STOOD_STILL


def _life_of_run(lock: HeldLock, run: Run, facts: Facts) -> Life:
    holder = Holder(certainty="likely", task_id=run.task_id, task_name=run.name, worker=run.worker, pid=run.pid)
    return life_of(lock, holder, run, run.parent_pid, facts)


def _workers_that_could(mine: Run, facts: Facts) -> Iterator[Worker]:
    """The processes that know the task, less those that are proved gone."""
    for processes in facts.workers.values():
        for worker in processes:
            if worker.tasks is None or mine.name in worker.tasks:
                life = life_of_process(worker, processes, facts)
                if life is None or life.state != "dead":
                    yield worker


def _is_accounted_for(worker: Worker, lock: HeldLock, at: datetime, mine: Run, facts: Facts) -> bool:
    """Whether all that runs in it is known, and none of it can be the holder."""
    answered_at = own_answer_at(worker, facts.workers[worker.name])
    if worker.active is None or worker.active_at is None or answered_at is None or has_twin(worker, facts.workers[worker.name], lock.first_seen_at):
        return False
    if (worker.first_heard_at <= lock.first_seen_at or had_one_before(worker)) and is_a_later_one(worker, lock, facts):
        return False  # the process before had its name and pid, and may be leaving
    after_the_lock = answered_at - lock.first_seen_at >= facts.policy.answer_margin
    tells = worker.sends_events and is_its_own(worker, worker.task_event_at)
    is_all_told = tells and facts.are_told_since(answered_at) and facts.now - lock.first_seen_at >= STARTS_TOLD_LATE
    if not after_the_lock and not is_all_told:
        return False
    return not any(_is_unclear(task_id, worker, worker.active_at, lock, at, mine, facts) for task_id in worker.active)


def _is_unclear(task_id: str, worker: Worker, listed_at: datetime, lock: HeldLock, at: datetime, mine: Run, facts: Facts) -> bool:
    """Whether a run that this worker named may be the holder; one that it told to have ended after that is not."""
    runs = facts.runs.get(task_id, ())
    if any(run.worker == worker.name and run.ended_at is not None and run.heard_at is not None and run.heard_at > listed_at for run in runs):
        return False
    return not runs or mine in runs or any(run.ended_at is None and _may_hold(run, lock, at, mine, facts) for run in runs)
