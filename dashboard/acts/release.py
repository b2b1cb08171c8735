"""Releases a lock: from a page with a signed plan, from a program or the command line at once. Every check is made again here."""

import hashlib
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dashboard import snapshot as snapshots
from dashboard.acts import ledger, signed
from dashboard.acts.deletion import delete, look_again
from dashboard.acts.ledger import Outcome
from dashboard.acts.plan import Plan, plan_release, to_type
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import RELEASE, permit
from dashboard.acts.target import locate
from dashboard.acts.values import Actor, Order, Origin
from dashboard.records import Snapshot

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = ["Outcome", "Plan", "execute", "plan_release", "release_now"]


def execute(user: "User", session_key: str | None, signed_plan: str, reason: str, typed_name: str = "", *, now: datetime | None = None) -> Outcome:
    """Carry out a plan of `plan_release`; a second submission of it answers with what came of the first.  Raises: Refused."""
    now = now or datetime.now(UTC)
    actor = Actor(user=user, origin="page")
    plan = signed.read(user, session_key, signed_plan)
    permit(actor, RELEASE, force=plan.forced)
    if first := ledger.existing(plan.nonce):
        return Outcome(act=first, replayed=True)
    if plan.is_expired(now):
        raise Refused("plan_expired")
    if plan.forced and typed_name.strip() != (wanted := to_type(plan.target_id, plan.name)):
        raise Refused("name_differs", wanted=wanted)
    order = Order(
        act=RELEASE.name,
        actor=actor,
        target_id=plan.target_id,
        target_name=plan.name,
        cache=plan.cache,
        token_digest=plan.token_digest,
        reason=given(reason),
        nonce=plan.nonce,
        planned_at=plan.planned_at,
        force=plan.forced,
        raw_key=plan.raw_key,
    )
    return _carry_out(order, snapshots.newest(), now)


def release_now(
    user: "User | None",
    lock_id: str,
    token_digest: str,
    reason: str,
    *,
    force: bool = False,
    origin: Origin,
    idempotency_key: str | None = None,
    shell_name: str = "",
    snapshot: Snapshot | None = None,
) -> Outcome:
    """Release without a plan, for those who name the token that they saw themselves.  Raises: Refused, SourceUnavailable.

    `snapshot`: what to judge with where no observer runs.  The same `idempotency_key` of one user is the same act.
    """
    now = datetime.now(UTC)
    actor = Actor(user=user, origin=origin, shell_name=shell_name)
    permit(actor, RELEASE, force=force)
    nonce = nonce_of(actor, idempotency_key)
    if first := ledger.existing(nonce):
        return ledger.replayed(first, RELEASE.name, lock_id, token_digest)
    known = snapshot or snapshots.newest()
    target = locate(lock_id, known)
    order = Order(
        act=RELEASE.name,
        actor=actor,
        target_id=target.id,
        target_name=target.name,
        cache=target.place.alias,
        token_digest=token_digest,
        reason=given(reason),
        nonce=nonce,
        planned_at=now,
        force=force,
        raw_key=target.raw_key,
    )
    return _carry_out(order, known, now)


def _carry_out(order: Order, known: Snapshot, now: datetime) -> Outcome:
    ledger.limit(order, now)
    ready = look_again(order, known, now)
    act, is_mine = ledger.begin(order, before=dict(ready.before))
    if not is_mine:
        return ledger.replayed(act, RELEASE.name, order.target_id, order.token_digest)
    return ledger.finish(act, ready.answer or delete(order.id, ready, order))


def given(reason: str) -> str:
    """The reason that was given.  Raises: Refused where there is none."""
    if not reason.strip():
        raise Refused("reason_missing")
    return reason.strip()


def nonce_of(actor: Actor, idempotency_key: str | None) -> str:
    """One for each submission; the same for all with one user's same key."""
    if idempotency_key is None:
        return uuid.uuid4().hex
    return "key:" + hashlib.sha256(f"{actor.name}\0{idempotency_key}".encode("utf-8", "surrogateescape")).hexdigest()
