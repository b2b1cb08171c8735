"""Undoes within 30 s: after a release the same token again, with what is left until its own deadline, if nobody took the lock meanwhile.

What changed a lock's lifetime is undone by `lifetime_undo`.
"""

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dashboard import connections
from dashboard.acts import kept, ledger, parts, scripts
from dashboard.acts.ledger import Outcome
from dashboard.acts.lifetime_undo import put_deadline_back
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import RELEASE_MANY, UNDO_CHANGE, UNDO_RELEASE, permit, permit_to_see
from dashboard.acts.resent import sent_with, that_left
from dashboard.acts.target import read_digest, target_of
from dashboard.acts.values import Actor, Answer, Order, Origin, Target, unreachable
from dashboard.exceptions import SourceUnavailable
from dashboard.models import UNDO_WITHIN, UNDOABLE, OperatorAct
from dashboard.sources.locks import digest, read_lock

if TYPE_CHECKING:
    from django.contrib.auth.models import User

NEVER_EXPIRES = -1


def undo(user: "User | None", act_id: uuid.UUID, *, origin: Origin = "page", shell_name: str = "", now: datetime | None = None) -> Outcome:
    """Put back what that act released or changed; asked for twice, it answers with what came of the first.  Raises: Refused."""
    now = now or datetime.now(UTC)
    actor = Actor(user=user, origin=origin, shell_name=shell_name)
    permit(actor, UNDO_RELEASE)
    released = _released(act_id, actor)
    nonce = _nonce_of(released)
    if first := ledger.existing(nonce):
        return Outcome(act=first, replayed=True)
    memory = kept.recall(released.id)
    if memory is None or digest(memory.token) != released.token_digest or released.undo_until is None or now > released.undo_until:
        raise Refused("too_late", seconds=UNDO_WITHIN.seconds)
    order = _order(released, actor, memory, nonce, now)
    return _carry_out(order, released, memory)


def undo_all(user: "User", act_id: uuid.UUID, *, origin: Origin = "page", now: datetime | None = None) -> list[Outcome]:
    """Put back each lock that an act on many released, as far as it can be; what came of each.  Raises: Refused where none can be."""
    whole = OperatorAct.objects.filter(pk=act_id, act=RELEASE_MANY.name).first()
    if whole is None:
        raise Refused("act_not_known")
    outcomes, refusal = [], Refused("nothing_to_undo")
    for part in parts.parts_of(whole.pk).filter(code="released"):
        try:
            outcomes.append(undo(user, part.pk, origin=origin, now=now))
        except Refused as no:
            refusal = no
    if not outcomes:
        raise refusal
    return outcomes


def _released(act_id: uuid.UUID, actor: Actor) -> OperatorAct:
    act = OperatorAct.objects.filter(pk=act_id).first()
    if act is None:
        raise Refused("act_not_known")
    permit_to_see(actor, act)
    if act.code not in UNDOABLE:
        raise Refused("nothing_to_undo")
    return act


def _nonce_of(released: OperatorAct) -> str:
    """One undo for each release; one more after each that reached nobody."""
    tries = released.undos.filter(code="unreachable").count()
    return f"undo:{released.pk}:{tries}"


def _order(released: OperatorAct, actor: Actor, memory: kept.Kept, nonce: str, now: datetime) -> Order:
    return Order(
        act=UNDO_RELEASE.name if released.code == "released" else UNDO_CHANGE.name,
        actor=actor,
        target_id=released.target_id,
        target_name=released.target_name,
        cache=released.cache,
        token_digest=released.token_digest,
        reason=released.reason,
        nonce=nonce,
        planned_at=now,
        raw_key=memory.raw_key,
    )


def _carry_out(order: Order, released: OperatorAct, memory: kept.Kept) -> Outcome:
    looked = _look(order)
    valid_until_ms = scripts.VALID_MS + (0 if isinstance(looked, Answer) else looked[1])
    before = {**released.before, "valid_until_ms": valid_until_ms}
    act, is_mine = ledger.begin(order, undo_of=released, before=before)
    if not is_mine:
        return Outcome(act=act, replayed=True)
    if isinstance(looked, Answer):
        return ledger.finish(act, looked)
    target = looked[0]
    if released.code != "released":
        return ledger.finish(act, put_deadline_back(target, memory.token, released, valid_until_ms))
    deadline_ms, restored = released.after.get("deadline_ms"), restored_of(released)
    answer = _put_back(target, memory, valid_until_ms, NEVER_EXPIRES if deadline_ms is None else deadline_ms)
    return ledger.finish(act, restored if answer.code == "restored" else answer)


def _look(order: Order) -> tuple[Target, int] | Answer:
    """Where it goes and what time it is there; where that place does not answer, why."""
    try:
        target = target_of(order.target_id, order.cache, order.raw_key)
        return target, read_digest(target)[1]
    except SourceUnavailable as error:
        return unreachable(error.source, error.reason)


def _put_back(target: Target, memory: kept.Kept, valid_until_ms: int, deadline_ms: int) -> Answer:
    try:
        word, *_ = scripts.run(target, scripts.RESTORE, memory.token, valid_until_ms, deadline_ms)
    except scripts.ScriptError as error:
        return scripts.answer_to(error, target)
    if word == "taken":
        return _taken(target, digest(memory.token))
    if word == "restored":
        return Answer(state="done", code="restored")
    return Answer(state="refused", code={"expired": "expired_meanwhile", "late": "came_late"}[word])


def restored_of(released: OperatorAct) -> Answer:
    """It is back; a message that was sent with its release is not taken back, and that is said."""
    sent = sent_with(released)
    return Answer(state="done", code="restored", values={"sent_again": str(sent.pk)} if sent and that_left([sent]) else {})


def _taken(target: Target, own_digest: str) -> Answer:
    """Somebody else's lock, and since when, as far as its token tells."""
    try:
        lock = read_lock(connections.look(target.place), target.place, target.raw_key, datetime.now(UTC))
    except SourceUnavailable:
        lock = None
    since = lock.acquired_at if lock and lock.token_digest != own_digest else None
    return Answer(state="refused", code="taken_again", values={"since": since.isoformat()} if since else {})
