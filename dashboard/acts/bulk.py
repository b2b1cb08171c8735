"""Releases several locks by one plan and for one reason. Each is an act of its own with an answer of its own; none is undone because another failed.

Only locks that are proved orphaned: one whose holder may live is looked at by itself before it is forced.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dashboard import snapshot as snapshots
from dashboard.acts import ledger, parts, signed
from dashboard.acts.deletion import Ready, delete, look_again
from dashboard.acts.ledger import Outcome
from dashboard.acts.picked import Looked, Picked, known_of, refused
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import RELEASE, RELEASE_MANY, permit
from dashboard.acts.release import given, nonce_of
from dashboard.acts.signed import VALID_FOR
from dashboard.acts.values import Actor, Answer, Order, Origin, unreachable
from dashboard.models import OperatorAct
from dashboard.records import JudgedLock, Snapshot

if TYPE_CHECKING:
    from django.contrib.auth.models import User

AWAY = {"unreachable", "no_answer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What the plan says of one of them; without an obstacle it will be released."""

    picked: Picked
    judged: JudgedLock | None = None
    obstacle: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPlan:
    """What releasing them would mean now; `signed` is empty where none of them can be released."""

    lines: Sequence[Line]
    signed: str
    expires_at: datetime

    @property
    def ready(self) -> list[Line]:
        return [line for line in self.lines if line.obstacle is None]


def plan_bulk(user: "User", session_key: str | None, picked: Sequence[tuple[str, str]], *, now: datetime | None = None) -> BulkPlan:
    """What releasing these (id, token digest) would mean, each read from its own source.  Raises: Refused."""
    permit(Actor(user=user, origin="page"), RELEASE_MANY)
    now = now or datetime.now(UTC)
    known = snapshots.newest()
    chosen = known_of(picked, known)
    looked = Looked(chosen, known, now)
    lines = [Line(picked=one, judged=looked.judged_of(one), obstacle=looked.obstacle_of(one)) for one in chosen]
    ready = [(line.picked.target_id, line.picked.token_digest) for line in lines if line.obstacle is None]
    return BulkPlan(lines=lines, signed=signed.sign_many(user, session_key, ready, now, RELEASE_MANY) if ready else "", expires_at=now + VALID_FOR)


def execute_bulk(user: "User", session_key: str | None, signed_plan: str, reason: str, *, now: datetime | None = None) -> Outcome:
    """Carry out a plan of `plan_bulk`; a second submission of it answers with what came of the first.  Raises: Refused."""
    now = now or datetime.now(UTC)
    actor = Actor(user=user, origin="page")
    picked, nonce, planned_at = signed.read_many(user, session_key, signed_plan, RELEASE_MANY)
    permit(actor, RELEASE_MANY)
    if first := ledger.existing(nonce):
        return Outcome(act=first, replayed=True)
    if now - planned_at > VALID_FOR:
        raise Refused("plan_expired")
    known = snapshots.newest()
    chosen = known_of(picked, known)
    return _carry_out(_order(actor, chosen, given(reason), nonce, planned_at), chosen, known, now)


def release_many(
    user: "User | None",
    picked: Sequence[tuple[str, str]],
    reason: str,
    *,
    origin: Origin,
    idempotency_key: str | None = None,
    shell_name: str = "",
    snapshot: Snapshot | None = None,
) -> Outcome:
    """Release these (id, token digest) without a plan, for those who name the tokens that they saw.  Raises: Refused.

    `snapshot`: what to judge with where no observer runs.  The same `idempotency_key` of one user is the same act.
    """
    now = datetime.now(UTC)
    actor = Actor(user=user, origin=origin, shell_name=shell_name)
    permit(actor, RELEASE_MANY)
    nonce = nonce_of(actor, idempotency_key)
    if first := ledger.existing(nonce):
        return _same(first, picked)
    known = snapshot or snapshots.newest()
    chosen = known_of(picked, known)
    return _carry_out(_order(actor, chosen, given(reason), nonce, now), chosen, known, now)


def _order(actor: Actor, chosen: Sequence[Picked], reason: str, nonce: str, planned_at: datetime) -> Order:
    digest = _digest((one.target_id, one.token_digest) for one in chosen)
    return Order(
        act=RELEASE_MANY.name,
        actor=actor,
        target_id=digest,
        target_name=", ".join(one.name or one.target_id for one in chosen)[:2000],
        cache=", ".join(dict.fromkeys(one.cache for one in chosen if one.cache))[:200],
        token_digest=digest,
        reason=reason,
        nonce=nonce,
        planned_at=planned_at,
    )


def _digest(picked: Iterable[tuple[str, str]]) -> str:
    """16 hex digits that stand for exactly these locks and tokens."""
    return hashlib.sha256("\n".join(sorted(f"{target_id}:{digest}" for target_id, digest in set(picked))).encode()).hexdigest()[:16]


def _same(act: OperatorAct, picked: Sequence[tuple[str, str]]) -> Outcome:
    if (act.act, act.token_digest) != (RELEASE_MANY.name, _digest(picked)):
        raise Refused("key_reused")
    return Outcome(act=act, replayed=True)


def _carry_out(order: Order, chosen: Sequence[Picked], known: Snapshot, now: datetime) -> Outcome:
    ledger.limit(order, now)
    act, is_mine = ledger.begin(order, before={"count": len(chosen)})
    if not is_mine:
        return _same(act, [(one.target_id, one.token_digest) for one in chosen])
    answers = list(_each(order, act, chosen, known, now))
    return ledger.finish(act, parts.summary(Counter(answer.code for answer in answers), len(chosen)))


def _each(order: Order, act: OperatorAct, chosen: Sequence[Picked], known: Snapshot, now: datetime) -> Iterator[Answer]:
    """Release one after the other; it ends where one cannot be written down, and a cache that does not answer is not waited for again."""
    looked, away = Looked(chosen, known, now), dict[str, Answer]()
    for one in chosen:
        part = _part(order, act, one)
        try:
            answer = _release_one(part, looked, away.get(one.cache) or looked.obstacle_of(one), known, now)
        except Refused:
            return
        if answer.code in AWAY:
            away[one.cache] = unreachable(f"cache {one.cache}", "it did not answer for the one before")
        yield answer


def _part(order: Order, act: OperatorAct, one: Picked) -> Order:
    return Order(
        act=RELEASE.name,
        actor=order.actor,
        target_id=one.target_id,
        target_name=one.name or one.target_id,
        cache=one.cache,
        token_digest=one.token_digest,
        reason=order.reason,
        nonce=parts.nonce_of(act.pk, one.target_id, one.token_digest),
        planned_at=order.planned_at,
        raw_key=one.raw_key,
    )


def _release_one(part: Order, looked: Looked, obstacle: Answer | None, known: Snapshot, now: datetime) -> Answer:
    """Look again, write down, compare and delete.  Raises: Refused where it cannot be written down."""
    ready = Ready(answer=obstacle) if obstacle else look_again(part, known, now, lambda target: looked.judged.get(target.id))
    act, is_mine = ledger.begin(part, before=dict(ready.before))
    answer = (ready.answer or delete(part.id, ready, part)) if is_mine else refused("already_gone")
    if is_mine:
        ledger.finish(act, answer)
    return answer
