"""Locks that the sender takes and the run that ends deletes (celery-once, celery-singleton): between the two nobody runs, and nothing is wrong.

No active run proves nothing while the message is ready or unacked, so only the end of the very run is proof, and only where the lock names it.
"""

from datetime import UTC, datetime

from dashboard.judge.facts import Facts, Life, goes_on, say
from dashboard.records import Evidence, HeldLock, Holder, Run

ONCE = "qo_"  # celery-once: qo_<task name>, then _<argument>-<value> for each; so a name is known only by comparing


LONG_AGO = datetime.min.replace(tzinfo=UTC)


def sent_holder(lock: HeldLock, facts: Facts) -> tuple[Holder, Run | None, list[Evidence]]:
    """Whose message or run it is: exact where the value is its id; else the task, where the key names one that we know."""
    task_id = lock.claim.task_id if lock.claim else None
    if task_id is None:
        return _by_name(lock, facts)
    run = max(facts.runs.get(task_id, ()), key=lambda run: (run.retries, run.started_at or LONG_AGO), default=None)
    message = facts.unacked.get(task_id)
    name = run.name if run and run.name else message.task_name if message else None
    holder = Holder(certainty="exact", task_id=task_id, task_name=name, worker=run.worker if run else None, pid=run.pid if run else None)
    return holder, run, [Evidence(code="sent_with", values={"task_id": task_id})]


def _by_name(lock: HeldLock, facts: Facts) -> tuple[Holder, Run | None, list[Evidence]]:
    known = {run.name for run in facts.snapshot.runs if run.name} | {task.name for task in facts.snapshot.tasks}
    fitting = [name for name in known if f"{lock.name}_".startswith(f"{ONCE}{name}_")]
    name = max(fitting, key=len, default=None)
    return (
        Holder(certainty="unknown", task_name=name),
        None,
        [Evidence(code="sent_by" if name else "sent_by_somebody", values={"task_name": name, "at": lock.acquired_at})],
    )


def life_of_sent(lock: HeldLock, holder: Holder, run: Run | None, facts: Facts) -> Life:
    """Whether the message or run that it was taken for is still to end; only the run's own end, told and not retried, is `dead`."""
    if holder.certainty != "exact":
        return _of_any_run(holder, facts)
    if message := facts.unacked.get(holder.task_id or ""):
        return say("alive", "sent_unacked", task_id=holder.task_id, queue=message.queue)
    if (queue := facts.next_in.get(holder.task_id or "")) and (run is None or _is_to_come(run, facts)):
        return say("alive", "sent_ready", task_id=holder.task_id, queue=queue)
    if run is None:
        return say("unknown", "sent_unseen", task_id=holder.task_id)
    if other := next((one for one in facts.runs.get(run.task_id, ()) if goes_on(one) and one.started_at), None):  # given out twice: the lock is for both
        return _of_an_open_run(other, facts)
    if run.ended_at is None or run.outcome == "RETRY" or _is_active(run, facts):
        return _of_an_open_run(run, facts)
    told_at = run.heard_at or run.ended_at  # by our clock: its worker's may be an hour off
    if told_at < (lock.acquired_at or lock.first_seen_at):  # it was sent again under its id, and nobody has received that one
        return say("unknown", "sent_waits", task_id=run.task_id)
    if facts.now - told_at < facts.policy.answer_margin:  # its lock may be on its way to be deleted
        return say("alive", "run_ended", task_id=run.task_id, outcome=run.outcome, at=run.ended_at)
    return say("dead", "run_ended", task_id=run.task_id, outcome=run.outcome, at=run.ended_at)


def _is_to_come(run: Run, facts: Facts) -> bool:
    """Whether nothing later than that its message waits is known of it."""
    return (run.ended_at is None or run.outcome == "RETRY") and not _is_active(run, facts)


def _of_an_open_run(run: Run, facts: Facts) -> Life:
    if _is_active(run, facts):
        return say("alive", "run_active_still", task_id=run.task_id, worker=run.worker)
    if run.started_at is None or run.outcome == "RETRY":
        return say("unknown", "sent_waits", task_id=run.task_id)
    return say("unknown", "run_started", task_id=run.task_id, worker=run.worker, at=run.started_at)


def _of_any_run(holder: Holder, facts: Facts) -> Life:
    for run in facts.snapshot.runs:
        if holder.task_name and run.name == holder.task_name and run.started_at is not None and run.ended_at is None:
            return say("alive", "sent_task_active", task_name=run.name, task_id=run.task_id, worker=run.worker)
    return say("unknown", "sent_nameless")


def _is_active(run: Run, facts: Facts) -> bool:
    """Whether a worker that answers names it."""
    return any(run.task_id in (worker.active or ()) and not facts.silent(worker) for worker in facts.workers.get(run.worker or "", ()))
