"""Sends tasks: from a page with a signed plan, from a program or the command line at once. Every check is made again here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from dashboard import connections
from dashboard import snapshot as snapshots
from dashboard.acts import ledger, signed
from dashboard.acts.delivery import deliver
from dashboard.acts.ledger import Outcome
from dashboard.acts.preflight import layout, look
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import SEND, permit
from dashboard.acts.release import nonce_of
from dashboard.acts.send_keys import refuse_keys_of_locks
from dashboard.acts.sending import TYPED_ABOVE, checked, digest_of
from dashboard.acts.signed import VALID_FOR
from dashboard.acts.values import Actor, Order, Origin, Target
from dashboard.judge.preflight import Preflight
from dashboard.models import OperatorAct
from dashboard.records import Sending, Snapshot, Traced
from dashboard.records.identity import identity
from dashboard.sources.traced import remember

if TYPE_CHECKING:
    from django.contrib.auth.models import User

WRONG_TYPE = "send_queue_wrong_type"
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPlan:
    """What sending would mean now; where it will not run, it has to be meant all the same."""

    preflight: Preflight
    signed: str
    to_type: str = ""  # what has to be typed, for many at once
    expires_at: datetime

    @property
    def needs_anyway(self) -> bool:
        return bool(self.preflight.failing)


def plan_send(user: "User", session_key: str | None, sending: Sending, *, now: datetime | None = None) -> SendPlan:
    """What sending this would mean.  Cost: none on the watched system.  Raises: Refused."""
    permit(Actor(user=user, origin="page"), SEND)
    now = now or datetime.now(UTC)
    known = snapshots.newest()
    preflight = look(checked(sending, layout()), known, now)
    refuse_keys_of_locks(sending.queue, known)
    _refuse_no_list(preflight)
    target = _target(sending)
    return SendPlan(
        preflight=preflight,
        signed=signed.sign(user, session_key, target, digest_of(sending), now, forced=bool(preflight.failing), act=SEND),
        to_type=sending.task if sending.count > TYPED_ABOVE else "",
        expires_at=now + VALID_FOR,
    )


def execute_send(
    user: "User",
    session_key: str | None,
    signed_plan: str,
    sending: Sending,
    *,
    reason: str = "",
    anyway: bool = False,
    typed: str = "",
    now: datetime | None = None,
) -> Outcome:
    """Carry out a plan of `plan_send`; a second submission of it answers with what came of the first.  Raises: Refused."""
    now = now or datetime.now(UTC)
    actor = Actor(user=user, origin="page")
    plan = signed.read(user, session_key, signed_plan, act=SEND)
    permit(actor, SEND)
    if first := ledger.existing(plan.nonce):
        return Outcome(act=first, replayed=True)
    if plan.is_expired(now):
        raise Refused("plan_expired")
    if plan.token_digest != digest_of(sending):
        raise Refused("send_changed")
    if sending.count > TYPED_ABOVE and typed.strip() != sending.task.strip():
        raise Refused("name_differs", wanted=sending.task)
    return _carry_out(_order(sending, actor, reason, plan.nonce, plan.planned_at), sending, snapshots.newest(), now, anyway=anyway)


def send_now(
    user: "User | None",
    sending: Sending,
    *,
    origin: Origin,
    reason: str = "",
    anyway: bool = False,
    idempotency_key: str | None = None,
    shell_name: str = "",
    snapshot: Snapshot | None = None,
) -> Outcome:
    """Send without a plan, for programs and terminals.  Raises: Refused.

    `snapshot`: what to look at where no observer runs.  The same `idempotency_key` of one user is the same act.
    """
    now = datetime.now(UTC)
    actor = Actor(user=user, origin=origin, shell_name=shell_name)
    permit(actor, SEND)
    nonce = nonce_of(actor, idempotency_key)
    if first := ledger.existing(nonce):
        return _same(first, sending)
    return _carry_out(_order(checked(sending, layout()), actor, reason, nonce, now), sending, snapshot or snapshots.newest(), now, anyway=anyway)


def send_as(sending: Sending, actor: Actor, reason: str, nonce: str, known: Snapshot, beside: Mapping[str, Any]) -> Outcome:
    """Send what belongs to another act, once for each `nonce`; `beside` is kept with the record.  Raises: Refused."""
    permit(actor, SEND)
    now = datetime.now(UTC)
    return _carry_out(_order(checked(sending, layout()), actor, reason, nonce, now), sending, known, now, anyway=False, beside=beside)


def _carry_out(order: Order, sending: Sending, known: Snapshot, now: datetime, *, anyway: bool, beside: Mapping[str, Any] = NOTHING) -> Outcome:
    refuse_keys_of_locks(sending.queue, known)
    preflight = look(sending, known, now)
    _refuse_no_list(preflight)
    if preflight.failing and not anyway:
        raise Refused("send_anyway_missing")
    act, is_mine = ledger.begin(order, before={**_before(sending, preflight), **beside})
    if not is_mine:
        return _same(act, sending)
    ledger.limit_messages(act)
    is_new = known.at is not None and not any(queue.name == sending.queue for queue in known.queues)
    answer = deliver(act.pk, sending, is_new=is_new)
    if answer.state == "unknown" or answer.values.get("sent"):
        follow(act)
    return ledger.finish(act, answer)


def follow(act: OperatorAct) -> None:
    """Have the observer look where its messages wait; where our own Redis does not answer, it is not known where."""
    count = int(act.before.get("count", 1))
    traced = Traced(act_id=str(act.pk), task=act.target_name[:200], queue=str(act.before.get("queue", ""))[:500], count=count, sent_at=act.started_at)
    try:
        remember(connections.own_for_pages(), traced)
    except RedisError:
        return


def _order(sending: Sending, actor: Actor, reason: str, nonce: str, planned_at: datetime) -> Order:
    return Order(
        act=SEND.name,
        actor=actor,
        target_id=identity(sending.task),
        target_name=sending.task,
        cache=connections.BROKER,
        token_digest=digest_of(sending),
        reason=reason.strip(),
        nonce=nonce,
        planned_at=planned_at,
    )


def _before(sending: Sending, preflight: Preflight) -> dict[str, Any]:
    """What the record keeps: no argument, for arguments may hold secrets."""
    return {
        "queue": sending.queue,
        "count": sending.count,
        "arguments": len(sending.args) + len(sending.kwargs),
        "countdown_ms": round(sending.countdown.total_seconds() * 1000) if sending.countdown else None,
        "eta": sending.eta_at.isoformat() if sending.eta_at else None,
        "expires": _expires(sending),
        "priority": sending.priority,
        "ignore_result": sending.ignore_result,
        "verdict": preflight.verdict,
        "shares_lock": preflight.shares_lock,
        "failing": [check.evidence.code for check in preflight.failing],
    }


def _expires(sending: Sending) -> str | None:
    if sending.expires_at:
        return sending.expires_at.isoformat()
    return f"{sending.expires_in.total_seconds():g} s" if sending.expires_in is not None else None


def _target(sending: Sending) -> Target:
    raw_queue = sending.queue.encode("utf-8", "surrogatepass")
    return Target(id=identity(sending.task), place=connections.watched_one(connections.BROKER), raw_key=raw_queue, name=sending.task)


def _refuse_no_list(preflight: Preflight) -> None:
    if any(check.evidence.code == WRONG_TYPE for check in preflight.failing):
        raise Refused("send_queue_is_no_list")


def _same(act: OperatorAct, sending: Sending) -> Outcome:
    if (act.act, act.token_digest) != (SEND.name, digest_of(sending)):
        raise Refused("key_reused")
    return Outcome(act=act, replayed=True)
