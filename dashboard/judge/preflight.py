"""Will this run? What is known of a message before it is sent: who knows its task, who reads its queue, whether it would be refused. Pure.

A check is "ok", "warning", "fails" or "unknown"; what cannot be seen is unknown and never ok. Some checks only tell what will be so: they do not
decide the verdict.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from dashboard.judge.arguments import misfits
from dashboard.judge.facts import Facts, gather
from dashboard.judge.look_alike import like_one_of
from dashboard.judge.preflight_lock import locks_taken
from dashboard.judge.preflight_order import Waiting, expiry, later, order, priority, waiting_before
from dashboard.judge.queue_why import last_reader
from dashboard.records import Check, Evidence, Policy, QueueReading, Sending, Signature, Snapshot, Transport, Word, Worker

Verdict = Literal["will-run", "may-not-run", "will-not-run", "unknown"]
State = Literal["ok", "warning", "fails", "unknown"]
WORKERS, BROKER, EVENTS = "workers", "broker", "events"
COMES_BACK_WITHIN = timedelta(minutes=1)  # a deploy starts again what it has ended
SHARED_LOCK = "send_lock_shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """The verdict with the checks behind it, in the order in which they matter."""

    sending: Sending
    verdict: Verdict
    checks: Sequence[Check]
    signature: Signature | None = None

    @property
    def shares_lock(self) -> bool:
        """Whether nothing stands against these messages but their own lock, which one of them has at a time."""
        warnings = [check.evidence.code for check in self.checks if check.state == "warning" and check.decides]
        return self.verdict == "may-not-run" and set(warnings) == {SHARED_LOCK}

    @property
    def failing(self) -> list[Check]:
        return [check for check in self.checks if check.state == "fails"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """One intended message and one moment."""

    facts: Facts
    sending: Sending
    living: Sequence[Worker]
    is_current: bool
    queue: QueueReading | None
    readers: Sequence[Worker]  # the newest process of each, silent and leaving ones too

    def answers(self, source: str) -> bool:
        """Whether what this source told is the present."""
        return self.is_current and any(one.name == source and one.ok for one in self.facts.snapshot.sources)


def preflight(
    snapshot: Snapshot, policy: Policy, sending: Sending, *, now: datetime, signature: Signature | None = None, transport: Transport | None = None
) -> Preflight:
    """What would become of this message, sent now.  Cost: one pass over workers, queues and locks."""
    facts, transport = gather(snapshot, now, policy), transport or Transport()
    scene = _scene(facts, sending)
    waiting = waiting_before(scene.queue, sending, transport) if scene.answers(BROKER) else None
    checks = list(_checks(scene, signature, transport, waiting))
    return Preflight(sending=sending, verdict=_verdict(checks), checks=checks, signature=signature)


def _scene(facts: Facts, sending: Sending) -> _Scene:
    newest = [found[0] for found in facts.workers.values()]
    living = [worker for worker in newest if worker.said_offline_at is None and not facts.silent(worker)]
    queue = next((one for one in facts.snapshot.queues if one.name == sending.queue), None)
    names = set(queue.consumers or ()) if queue else {worker.name for worker in living if sending.queue in (worker.queues or ())}
    names |= {worker.name for worker in newest if _left_lately(worker, sending.queue, facts.now)}
    readers = [worker for worker in newest if worker.name in names]
    return _Scene(facts=facts, sending=sending, living=living, is_current=not facts.is_stale, queue=queue, readers=readers)


def _left_lately(worker: Worker, queue: str, now: datetime) -> bool:
    return worker.said_offline_at is not None and now - worker.said_offline_at < COMES_BACK_WITHIN and queue in (worker.queues or ())


def _checks(scene: _Scene, signature: Signature | None, transport: Transport, waiting: Waiting | None) -> Iterator[Check]:
    now, sending = scene.facts.now, scene.sending
    if not scene.is_current:
        yield Check(subject="source", state="unknown", evidence=Evidence(code="send_stale", values={"at": scene.facts.snapshot.at}))
    yield _name(scene)
    yield _queue(scene)
    yield from _strangers(scene)
    yield from _arguments(sending, signature)
    yield from locks_taken(scene.facts, sending, signature, waiting)
    yield from order(scene.queue, waiting)
    yield from expiry(sending, waiting, now)
    yield from later(sending, transport, scene.readers, now)
    yield from priority(sending, transport)
    if not sending.ignore_result:
        yield Check(subject="result", state="warning", evidence=Evidence(code="send_result_stored"), decides=False)


def _verdict(checks: Sequence[Check]) -> Verdict:
    states = {check.state for check in checks if check.decides}
    return "will-not-run" if "fails" in states else "unknown" if "unknown" in states else "may-not-run" if "warning" in states else "will-run"


def _name(scene: _Scene) -> Check:
    """Who knows the task's name."""
    name, living = scene.sending.task, scene.living
    told = [worker for worker in living if worker.tasks is not None]
    knowing = [worker.name for worker in told if name in (worker.tasks or ())]
    values: dict[str, Word] = {"task_name": name, "knowing": len(knowing), "workers": len(living)}
    if not scene.answers(WORKERS):
        return Check(subject="name", state="unknown", evidence=Evidence(code="send_name_not_asked", values=values))
    if knowing:
        return Check(subject="name", state="ok", evidence=Evidence(code="send_name_known", values=values))
    if not living:
        if not scene.answers(EVENTS):
            return Check(subject="name", state="unknown", evidence=Evidence(code="send_nobody_answers", values=values))
        return Check(subject="name", state="fails", evidence=Evidence(code="send_no_worker", values=values))
    if len(told) < len(living):
        return Check(subject="name", state="unknown", evidence=Evidence(code="send_name_not_told", values={**values, "told": len(told)}))
    near = like_one_of(name, tuple(sorted({task for worker in told for task in worker.tasks or ()})))
    return Check(subject="name", state="fails", evidence=Evidence(code="send_name_unknown", values={**values, "near": near}), suggestion=near or "")


def _queue(scene: _Scene) -> Check:
    """Whether there is such a queue, and who reads it."""
    queue, name = scene.queue, scene.sending.queue
    if queue is not None and queue.wrong_type is not None and scene.answers(BROKER):
        return _of_queue("fails", "send_queue_wrong_type", {"queue": name, "type": queue.wrong_type})
    is_told = all(worker.queues is not None for worker in scene.living)
    is_heard = bool(scene.living) or scene.answers(EVENTS)  # without events a worker that answers nobody is not seen
    if not (scene.answers(BROKER) and scene.answers(WORKERS) and is_told and is_heard) or (queue is not None and queue.consumers is None):
        return _of_queue("unknown", "send_readers_unknown", {"queue": name})
    if not scene.readers:
        return _unread(scene)
    present = [worker for worker in scene.readers if worker in scene.living]
    names = [worker.name for worker in present]
    if not present:
        last = max(scene.readers, key=lambda worker: worker.last_heard_at)
        code = "send_readers_leaving" if last.said_offline_at else "send_readers_silent"
        return _of_queue("warning", code, {"queue": name, "worker": last.name, "at": last.said_offline_at or last.last_heard_at})
    return _of_queue("ok", "send_queue_read", {"queue": name, "readers": names})


def _unread(scene: _Scene) -> Check:
    meant = tuple(sorted({one.name for one in scene.facts.snapshot.queues if one.consumers or one.is_named} | _read(scene.living)))
    near = like_one_of(scene.sending.queue, meant)
    suggested = near or _where_it_runs(scene)
    code = "send_queue_unread" if scene.queue is not None else "send_queue_unknown"
    values: dict[str, Word] = {"queue": scene.sending.queue, "near": near, "elsewhere": None if near else suggested or None, **_last_reader(scene)}
    return Check(subject="queue", state="fails", evidence=Evidence(code=code, values=values), suggestion=suggested)


def _where_it_runs(scene: _Scene) -> str:
    """A queue that workers which know the task read, its own first; "" where there is none."""
    readable = _read([worker for worker in scene.living if scene.sending.task in (worker.tasks or ())])
    return next((name for name in [*_own_queues(scene), *sorted(readable)] if name in readable), "")


def _own_queues(scene: _Scene) -> Iterator[str]:
    """Where messages of this task go: by the app's router, by its schedules, and where they were seen, the likeliest first."""
    name, snapshot = scene.sending.task, scene.facts.snapshot
    known = [task for task in snapshot.tasks if task.name == name]
    yield from (task.app_queue for task in known if task.app_queue)
    yield from (schedule.queue for schedule in snapshot.schedules if schedule.task == name and schedule.queue)
    yield from (queue for task in known for queue in task.queues)


def _last_reader(scene: _Scene) -> dict[str, Word]:
    """Who read the queue last, and until when it was heard of; empty where nobody did."""
    last = last_reader(scene.sending.queue, scene.facts)
    return {"reader": last.name, "until": last.said_offline_at or last.last_heard_at} if last is not None else {}


def _read(workers: Sequence[Worker]) -> set[str]:
    return {queue for worker in workers for queue in worker.queues or ()}


def _strangers(scene: _Scene) -> Iterator[Check]:
    """Readers of the queue that do not know the task throw its message away."""
    task, present = scene.sending.task, [worker for worker in scene.readers if worker in scene.living]
    told = [worker for worker in present if worker.tasks is not None]
    strangers = [worker.name for worker in told if task not in (worker.tasks or ())]
    if not present or not scene.answers(WORKERS):
        return
    values: dict[str, Word] = {"task_name": task, "workers": strangers, "readers": len(present)}
    if strangers and len(strangers) == len(present):
        elsewhere = _where_it_runs(scene)
        evidence = Evidence(code="send_readers_do_not_know", values={**values, "elsewhere": elsewhere or None})
        yield Check(subject="readers", state="fails", evidence=evidence, suggestion=elsewhere)
    elif strangers:
        yield Check(subject="readers", state="warning", evidence=Evidence(code="send_some_do_not_know", values=values))
    elif len(told) < len(present):
        yield Check(subject="readers", state="unknown", evidence=Evidence(code="send_readers_not_told", values=values))
    else:
        yield Check(subject="readers", state="ok", evidence=Evidence(code="send_readers_know", values=values))


def _arguments(sending: Sending, signature: Signature | None) -> Iterator[Check]:
    if signature is None:
        yield Check(subject="arguments", state="unknown", evidence=Evidence(code="send_not_checked"), decides=False)
        return
    wrong = list(misfits(sending, signature))
    for evidence in wrong:
        yield Check(subject="arguments", state="fails", evidence=evidence)
    if not wrong:
        yield Check(subject="arguments", state="ok", evidence=Evidence(code="send_arguments_fit"))


def _of_queue(state: State, code: str, values: dict[str, Word]) -> Check:
    return Check(subject="queue", state=state, evidence=Evidence(code=code, values=values))
