"""Does the holder still live? Doubt counts as alive: `dead` needs proof, and what cannot be known is `unknown`.

One thing no proof here can tell: a run that was told by `terminate` with a signal that it catches, while task events were off, is no longer named by
its worker and goes on.
"""

from datetime import datetime, timedelta
from typing import Literal

from dashboard.judge.facts import Facts, Life
from dashboard.judge.silence import TOGETHER, moved_at, moved_since, name_is_shared, sends_heartbeats, silence_of
from dashboard.records import Evidence, HeldLock, Holder, Run, Word, Worker

UPTIME_WITHIN = timedelta(seconds=2)  # it is told in whole seconds, and an answer takes up to one
ABSENT_FOR = timedelta(seconds=3.5)  # two rounds of asking: one answer may have crossed the start or the end of a run


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
    if (ended := _ended(lock, run, facts)) and not _still_listed(holder, run, mine, facts) and _is_its_own_end(lock, run, mine, processes, facts):
        return ended
    found = _of_its_process(lock, holder, run, mine, processes, facts)
    if found.state == "unknown" and (since := facts.pid_given_again(lock.claim)):
        return _say("dead", "pid_given_again", worker=holder.worker, pid=holder.pid, at=since)
    return found


def _of_its_process(lock: HeldLock, holder: Holder, run: Run | None, mine: Worker | None, processes: list[Worker], facts: Facts) -> Life:
    if mine is None:  # that another one has its name proves nothing, for the first may be leaving
        return _never_heard(holder, processes)
    if is_a_later_one(mine, lock, facts) or _is_of_one_before(mine, run):
        return _say("unknown", "process_later", worker=mine.name, pid=mine.pid, started_at=mine.started_at or mine.online_at[-1])
    life = life_of_process(mine, processes, facts)
    if life is not None and life.state == "dead" and (moved := moved_since(mine, moved_at(lock))):
        return Life(state="unknown", evidence=(*life.evidence, moved))
    return life or _heard(lock, holder, run, mine, processes, facts)


def _never_heard(holder: Holder, processes: list[Worker]) -> Life:
    if processes:
        return _say("unknown", "process_unknown", worker=holder.worker, pid=holder.pid, known_pid=processes[0].pid)
    return _say("unknown", "worker_unknown", worker=holder.worker)


def life_of_process(mine: Worker, processes: list[Worker], facts: Facts) -> Life | None:
    """Whether this one of a name's processes lives, where it is leaving, silent, or has a namesake; None: it is heard, and lives."""
    key = (mine.name, mine.pid)
    if key not in facts.lives:
        facts.lives[key] = _life_of_process(mine, processes, facts)
    return facts.lives[key]


def _life_of_process(mine: Worker, processes: list[Worker], facts: Facts) -> Life | None:
    if name_is_shared(processes, facts):
        return _say("unknown", "name_shared", worker=mine.name)
    if mine.said_offline_at is not None:
        patient = facts.now - mine.said_offline_at <= facts.policy.leaving_patience
        return _say("alive" if patient else "unknown", "worker_leaving", worker=mine.name, at=mine.said_offline_at)
    if not facts.silent(mine):
        return None
    is_proved, evidence = silence_of(mine, processes, facts)
    return Life(state="dead" if is_proved else "unknown", evidence=evidence)


def _ended(lock: HeldLock, run: Run | None, facts: Facts) -> Life | None:
    """The run's own end, once a release on its way to us would have arrived.

    That it was revoked in the middle is only an order: a signal that it catches does not end it, and its process tells.
    """
    if run is None or run.ended_at is None or (run.outcome == "REVOKED" and run.started_at is not None):
        return None
    told_at = run.heard_at or run.ended_at  # by our clock: its worker's may be an hour off
    attempted_at = lock.claim.attempted_at if lock.claim else None
    if (run.ended_at < attempted_at) if attempted_at else (told_at < lock.first_seen_at):
        return None
    if facts.now - told_at < facts.policy.answer_margin:
        return None
    if run.error and "WorkerLostError" in run.error:
        return _say("dead", "worker_lost", worker=run.worker, pid=run.pid, at=run.ended_at)
    return _say("dead", "run_ended", task_id=run.task_id, outcome=run.outcome, at=run.ended_at)


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
    if is_begun and facts.are_told_since(min(lock.first_seen_at, _began_at(run) or lock.first_seen_at)):
        return not any(other is not run and other.ended_at is None and _is_same_try(other, run) for other in facts.runs.get(run.task_id if run else "", ()))
    told_at = run.heard_at if run else None
    answered_at = own_answer_at(mine, processes) if mine else None
    return answered_at is not None and told_at is not None and answered_at >= told_at


def _began_at(run: Run | None) -> datetime | None:
    """When a run that ended was received, by our clock: its length is told by one clock, its end was told to us."""
    first = (run.received_at or run.started_at) if run else None
    return run.heard_at - (run.ended_at - first) if run and first and run.ended_at and run.heard_at and run.ended_at >= first else None


def _is_same_try(one: Run, other: Run | None) -> bool:
    return other is not None and (one.retries, one.worker, one.parent_pid) == (other.retries, other.worker, other.parent_pid)


def incarnation(processes: list[Worker], parent_pid: int | None, pid: int | None) -> Worker | None:
    """The very process that a lock or a run belongs to; without a pid to go by, the only one of that name."""
    wanted = {parent_pid, pid} - {None}
    if wanted:
        return next((worker for worker in processes if worker.pid in wanted), None)
    return processes[0] if len(processes) == 1 else None


def is_a_later_one(mine: Worker, lock: HeldLock, facts: Facts) -> bool:
    """Whether the process that has this name and pid now began after the lock was taken: a container that comes back often has the same."""
    began, since = mine.started_at, _taken_at(mine, lock, facts)
    if began is not None and began > since + UPTIME_WITHIN:
        return True
    is_new = _has_come_since(mine, lock, since, facts)
    if began is None:
        return is_new
    is_untold = not sends_heartbeats(mine) or not facts.are_told_since(since)  # it need not have said that it came
    return (is_new or is_untold) and began > since - UPTIME_WITHIN


def _has_come_since(mine: Worker, lock: HeldLock, since: datetime, facts: Facts) -> bool:
    """Whether it came online after the lock was taken, or only connected anew; not by a clock that is a little behind, where nobody was there before it."""
    came_at = mine.online_at[-1] if mine.online_at else None
    if came_at is None or came_at <= since:
        return False
    is_first = came_at <= min(lock.first_seen_at, mine.first_heard_at) and facts.are_told_since(since - UPTIME_WITHIN)
    return not is_first


def _taken_at(mine: Worker, lock: HeldLock, facts: Facts) -> datetime:
    """By our clock: it may be seen long after its token was made, by an observer that was not there."""
    if lock.claim is None or lock.claim.attempted_at is None:
        return lock.first_seen_at
    try:
        return min(lock.first_seen_at, lock.claim.attempted_at - facts.skewed.get((mine.name, mine.pid), timedelta(0)))
    except OverflowError:  # forged, the one or the other
        return lock.first_seen_at


def had_one_before(worker: Worker) -> bool:
    """Whether its name and pid were heard of before this process began."""
    began = [*worker.online_at[-1:], *([worker.started_at - UPTIME_WITHIN] if worker.started_at else [])]
    return bool(began) and worker.first_heard_at < max(began)


def _is_of_one_before(mine: Worker, run: Run | None) -> bool:
    """Whether the run was heard of last before this process came under its worker's name and pid: then that one may be leaving, and goes on with it."""
    if run is None or run.heard_at is None or not mine.online_at or run.heard_at >= mine.online_at[-1]:
        return False
    return mine.started_at is None or mine.started_at > run.heard_at - UPTIME_WITHIN


def _heard(lock: HeldLock, holder: Holder, run: Run | None, mine: Worker, processes: list[Worker], facts: Facts) -> Life:
    """The worker lives: does it still have this process, and this run?"""
    if _process_is_gone(lock, holder, mine, facts):
        return _say("dead", "process_gone", worker=mine.name, pid=holder.pid, answered_at=mine.pool_read_at)
    if run is not None and run.outcome == "REVOKED":
        return _say("unknown", "run_revoked", worker=mine.name, task_id=holder.task_id, at=run.ended_at)
    if mine.active is not None and (listed := _listed(lock, holder, run, mine, processes, facts)):
        return listed
    if run is not None and run.started_at is not None and run.ended_at is None and facts.are_told_since(run.heard_at or run.started_at):
        return _say("alive", "run_started", task_id=run.task_id, worker=mine.name, at=run.started_at)
    young = facts.now - lock.first_seen_at < facts.policy.grace
    return _say("alive" if young else "unknown", "worker_heard", worker=mine.name, last_heard_at=mine.last_heard_at)


def _listed(lock: HeldLock, holder: Holder, run: Run | None, mine: Worker, processes: list[Worker], facts: Facts) -> Life | None:
    """What the runs that it named say; None: that was too long ago, or the run may have begun or ended around it, or another answered."""
    if holder.task_id in (mine.active or ()):
        is_recent = mine.active_at is not None and facts.now - mine.active_at <= facts.policy.grace
        return _say("alive", "run_active", task_id=holder.task_id, worker=mine.name, seen_at=mine.active_at) if is_recent else None
    answered_at = own_answer_at(mine, processes)
    last_active = max(filter(None, (lock.first_seen_at, run.last_active_at if run else None)))
    if answered_at is None or answered_at - last_active < ABSENT_FOR:
        return None
    return _say("dead", "run_not_active", worker=mine.name, task_id=holder.task_id, answered_at=answered_at)


def own_answer_at(mine: Worker, processes: list[Worker]) -> datetime | None:
    """When it was last asked for its runs and the answer can only be its own; None: another may have answered each time.

    Of two processes of one name the first that answers is heard, and one of them may send nothing else: only a call to everybody tells.
    """
    if mine.spoke_alone_at is None:
        return None
    since = mine.spoke_alone_at - TOGETHER
    is_shared = any(other is not mine and other.said_offline_at is None and other.last_heard_at >= since for other in processes)
    return None if is_shared else mine.spoke_alone_at


def _process_is_gone(lock: HeldLock, holder: Holder, mine: Worker, facts: Facts) -> bool:
    """Its pool was read well after the lock was seen, and this process is no longer one of it (prefork only: others share their pid)."""
    if mine.pool != "prefork" or mine.processes is None or mine.pool_read_at is None or holder.pid in {None, mine.pid}:
        return False
    return holder.pid not in mine.processes and mine.pool_read_at - lock.first_seen_at >= facts.policy.answer_margin
