"""Deletes a result, and puts it back within a day: planned with what it means, compared by what was seen, recorded like every act."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dashboard import connections
from dashboard import snapshot as snapshots
from dashboard.acts import kept, ledger, scripts, signed, trash
from dashboard.acts.ledger import Outcome
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import DELETE_RESULT, RESTORE_RESULT, permit, permit_to_see
from dashboard.acts.result_target import locate, read, target_at
from dashboard.acts.signed import VALID_FOR
from dashboard.acts.values import Actor, Answer, Order, Origin, Target, unreachable
from dashboard.exceptions import SourceUnavailable
from dashboard.models import TRASHED_FOR, OperatorAct
from dashboard.records import Evidence
from dashboard.sources.locks import available
from dashboard.sources.preview import MAX_READ
from dashboard.sources.results import Value

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePlan:
    """What deleting would mean now; `signed` is empty where it cannot be done, and `obstacle` says why."""

    target_id: str
    name: str
    cache: str
    total_bytes: int | None = None
    expires_at: datetime | None = None  # of the result
    effects: tuple[Evidence, ...] = ()
    digest: str = ""
    signed: str = ""
    valid_until: datetime
    obstacle: Answer | None = None


def plan_delete(user: "User", session_key: str | None, result_id: str, *, now: datetime | None = None) -> DeletePlan:
    """What deleting this result would mean, read from its own source.  Raises: Refused, SourceUnavailable."""
    permit(Actor(user=user, origin="page"), DELETE_RESULT)
    now = now or datetime.now(UTC)
    target = locate(result_id, snapshots.newest())
    value = read(target)
    plan = DeletePlan(target_id=target.id, name=target.name, cache=target.place.alias, valid_until=now + VALID_FOR)
    if obstacle := _obstacle(value, ""):
        return replace(plan, obstacle=obstacle)
    assert value is not None, "one that is gone is an obstacle"
    return replace(
        plan,
        total_bytes=value.total_bytes,
        expires_at=now + value.ttl if value.ttl is not None else None,
        effects=_effects(value, target),
        digest=value.digest,
        signed=signed.sign(user, session_key, target, value.digest, now, forced=False, act=DELETE_RESULT),
    )


def _effects(value: Value, target: Target) -> tuple[Evidence, ...]:
    written_by = next((result.task for result in snapshots.newest().results if result.id == target.id), None)
    again = [Evidence(code="result_written_again", values={"task": written_by})] if written_by else [Evidence(code="result_not_there")]
    return (*again, Evidence(code="result_to_trash"), Evidence(code="result_compared"))


def _obstacle(value: Value | None, digest: str) -> Answer | None:
    if value is None:
        return Answer(state="refused", code="result_already_gone")
    if value.kind != "string":
        return Answer(state="refused", code="result_other_type", values={"kind": value.kind})
    if digest and value.digest != digest:
        return Answer(state="refused", code="result_changed")
    return None


def execute_delete(user: "User", session_key: str | None, signed_plan: str, reason: str, *, now: datetime | None = None) -> Outcome:
    """Carry out a plan of `plan_delete`; a second submission of it answers with what came of the first.  Raises: Refused."""
    now = now or datetime.now(UTC)
    actor = Actor(user=user, origin="page")
    plan = signed.read(user, session_key, signed_plan, act=DELETE_RESULT)
    permit(actor, DELETE_RESULT)
    if first := ledger.existing(plan.nonce):
        return Outcome(act=first, replayed=True)
    if plan.is_expired(now):
        raise Refused("plan_expired")
    if not reason.strip():
        raise Refused("reason_missing")
    order = Order(
        act=DELETE_RESULT.name, actor=actor, target_id=plan.target_id, target_name=plan.name, cache=plan.cache, token_digest=plan.token_digest,
        reason=reason.strip(), nonce=plan.nonce, planned_at=plan.planned_at, raw_key=plan.raw_key,
    )  # fmt: skip
    ledger.limit(order, now)
    return _delete(order)


def _delete(order: Order) -> Outcome:
    """Look again, write it down, compare and rename."""
    target, answer, until_ms = None, None, 0
    try:
        target = _target_of(order.target_id, order.cache, order.raw_key)
        answer = _obstacle(read(target), order.token_digest)
        until_ms = _server_ms(target) + scripts.VALID_MS
    except SourceUnavailable as error:
        answer = unreachable(error.source, error.reason)
    except Refused:
        answer = Answer(state="refused", code="result_already_gone")
    key = signed.carried(target.raw_key) if target is not None else ""
    if target is not None and answer is None and not key and not _keep_key(order, target):
        answer = unreachable("lockhouse", "it has to remember the name for a day")
    before = {"key": key, "valid_until_ms": until_ms} if answer is None else {}
    act, is_mine = ledger.begin(order, before=before)
    if not is_mine:
        return Outcome(act=act, replayed=True)
    if answer is not None or target is None:
        return ledger.finish(act, answer or Answer(state="refused", code="result_already_gone"))
    return ledger.finish(act, _told(target, lambda: _deleted(target, order, until_ms)))


def _deleted(target: Target, order: Order, until_ms: int) -> Answer:
    word, *rest = trash.put_away(target, order.token_digest, order.id, until_ms, MAX_READ)
    if word == "deleted":
        left_ms, now_ms = (int(str(part)) for part in rest)
        ttl_ms = None if left_ms < 0 else left_ms
        return Answer(state="done", code="result_deleted", values={"ttl_ms": ttl_ms}, after={"deadline_ms": None if ttl_ms is None else now_ms + ttl_ms})
    code = {"gone": "result_already_gone", "changed": "result_changed", "late": "came_late", "type": "result_other_type"}[str(word)]
    kind = rest[0].decode() if rest and isinstance(rest[0], bytes) else ""
    return Answer(state="refused", code=code, values={"kind": kind} if kind else {})


def restore(user: "User", act_id: uuid.UUID, *, origin: Origin = "page", now: datetime | None = None) -> Outcome:
    """Put back what that act deleted, with what is left until its own deadline; asked for twice, it answers with the first.  Raises: Refused."""
    now = now or datetime.now(UTC)
    actor = Actor(user=user, origin=origin)
    permit(actor, RESTORE_RESULT)
    deleted = OperatorAct.objects.filter(pk=act_id, act=DELETE_RESULT.name).first()
    if deleted is None:
        raise Refused("act_not_known")
    permit_to_see(actor, deleted)
    if deleted.undo_until is None:
        raise Refused("nothing_to_undo")
    nonce = f"restore:{deleted.pk}:{deleted.undos.exclude(state='done').count()}"
    if first := deleted.undos.filter(state="done").first() or ledger.existing(nonce):
        return Outcome(act=first, replayed=True)
    order = Order(
        act=RESTORE_RESULT.name, actor=actor, target_id=deleted.target_id, target_name=deleted.target_name, cache=deleted.cache,
        token_digest=deleted.token_digest, reason=deleted.reason, nonce=nonce, planned_at=now, raw_key=kept.key_recorded(deleted),
    )  # fmt: skip
    return _restore(order, deleted)


def _restore(order: Order, deleted: OperatorAct) -> Outcome:
    target, answer, until_ms = None, None, 0
    try:
        target = _target_of(order.target_id, order.cache, order.raw_key)
        until_ms = _server_ms(target) + scripts.VALID_MS
    except SourceUnavailable as error:
        answer = unreachable(error.source, error.reason)
    except Refused:
        answer = Answer(state="refused", code="trash_empty")
    act, is_mine = ledger.begin(order, undo_of=deleted, before={**deleted.before, "valid_until_ms": until_ms} if target else {})
    if not is_mine:
        return Outcome(act=act, replayed=True)
    if target is None:
        return ledger.finish(act, answer or Answer(state="refused", code="trash_empty"))
    return ledger.finish(act, _told(target, lambda: _restored(target, deleted, until_ms)))


def _restored(target: Target, deleted: OperatorAct, until_ms: int) -> Answer:
    word = trash.put_back(target, deleted.pk, until_ms, deleted.after.get("deadline_ms"))
    if word == "restored":
        return Answer(state="done", code="result_restored")
    code = {"emptied": "trash_empty", "expired": "result_expired_meanwhile", "taken": "result_taken", "late": "came_late"}[word]
    return Answer(state="refused", code=code)


def settled(act: OperatorAct) -> Answer | None:
    """What came of an act whose answer was lost, by what is there now; None: it cannot be said yet.  Raises: SourceUnavailable, Refused."""
    deleted_id = act.pk if act.act == DELETE_RESULT.name else act.undo_of_id
    target = _target_of(act.target_id, act.cache, kept.key_recorded(act))
    if deleted_id is None or _server_ms(target) <= act.before["valid_until_ms"]:
        return None
    with available(f"cache {target.place.alias}"):
        is_in_trash = bool(connections.look(target.place).exists(trash.place_in_trash(deleted_id)))
    if act.act == DELETE_RESULT.name:
        # Without the answer its own deadline is not known, so it could not be put back as it was.
        return Answer(state="done", code="result_deleted_since") if is_in_trash else Answer(state="failed", code="result_not_done")
    return Answer(state="failed", code="result_not_done") if is_in_trash else Answer(state="done", code="result_restored")


def _told(target: Target, do: Callable[[], Answer]) -> Answer:
    try:
        return do()
    except scripts.ScriptError as error:
        return scripts.answer_to(error, target)


def _target_of(result_id: str, cache: str, raw_key: bytes) -> Target:
    return target_at(result_id, cache, raw_key) if raw_key else locate(result_id, snapshots.newest())


def _server_ms(target: Target) -> int:
    with available(f"cache {target.place.alias}"):
        now: Any = connections.look(target.place).time()
    return int(now[0]) * 1000 + int(now[1]) // 1000


def _keep_key(order: Order, target: Target) -> bool:
    """Remember a key that no record may hold as long as its result can be put back; False: our own Redis does not take it."""
    return kept.keep(order.id, kept.Kept(cache=target.place.alias, raw_key=target.raw_key, token=b""), TRASHED_FOR)
