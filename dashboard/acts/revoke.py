"""Revokes the run that holds a lock, and releases the lock once that run was seen to end; where it was not, the lock stays.

Only an exact holder, and only its own worker is told. Revoking does not stop what already runs: only terminating does.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dashboard import connections
from dashboard import snapshot as snapshots
from dashboard.acts import ledger, parts, signed
from dashboard.acts.deletion import delete, look_again
from dashboard.acts.ledger import Outcome
from dashboard.acts.plan import obstacle_to, to_type
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import RELEASE, REVOKE, permit
from dashboard.acts.release import given, nonce_of
from dashboard.acts.signed import VALID_FOR
from dashboard.acts.target import locate, read_and_judge
from dashboard.acts.values import Actor, Answer, Order, Origin, Target, unreachable
from dashboard.exceptions import SourceUnavailable
from dashboard.judge.holders import CONTRADICTED, is_named
from dashboard.models import OperatorAct
from dashboard.records import Evidence, Holder, JudgedLock, Run, Snapshot
from dashboard.sources.workers import ask_workers

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ANSWER_S = 1.0
SEEN_WITHIN_S = 8.0  # a worker is asked for its processes every 2 s, and a release on its way is waited for
LOOK_EVERY_S = 0.25
TOLD_WITHIN_S = 3.0  # a lock is seen within milliseconds, the run that took it when its worker has time to tell
NOT_TOLD = "holder_not_told"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokePlan:
    """What revoking would mean now; `signed` is empty where it cannot be done, and `obstacle` says why."""

    target_id: str
    name: str
    judged: JudgedLock | None
    terminate: bool
    effects: tuple[Evidence, ...] = ()
    to_type: str = ""
    signed: str = ""
    expires_at: datetime
    obstacle: Answer | None = None

    @property
    def forced(self) -> bool:
        return bool(self.to_type)


def plan_revoke(user: "User", session_key: str | None, lock_id: str, token_digest: str, *, terminate: bool, now: datetime | None = None) -> RevokePlan:
    """What it would mean, read from the lock's own source.  Raises: Refused, SourceUnavailable."""
    _permit(Actor(user=user, origin="page"), terminate=terminate)
    now = now or datetime.now(UTC)
    known = snapshots.newest()
    target = locate(lock_id, known)
    judged, obstacle, known = _look(target, token_digest, known, now)
    digest = judged.lock.token_digest if judged else ""
    return RevokePlan(
        target_id=target.id,
        name=target.name,
        judged=judged,
        terminate=terminate,
        effects=() if obstacle else _effects(judged, known, terminate=terminate),
        to_type=to_type(target.id, target.name) if terminate and not obstacle else "",
        signed="" if obstacle else signed.sign(user, session_key, target, digest, now, forced=terminate, act=REVOKE),
        expires_at=now + VALID_FOR,
        obstacle=obstacle,
    )


def _permit(actor: Actor, *, terminate: bool) -> None:
    permit(actor, REVOKE, force=terminate)
    permit(actor, RELEASE)


def _look(target: Target, token_digest: str, known: Snapshot, now: datetime) -> tuple[JudgedLock | None, Answer | None, Snapshot]:
    """The lock as it is now, and why its run cannot be revoked; where it was taken just now, the word of that run is waited for."""
    until = time.monotonic() + TOLD_WITHIN_S
    while True:
        judged = read_and_judge(target, known, now)
        obstacle = _obstacle(judged, target, token_digest, known)
        is_young = judged is not None and (now - judged.lock.first_seen_at).total_seconds() < TOLD_WITHIN_S
        if obstacle is None or obstacle.code != NOT_TOLD or not is_young or time.monotonic() > until:
            return judged, obstacle, known
        time.sleep(LOOK_EVERY_S)
        now, known = datetime.now(UTC), snapshots.newest()


def _obstacle(judged: JudgedLock | None, target: Target, token_digest: str, known: Snapshot) -> Answer | None:
    if found := obstacle_to(judged, target, token_digest):
        return found
    if contradicted := next((fact for fact in (judged.evidence if judged else ()) if fact.code == CONTRADICTED), None):
        return Answer(state="refused", code=CONTRADICTED, values={name: contradicted.values[name] for name in ("claimed", "task_name")})
    holder = judged.holder if judged else None
    if judged is None or holder is None or holder.certainty != "exact" or not holder.task_id or not holder.worker:
        return Answer(state="refused", code="holder_not_exact")
    if judged.verdict == "orphaned":
        return Answer(state="refused", code="holder_has_ended")
    return None if _run_of(holder, known) else Answer(state="refused", code=NOT_TOLD, values=_who(holder))


def _run_of(holder: Holder, known: Snapshot) -> Run | None:
    """The run that its worker would be told to end; None where none is known there, or one of another task has that id: a token is only text."""
    there = [run for run in known.runs if (run.task_id, run.worker) == (holder.task_id, holder.worker) and _may_go_on(run)]
    are_named = all(run.name is not None and is_named(run, holder.task_name) for run in there)
    return there[0] if there and are_named else None


def _may_go_on(run: Run) -> bool:
    """One that was told to end in the middle may have caught that signal."""
    return run.ended_at is None or (run.outcome == "REVOKED" and run.started_at is not None)


def _who(holder: Holder) -> dict[str, str]:
    return {"task_id": str(holder.task_id)[:8], "worker": holder.worker or ""}


def _effects(judged: JudgedLock | None, known: Snapshot, *, terminate: bool) -> tuple[Evidence, ...]:
    """What revoking means; the run is named by what is known of it, not by what the token says."""
    assert judged is not None, "a lock that is gone is an obstacle"
    run = _run_of(judged.holder, known)
    assert run is not None, "a run that is not known is an obstacle"
    how = Evidence(code="revoke_terminates" if terminate else "revoke_only", values={**_who(judged.holder), "task_name": run.name})
    return (how, Evidence(code="revoke_then_release"), Evidence(code="no_holder_check"))


def execute_revoke(
    user: "User",
    session_key: str | None,
    signed_plan: str,
    reason: str,
    typed_name: str = "",
    *,
    now: datetime | None = None,
    patience_s: float = SEEN_WITHIN_S,
) -> Outcome:
    """Carry out a plan of `plan_revoke`; a second submission of it answers with what came of the first.  Raises: Refused."""
    now = now or datetime.now(UTC)
    actor = Actor(user=user, origin="page")
    plan = signed.read(user, session_key, signed_plan, REVOKE)
    _permit(actor, terminate=plan.forced)
    if first := ledger.existing(plan.nonce):
        return Outcome(act=first, replayed=True)
    if plan.is_expired(now):
        raise Refused("plan_expired")
    if plan.forced and typed_name.strip() != (wanted := to_type(plan.target_id, plan.name)):
        raise Refused("name_differs", wanted=wanted)
    return _carry_out(
        _order(actor, plan.target_id, plan.token_digest, given(reason), plan.nonce, plan.planned_at), terminate=plan.forced, patience_s=patience_s
    )


def revoke_now(
    user: "User | None",
    lock_id: str,
    token_digest: str,
    reason: str,
    *,
    terminate: bool,
    origin: Origin,
    idempotency_key: str | None = None,
    shell_name: str = "",
) -> Outcome:
    """The same without a plan, for those who name the token that they saw.  Raises: Refused, SourceUnavailable."""
    actor = Actor(user=user, origin=origin, shell_name=shell_name)
    _permit(actor, terminate=terminate)
    nonce = nonce_of(actor, idempotency_key)
    if first := ledger.existing(nonce):
        return ledger.replayed(first, REVOKE.name, lock_id, token_digest, terminate=terminate)
    return _carry_out(_order(actor, lock_id, token_digest, given(reason), nonce, datetime.now(UTC)), terminate=terminate)


def _order(actor: Actor, lock_id: str, token_digest: str, reason: str, nonce: str, planned_at: datetime) -> Order:
    target = locate(lock_id, snapshots.newest())
    return Order(
        act=REVOKE.name, actor=actor, target_id=lock_id, target_name=target.name, cache=target.place.alias, token_digest=token_digest,
        reason=reason, nonce=nonce, planned_at=planned_at, raw_key=target.raw_key,
    )  # fmt: skip


def _carry_out(order: Order, *, terminate: bool, patience_s: float = SEEN_WITHIN_S) -> Outcome:
    """Look again, write it down, tell the worker, watch for the run's end, release."""
    now, known = datetime.now(UTC), snapshots.newest()
    ledger.limit(order, now)
    target = locate(order.target_id, known)
    judged, obstacle, known = _look(target, order.token_digest or "-", known, now)
    holder = judged.holder if judged else None
    before = {"task_id": holder.task_id if holder else None, "worker": holder.worker if holder else None, "terminate": terminate}
    act, is_mine = ledger.begin(order, before=before)
    if not is_mine:
        return ledger.replayed(act, REVOKE.name, order.target_id, order.token_digest, terminate=terminate)
    return ledger.finish(act, obstacle or _revoked(act) or _released_after(act, order, target, patience_s))


def _revoked(act: OperatorAct) -> Answer | None:
    """Tell the holder's worker, and nobody else; None where it has answered."""
    worker = act.before["worker"]
    arguments = {"task_id": act.before["task_id"], "terminate": act.before["terminate"], "signal": "SIGTERM"}
    try:
        replies = ask_workers(connections.ask(), "revoke", [worker], ANSWER_S, arguments)
    except SourceUnavailable as error:
        return unreachable(error.source, error.reason)
    return None if worker in replies else Answer(state="unknown", code="revoke_unheard", values={"worker": worker})


def _released_after(act: OperatorAct, order: Order, target: Target, patience_s: float) -> Answer:
    """Release the lock as soon as its run was seen to end; the record of that release is a part of this act."""
    values: dict[str, Any] = {"worker": act.before["worker"], "seconds": round(patience_s)}
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        now, known = datetime.now(UTC), snapshots.newest()
        try:
            judged = read_and_judge(target, known, now)
        except SourceUnavailable:
            break
        if judged is None or judged.lock.token_digest != order.token_digest:
            return Answer(state="done", code="revoked_and_gone" if judged is None else "revoked_and_taken", values=values)
        if judged.verdict == "orphaned":
            return _released(act, order, known, now, values)
        time.sleep(LOOK_EVERY_S)
    return Answer(state="done", code="revoked_not_ended", values=values)


def _released(act: OperatorAct, order: Order, known: Snapshot, now: datetime, values: dict[str, Any]) -> Answer:
    part = Order(
        act=RELEASE.name, actor=order.actor, target_id=order.target_id, target_name=order.target_name, cache=order.cache,
        token_digest=order.token_digest, reason=order.reason, nonce=parts.nonce_of(act.pk, order.target_id, order.token_digest),
        planned_at=order.planned_at, raw_key=order.raw_key,
    )  # fmt: skip
    ready = look_again(part, known, now)
    done, _ = ledger.begin(part, before=dict(ready.before))
    outcome = ledger.finish(done, ready.answer or delete(part.id, ready, part))
    return Answer(state="done", code="revoked_released" if outcome.code == "released" else "revoked_not_released", values=values)
