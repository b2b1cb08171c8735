"""What became of messages that were sent from here: for each the steps so far, in order. Pure: codes with values, which `words` words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.judge.queue_why import judge_queues
from dashboard.judge.results import expected_name, first_argument
from dashboard.records import CachedResult, Evidence, Policy, Run, Snapshot, Span, Traced, Word

ENDED_WELL = "SUCCESS"
CLOCKS = timedelta(seconds=2)  # by so much a worker's clock may differ from the time at which we saw its lock
_PART = re.compile(r"\{\w*\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened, or that it waits for now."""

    evidence: Evidence
    state: str  # "done", "now", "bad" or "unknown"
    at: datetime | None = None
    lock_id: str = ""
    result_id: str = ""
    worker: str = ""
    queue_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTrace:
    """One message with its life so far."""

    task_id: str
    state: str  # one of STATES
    steps: Sequence[Step]


STATES = ("unseen", "waiting", "received", "active", "refused", "succeeded", "failed", "revoked", "retried", "rejected")
OUTCOMES = {"SUCCESS": "succeeded", "FAILURE": "failed", "REVOKED": "revoked", "RETRY": "retried", "REJECTED": "rejected"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    snapshot: Snapshot
    policy: Policy
    traced: Traced | None
    why: Evidence | None  # why messages wait in its queue
    queue_id: str
    now: datetime


def trace(snapshot: Snapshot, policy: Policy, act_id: str, ids: Sequence[str], now: datetime) -> list[RunTrace]:
    """What became of each of these messages.  Cost: one pass over runs and queues."""
    traced = next((one for one in snapshot.traces if one.act_id == act_id), None)
    runs = {run.task_id: run for run in reversed(snapshot.runs) if run.task_id in set(ids)}
    named = traced.queue if traced else next((run.queue for run in runs.values() if run.queue), None)
    judged = next((one for one in judge_queues(snapshot, now, policy) if one.queue.name == named), None)
    why = None if judged is None or judged.why.code in {"queue_empty", "queue_moment"} else judged.why
    scene = _Scene(snapshot=snapshot, policy=policy, traced=traced, why=why, queue_id=judged.queue.id if judged else "", now=now)
    return [_traced(task_id, runs.get(task_id), scene) for task_id in ids]


def _traced(task_id: str, run: Run | None, scene: _Scene) -> RunTrace:
    steps = [*_sent(run, scene), *_waits(task_id, run, scene)]
    if run is not None:
        steps += [*_received(run, scene), *_locks(run, scene), *_ended(run), *_results(run, scene)]
    return RunTrace(task_id=task_id, state=_state(task_id, run, scene), steps=steps)


def _state(task_id: str, run: Run | None, scene: _Scene) -> str:
    if run is None or (run.received_at is None and run.started_at is None and run.ended_at is None):
        is_there = scene.traced is not None and (task_id in scene.traced.places or scene.traced.beyond is not None)
        return "waiting" if is_there or (run is not None and run.sent_at) else "unseen"
    if run.is_refused:
        return "refused"
    if run.ended_at is not None:
        return OUTCOMES.get(run.outcome or "", "succeeded")
    return "active" if run.started_at is not None else "received"


def _sent(run: Run | None, scene: _Scene) -> Iterator[Step]:
    at = (run.sent_at if run else None) or (scene.traced.sent_at if scene.traced else None)
    queue = (run.queue if run else None) or (scene.traced.queue if scene.traced else None)
    if at is not None:
        yield Step(evidence=Evidence(code="trace_sent", values={"queue": queue}), state="done", at=at, queue_id=scene.queue_id)


def _waits(task_id: str, run: Run | None, scene: _Scene) -> Iterator[Step]:
    """Its place in the queue, and why it is stuck there, where it is."""
    if run is not None and (run.received_at or run.started_at or run.ended_at):
        return
    fetched = any(message.task_id == task_id for message in scene.snapshot.unacked)
    traced = scene.traced
    if fetched:
        yield Step(evidence=Evidence(code="trace_fetched"), state="now")
    elif traced is not None and task_id in traced.places:
        before: Word = traced.places[task_id]
        yield Step(evidence=Evidence(code="trace_place" if before else "trace_next", values={"before": before}), state="now", at=traced.looked_at)
        if scene.why is not None:
            yield Step(evidence=scene.why, state="bad", queue_id=scene.queue_id)
    elif traced is not None and traced.beyond is not None:
        code = "trace_beyond" if traced.beyond else "trace_uncounted"
        yield Step(evidence=Evidence(code=code, values={"before": traced.beyond}), state="now", at=traced.looked_at)
    elif traced is None or traced.looked_at is None:
        yield Step(evidence=Evidence(code="trace_not_looked"), state="unknown")
    else:
        yield Step(evidence=Evidence(code="trace_taken"), state="unknown", at=traced.looked_at)


def _received(run: Run, scene: _Scene) -> Iterator[Step]:
    worker = run.worker or ""
    if run.received_at is not None:
        values: dict[str, Word] = {"worker": run.worker}
        yield Step(evidence=Evidence(code="trace_received", values=values), state="done", at=run.received_at, worker=worker)
        if run.started_at is None and run.ended_at is None:
            later = run.eta_at is not None and run.eta_at > scene.now
            evidence = Evidence(code="trace_until_eta", values={"eta_at": run.eta_at}) if later else Evidence(code="trace_reserved")
            yield Step(evidence=evidence, state="now")
    if run.started_at is not None:
        yield Step(
            evidence=Evidence(code="trace_started"), state="done" if run.ended_at else "now", at=run.started_at, worker="" if run.received_at else worker
        )


def _locks(run: Run, scene: _Scene) -> Iterator[Step]:
    """What it held, holds, or was refused."""
    if run.refused_by is not None:
        evidence = Evidence(code="trace_refused", values={"lock": run.refused_by})
        yield Step(evidence=evidence, state="bad", at=run.refused_at, lock_id=run.refused_lock_id or "")
    held = [lock for lock in scene.snapshot.locks if lock.claim is not None and lock.claim.names(run.task_id) and lock.lapsed_at is None]
    for lock in held:
        values: dict[str, Word] = {"lock": lock.name, "expires_at": lock.expires_at}
        yield Step(evidence=Evidence(code="trace_holds", values=values), state="now", at=lock.acquired_at, lock_id=lock.id)
    if not held and run.refused_by is None:
        yield from _held_before(run, scene)


def _held_before(run: Run, scene: _Scene) -> Iterator[Step]:
    """By the catalogue and by time: a lock of its name that was taken while it ran, and was given back by its end."""
    names = {name for entry in scene.policy.catalogue if entry.owner == run.name and (name := _lock_name(entry.pattern, run))}
    for lane in scene.snapshot.lanes:
        spans = [span for span in lane.spans if lane.name in names and _is_within(span, run)]
        for span in spans if len(spans) == 1 else ():
            values: dict[str, Word] = {"lock": lane.name, "to_at": span.to_at}
            yield Step(evidence=Evidence(code="trace_held", values=values), state="done", at=span.from_at, lock_id=lane.lock_id)


def _lock_name(pattern: str, run: Run) -> str | None:
    parts = _PART.findall(pattern)
    if not parts:
        return None if "*" in pattern else pattern
    argument = first_argument(run.args or "") if len(parts) == 1 else None
    return pattern.replace(parts[0], argument) if argument is not None else None


def _is_within(span: Span, run: Run) -> bool:
    if run.started_at is None or run.ended_at is None or span.to_at is None:
        return False
    return run.started_at - CLOCKS <= span.from_at and span.to_at <= run.ended_at + CLOCKS


def _ended(run: Run) -> Iterator[Step]:
    if run.ended_at is None:
        return
    values: dict[str, Word] = {"outcome": run.outcome, "runtime": run.runtime, "refused": run.is_refused}
    code = "trace_ended" if run.outcome == ENDED_WELL else f"trace_{OUTCOMES.get(run.outcome or '', 'ended')}"
    is_well = run.outcome == ENDED_WELL and not run.is_refused
    yield Step(evidence=Evidence(code=code, values=values), state="done" if is_well else "bad", at=run.ended_at, worker=run.worker or "")


def _results(run: Run, scene: _Scene) -> Iterator[Step]:
    """The result that a run of this task writes into the cache, and an entry of the result back end under its id."""
    name = expected_name(run, scene.policy.results)
    for result in scene.snapshot.results:
        if result.name == name or (result.is_stored and result.name.endswith(run.task_id)):
            yield _result(result)


def _result(result: CachedResult) -> Step:
    values: dict[str, Word] = {"result": result.name, "expires_at": result.expires_at}
    if result.gone_at is not None:
        return Step(evidence=Evidence(code="trace_result_awaited", values=values), state="unknown", result_id=result.id)
    code = "trace_stored" if result.is_stored else "trace_cached"
    evidence = Evidence(code=code if result.expires_at else f"{code}_for_ever", values=values)
    return Step(evidence=evidence, state="done", at=result.written_at, result_id=result.id)
