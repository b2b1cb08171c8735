"""Does the holder still live? Doubt counts as alive: `dead` needs proof, and what cannot be known is `unknown`.

One thing no proof here can tell: a run that was told by `terminate` with a signal that it catches, while task events were off, is no longer named by
its worker and goes on.
"""

from datetime import datetime, timedelta

from dashboard.judge.ends import end_of, unless_handed_on
from dashboard.judge.facts import Facts, Life, say
from dashboard.judge.silence import SHARED_FOR, has_twin, moved_at, moved_since, name_is_shared, own_answer_at, seen_taken_at, sends_heartbeats, silence_of
from dashboard.records import HeldLock, Holder, Run, Worker

UPTIME_WITHIN = timedelta(seconds=2)  # it is told in whole seconds, and an answer takes up to one
LONG_AGO = timedelta(days=3650)  # before any process that runs
ABSENT_FOR = timedelta(seconds=3.5)  # two rounds of asking: one answer may have crossed the start or the end of a run


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
    if ended := end_of(lock, holder, run, mine, processes, facts):
        return unless_handed_on(ended, holder, run, facts)
    found = _of_its_process(lock, holder, run, mine, processes, facts)
    if found.state == "unknown" and (since := facts.pid_given_again(lock.claim)):
        found = say("dead", "pid_given_again", worker=holder.worker, pid=holder.pid, at=since)
    return unless_handed_on(found, holder, run, facts)


def _of_its_process(lock: HeldLock, holder: Holder, run: Run | None, mine: Worker | None, processes: list[Worker], facts: Facts) -> Life:
    if mine is None:  # that another one has its name proves nothing, for the first may be leaving
        return _never_heard(holder, processes)
    if has_twin(mine, processes, lock.first_seen_at):  # whoever answers alone since then need not be the one that has this run
        return say("unknown", "name_shared", worker=mine.name)
    if is_a_later_one(mine, lock, facts) or _is_of_one_before(mine, run):
        return say("unknown", "process_later", worker=mine.name, pid=mine.pid, started_at=mine.started_at or mine.online_at[-1])
    life = life_of_process(mine, processes, facts)
    if life is not None and life.state == "dead" and (moved := moved_since(mine, moved_at(lock))):
        return Life(state="unknown", evidence=(*life.evidence, moved))
    return life or _heard(lock, holder, run, mine, processes, facts)


def _never_heard(holder: Holder, processes: list[Worker]) -> Life:
    if processes:
        return say("unknown", "process_unknown", worker=holder.worker, pid=holder.pid, known_pid=processes[0].pid)
    return say("unknown", "worker_unknown", worker=holder.worker)


def life_of_process(mine: Worker, processes: list[Worker], facts: Facts) -> Life | None:
    """Whether this one of a name's processes lives, where it is leaving, silent, or has a namesake; None: it is heard, and lives."""
    key = (mine.name, mine.pid)
    if key not in facts.lives:
        facts.lives[key] = _life_of_process(mine, processes, facts)
    return facts.lives[key]


def _life_of_process(mine: Worker, processes: list[Worker], facts: Facts) -> Life | None:
    if name_is_shared(processes, facts):
        return say("unknown", "name_shared", worker=mine.name)
    if mine.said_offline_at is not None:
        patient = facts.now - mine.said_offline_at <= facts.policy.leaving_patience
        return say("alive" if patient else "unknown", "worker_leaving", worker=mine.name, at=mine.said_offline_at)
    if not facts.silent(mine):
        return None
    is_proved, evidence = silence_of(mine, processes, facts)
    return Life(state="dead" if is_proved else "unknown", evidence=evidence)


def incarnation(processes: list[Worker], parent_pid: int | None, pid: int | None) -> Worker | None:
    """The very process that a lock or a run belongs to; without a pid to go by, the only one of that name."""
    wanted = {parent_pid, pid} - {None}
    if wanted:
        found = [worker for worker in processes if worker.pid in wanted]
        return found[0] if len(found) == 1 else None  # the pid of one may be the parent's of another
    return processes[0] if len(processes) == 1 else None


def is_a_later_one(mine: Worker, lock: HeldLock, facts: Facts) -> bool:
    """Whether the process that has this name and pid now began after the lock was taken: a container that comes back often has the same."""
    began, since = mine.started_at, _taken_at(mine, lock, facts)
    if mine.left_at is not None and mine.left_at > since:
        return True  # however long it had been starting by then
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
    """By our clock, at the earliest: it may be seen long after its token was made, by an observer that was not there."""
    attempted_at = lock.claim.attempted_at if lock.claim else None
    is_skew_known = (mine.name, mine.pid) in facts.skewed
    if attempted_at is not None and not is_skew_known and attempted_at > lock.first_seen_at + UPTIME_WITHIN:  # by a clock ahead, and no event told how far
        return lock.first_seen_at - LONG_AGO
    return _taken_by_its_token(mine, lock, facts)


def _taken_by_its_token(mine: Worker, lock: HeldLock, facts: Facts) -> datetime:
    if lock.claim is None or lock.claim.attempted_at is None:
        return lock.first_seen_at
    try:
        return min(lock.first_seen_at, lock.claim.attempted_at - facts.skewed.get((mine.name, mine.pid), timedelta(0)))
    except OverflowError:  # forged, the one or the other
        return lock.first_seen_at


def was_alone(mine: Worker, lock: HeldLock, run: Run | None, facts: Facts) -> bool:
    """Whether it was known to be the only one under its name and pid before anything kept the holder from answering, or nobody was there to hear of two.

    Of two in the solo pool the one that works answers nothing, nor does a frozen one: what the other says, it says of itself.
    """
    taken_at = seen_taken_at(lock) or _taken_by_its_token(mine, lock, facts)
    by_its_clock = lock.claim.attempted_at if lock.claim else None  # how far that one is off is told under a name that two may have
    first = min(facts.workers.get(mine.name, (mine,)), key=lambda worker: worker.first_heard_at)
    seen_at = min(lock.first_seen_at, max(filter(None, (taken_at, by_its_clock))))
    if first.was_there_first and seen_at <= first.first_heard_at:
        return True
    if mine.pool != "solo" or mine.alone_since in mine.online_at:  # it came under a name that nobody had, and no other can have been at work before
        at_work_since = taken_at
    elif run is not None and run.started_at is not None:
        at_work_since = min(taken_at, facts.by_our_clock(run, run.started_at), run.heard_at or taken_at)  # how far its clock is off may be told of another's
    else:
        at_work_since = taken_at - SHARED_FOR
    return mine.alone_since is not None and mine.alone_since <= at_work_since


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
    is_own = was_alone(mine, lock, run, facts)
    if is_own and own_answer_at(mine, processes) is not None and _process_is_gone(lock, holder, mine, facts):
        return say("dead", "process_gone", worker=mine.name, pid=holder.pid, answered_at=mine.pool_read_at)
    if run is not None and run.outcome == "REVOKED":
        return say("unknown", "run_revoked", worker=mine.name, task_id=holder.task_id, at=run.ended_at)
    if mine.active is not None and (listed := _listed(lock, holder, run, mine, processes, facts, is_own=is_own)):
        return listed
    if run is not None and run.started_at is not None and run.ended_at is None and facts.are_told_since(run.heard_at or run.started_at):
        return say("alive", "run_started", task_id=run.task_id, worker=mine.name, at=run.started_at)
    young = lock.put_back_at is None and facts.now - lock.first_seen_at < facts.policy.grace  # who took what was put back did so before it had gone
    return say("alive" if young else "unknown", "worker_heard", worker=mine.name, last_heard_at=mine.last_heard_at)


def _listed(lock: HeldLock, holder: Holder, run: Run | None, mine: Worker, processes: list[Worker], facts: Facts, *, is_own: bool) -> Life | None:
    """What the runs that it named say; None: that was too long ago, or the run may have begun or ended around it, or another answered."""
    if holder.task_id in (mine.active or ()):
        is_recent = mine.active_at is not None and facts.now - mine.active_at <= facts.policy.grace
        return say("alive", "run_active", task_id=holder.task_id, worker=mine.name, seen_at=mine.active_at) if is_recent else None
    if holder.task_id is None and mine.active:
        return None  # its token had no room for the id: any of these may be its run
    answered_at = own_answer_at(mine, processes)
    last_active = max(filter(None, (_last_moved_at(lock), run.last_active_at if run else None)))
    if answered_at is None or answered_at - last_active < ABSENT_FOR:
        return None
    if not is_own:
        return say("unknown", "name_may_be_shared", worker=mine.name)
    return say("dead", "run_not_active", worker=mine.name, task_id=holder.task_id, answered_at=answered_at)


def _process_is_gone(lock: HeldLock, holder: Holder, mine: Worker, facts: Facts) -> bool:
    """Its pool was read well after the lock was seen, and this process is no longer one of it (prefork only: others share their pid)."""
    if mine.pool != "prefork" or mine.processes is None or mine.pool_read_at is None or holder.pid in {None, mine.pid}:
        return False
    return holder.pid not in mine.processes and mine.pool_read_at - _last_moved_at(lock) >= facts.policy.answer_margin


def _last_moved_at(lock: HeldLock) -> datetime:
    """When somebody was there last who has it: it was taken, or put off."""
    return max(filter(None, (lock.first_seen_at, lock.renewed_at)))
