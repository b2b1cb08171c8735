"""Has a worker tell of its tasks: planned with what it means, sent to that worker alone, recorded like every act."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dashboard import connections
from dashboard import snapshot as snapshots
from dashboard.acts import ledger, signed
from dashboard.acts.ledger import Outcome
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import EVENTS_ON, permit
from dashboard.acts.signed import VALID_FOR
from dashboard.acts.values import Actor, Answer, Order, Target, unreachable
from dashboard.connections import BROKER
from dashboard.exceptions import SourceUnavailable
from dashboard.models import OperatorAct
from dashboard.records import Evidence, Worker
from dashboard.records.identity import identity
from dashboard.sources.workers import ask_workers

if TYPE_CHECKING:
    from django.contrib.auth.models import User

COMMAND = "enable_events"
ANSWER_WITHIN_S = 2.0
UNANSWERED_FOR = timedelta(minutes=10)  # a worker that was busy with its start may still take the command that long after


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsPlan:
    """What switching them on would mean now; `signed` is empty where it cannot be done, and `obstacle` says why."""

    target_id: str
    name: str
    effects: tuple[Evidence, ...] = (Evidence(code="worker_events_cost"), Evidence(code="worker_events_until"))
    signed: str = ""
    valid_until: datetime
    obstacle: Answer | None = None


def plan_events(user: "User", session_key: str | None, worker_id: str, *, now: datetime | None = None) -> EventsPlan:
    """What it would mean for this worker.  Raises: Refused."""
    permit(Actor(user=user, origin="page"), EVENTS_ON)
    now = now or datetime.now(UTC)
    worker = _worker(worker_id)
    plan = EventsPlan(target_id=worker_id, name=worker.name, valid_until=now + VALID_FOR)
    if worker.sends_events:
        return replace(plan, obstacle=Answer(state="refused", code="worker_tells_already"))
    target = Target(id=worker_id, place=connections.watched_one(BROKER), raw_key=b"", name=worker.name)
    return replace(plan, signed=signed.sign(user, session_key, target, "", now, forced=False, act=EVENTS_ON))


def execute_events(user: "User", session_key: str | None, signed_plan: str, reason: str, *, now: datetime | None = None) -> Outcome:
    """Carry out a plan of `plan_events`; a second submission of it answers with what came of the first.  Raises: Refused."""
    now = now or datetime.now(UTC)
    actor = Actor(user=user, origin="page")
    plan = signed.read(user, session_key, signed_plan, act=EVENTS_ON)
    permit(actor, EVENTS_ON)
    if first := ledger.existing(plan.nonce):
        return Outcome(act=first, replayed=True)
    if plan.is_expired(now):
        raise Refused("plan_expired")
    if not reason.strip():
        raise Refused("reason_missing")
    order = Order(
        act=EVENTS_ON.name, actor=actor, target_id=plan.target_id, target_name=plan.name, cache=plan.cache, token_digest="",
        reason=reason.strip(), nonce=plan.nonce, planned_at=plan.planned_at,
    )  # fmt: skip
    ledger.limit(order, now)
    act, is_mine = ledger.begin(order, before={"worker": plan.name})
    return ledger.finish(act, _told(plan.name)) if is_mine else Outcome(act=act, replayed=True)


def _told(name: str) -> Answer:
    """Cost: one command to that worker, and its answer."""
    try:
        replies = ask_workers(connections.ask(), COMMAND, [name], ANSWER_WITHIN_S)
    except SourceUnavailable as error:
        return unreachable(error.source, error.reason)
    said = replies.get(name)
    if said is None:
        return Answer(state="unknown", code="worker_silent")
    if not isinstance(said, dict) or "ok" not in said:
        return Answer(state="failed", code="worker_refused", values={"said": str(said)[:200]})
    return Answer(state="done", code="worker_tells")


def events_settled(act: OperatorAct, now: datetime) -> Answer | None:
    """Whether the worker that did not answer tells of its tasks by now; None while that is not known."""
    name = act.before.get("worker")
    told_at = [worker.task_event_at for worker in snapshots.newest().workers if worker.name == name and worker.task_event_at]
    if any(at > act.started_at for at in told_at):
        return Answer(state="done", code="worker_tells")
    return Answer(state="failed", code="not_done") if now - act.started_at > UNANSWERED_FOR else None


def _worker(worker_id: str) -> Worker:
    """The one that was heard of last under that name.  Raises: Refused where none is known."""
    found = [worker for worker in snapshots.newest().workers if identity(worker.name) == worker_id]
    if not found:
        raise Refused("worker_not_known")
    return max(found, key=lambda worker: worker.last_heard_at)
