"""Changes how long a lock lasts: extends it, gives a timeout to one that never expires, or puts back the token of one that expired under its run.

Planned with what it means, compared by the token that was seen, recorded, and undone like a release.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dashboard import snapshot as snapshots
from dashboard.acts import deadline, kept, ledger, lifetime_scripts, scripts, signed
from dashboard.acts.deadline import MS, SeenDeadline
from dashboard.acts.ledger import Outcome
from dashboard.acts.lifetime_look import Look, Looked
from dashboard.acts.plan import to_type
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import EXTEND, LIMIT, PROTECT, Act, permit
from dashboard.acts.release import given, nonce_of
from dashboard.acts.signed import VALID_FOR
from dashboard.acts.values import Actor, Answer, Order, Origin
from dashboard.records import Evidence, JudgedLock, Snapshot

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=7)
CHANGES = {"extend": EXTEND, "timeout": LIMIT, "protect": PROTECT}
SCRIPTS = {EXTEND.name: lifetime_scripts.EXTEND, LIMIT.name: lifetime_scripts.LIMIT, PROTECT.name: lifetime_scripts.PROTECT}
DONE = {EXTEND.name: "extended", LIMIT.name: "timeout_set", PROTECT.name: "protected"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlan:
    """What the change would mean now; `signed` is empty where it cannot be carried out, and `obstacle` says why."""

    target_id: str
    name: str
    judged: JudgedLock | None
    span: timedelta
    effects: tuple[Evidence, ...] = ()
    to_type: str = ""  # what has to be typed, where the holder may outlive the timeout that is set
    signed: str = ""
    expires_at: datetime  # of the plan
    obstacle: Answer | None = None

    @property
    def forced(self) -> bool:
        return bool(self.to_type)


def plan_change(
    user: "User", session_key: str | None, act: Act, lock_id: str, token_digest: str, span: timedelta | None = None, *, now: datetime | None = None
) -> ChangePlan:
    """What this change would mean, read from the lock's own source.  Raises: Refused, SourceUnavailable.

    `span`: what is added, or for how long it lasts; None: what fits.
    """
    permit(Actor(user=user, origin="page"), act)
    now = now or datetime.now(UTC)
    looked = Look(act, snapshots.newest(), now).at(lock_id, token_digest)
    span = _checked(looked.usual_span if span is None else span)
    obstacle = looked.obstacle or _needs_force(act, looked, user)
    typed = to_type(looked.target.id, looked.target.name) if not obstacle and needs_typing(act, looked.judged) else ""
    return ChangePlan(
        target_id=looked.target.id,
        name=looked.target.name,
        judged=looked.judged,
        span=span,
        effects=tuple(_effects(act, looked, span, now)) if looked.judged else (),
        to_type=typed,
        signed="" if obstacle else _signed(user, session_key, act, looked, span, now, forced=bool(typed)),
        expires_at=now + VALID_FOR,
        obstacle=obstacle,
    )


def _signed(user: "User", session_key: str | None, act: Act, looked: Looked, span: timedelta, now: datetime, *, forced: bool) -> str:
    seen = deadline.seen_in(looked)
    marks = (seen.at_ms, seen.within_ms)
    return signed.sign(user, session_key, looked.target, looked.digest, now, forced=forced, act=act, span_ms=span // MS, deadline=marks)


def needs_typing(act: Act, judged: JudgedLock | None) -> bool:
    """A timeout ends the lock under a holder that may still run then: as a forced release, only later."""
    return act is LIMIT and judged is not None and judged.verdict != "orphaned"


def _needs_force(act: Act, looked: Looked, user: "User") -> Answer | None:
    if looked.judged is None or not needs_typing(act, looked.judged) or user.has_perm(act.force_permission or ""):
        return None
    return _without_force(looked.judged)


def _without_force(judged: JudgedLock) -> Answer:
    return Answer(state="refused", code="needs_force", values={"verdict": judged.verdict, "life": _life(judged)})


def _life(judged: JudgedLock) -> str:
    return "orphaned" if "orphaned" in judged.flags else "unknown" if "unknown" in judged.flags else "held"


def _effects(act: Act, looked: Looked, span: timedelta, now: datetime) -> Iterator[Evidence]:
    judged = looked.judged
    assert judged is not None, "only what is there has effects"
    expires_at = judged.lock.expires_at
    if act is EXTEND and expires_at is not None:
        yield Evidence(code="extend_until", values={"until": expires_at + span, "was": expires_at})
    elif act is not EXTEND:
        yield Evidence(code=f"{'timeout' if act is LIMIT else 'protect'}_until", values={"until": now + span})
    life = _life(judged)
    yield Evidence(code={EXTEND.name: f"extend_{life}", LIMIT.name: f"timeout_{life}", PROTECT.name: "protect_held"}[act.name])
    if judged.blocks:
        yield Evidence(code="blocks", values={"blocks": judged.blocks})
    yield Evidence(code="protect_compared" if act is PROTECT else "change_compared")


def execute_change(
    user: "User", session_key: str | None, act: Act, signed_plan: str, reason: str, typed_name: str = "", *, now: datetime | None = None
) -> Outcome:
    """Carry out a plan of `plan_change`; a second submission of it answers with what came of the first.  Raises: Refused."""
    now = now or datetime.now(UTC)
    actor = Actor(user=user, origin="page")
    plan = signed.read(user, session_key, signed_plan, act)
    permit(actor, act, force=plan.forced)
    if first := ledger.existing(plan.nonce):
        return Outcome(act=first, replayed=True)
    if plan.is_expired(now):
        raise Refused("plan_expired")
    if plan.forced and typed_name.strip() != (wanted := to_type(plan.target_id, plan.name)):
        raise Refused("name_differs", wanted=wanted)
    order = Order(
        act=act.name, actor=actor, target_id=plan.target_id, target_name=plan.name, cache=plan.cache, token_digest=plan.token_digest,
        reason=given(reason), nonce=plan.nonce, planned_at=plan.planned_at, force=plan.forced, raw_key=plan.raw_key,
    )  # fmt: skip
    at_ms, within_ms = plan.deadline
    return _carry_out(act, order, plan.span_ms * MS, SeenDeadline(at_ms=at_ms, within_ms=within_ms), snapshots.newest(), now)


def change_now(
    user: "User | None",
    act: Act,
    lock_id: str,
    token_digest: str,
    reason: str,
    *,
    span: timedelta | None = None,
    expected_deadline: datetime | None = None,
    force: bool = False,
    origin: Origin,
    idempotency_key: str | None = None,
    shell_name: str = "",
    snapshot: Snapshot | None = None,
) -> Outcome:
    """Change it without a plan, for those who name the token that they saw.  Raises: Refused, SourceUnavailable.

    `expected_deadline`: when it was seen to expire, by our clock; where that was moved since, nothing is done. None: wherever it is.
    """
    now = datetime.now(UTC)
    actor = Actor(user=user, origin=origin, shell_name=shell_name)
    permit(actor, act, force=force)
    nonce = nonce_of(actor, idempotency_key)
    if first := ledger.existing(nonce):
        return ledger.replayed(first, act.name, lock_id, token_digest, **({} if span is None else {"span_ms": span // MS}))
    known = snapshot or snapshots.newest()
    looked = Look(act, known, now).at(lock_id, token_digest or "-")
    order = Order(
        act=act.name, actor=actor, target_id=lock_id, target_name=looked.target.name, cache=looked.target.place.alias, token_digest=token_digest,
        reason=given(reason), nonce=nonce, planned_at=now, force=force, raw_key=looked.target.raw_key,
    )  # fmt: skip
    seen = deadline.expected(looked, known, expected_deadline)
    return _carry_out(act, order, _checked(looked.usual_span if span is None else span), seen, known, now)


def _carry_out(act: Act, order: Order, span: timedelta, seen: SeenDeadline, known: Snapshot, now: datetime) -> Outcome:
    """Look again, write it down, compare and change."""
    ledger.limit(order, now)
    ready = _look_again(act, order, span, known, now)
    done, is_mine = ledger.begin(order, before=dict(ready.before))
    if not is_mine:
        return ledger.replayed(done, act.name, order.target_id, order.token_digest, span_ms=span // MS)
    if ready.answer is not None or ready.looked is None:
        return ledger.finish(done, ready.answer or Answer(state="failed", code="not_done"))
    return ledger.finish(done, _told(act, order, ready, span, seen))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    answer: Answer | None = None
    looked: Looked | None = None
    undo: bool = False
    before: Mapping[str, Any] = field(default_factory=dict)


def _look_again(act: Act, order: Order, span: timedelta, known: Snapshot, now: datetime) -> _Ready:
    looked, answer = Look(act, known, now).again(order)
    if looked is None:
        return _Ready(answer=answer)
    if answer is None and looked.judged is not None and needs_typing(act, looked.judged) and not order.force:
        answer = _without_force(looked.judged)
    if answer is not None:
        return _Ready(answer=answer)
    undo = kept.keep(order.id, kept.Kept(cache=looked.target.place.alias, raw_key=looked.target.raw_key, token=looked.token))
    before = {
        "key": signed.carried(looked.target.raw_key),
        "valid_until_ms": looked.server_ms + scripts.VALID_MS,
        "deadline_ms": looked.deadline_ms,
        "span_ms": span // MS,
        "verdict": looked.judged.verdict if looked.judged else "",
    }
    return _Ready(looked=looked, undo=undo, before=before)


def _told(act: Act, order: Order, ready: _Ready, span: timedelta, seen: SeenDeadline) -> Answer:
    looked = ready.looked
    assert looked is not None, "only what is ready is changed"
    try:
        given = (looked.token, ready.before["valid_until_ms"], span // MS, seen.at_ms, seen.within_ms)
        word, *rest = scripts.run(looked.target, SCRIPTS[act.name], *given)
    except scripts.ScriptError as error:
        return scripts.answer_to(error, looked.target)
    if word != "done":
        kept.forget(order.id)
    return _answer(act, word, rest, undo=ready.undo)


def _answer(act: Act, word: str, rest: list[Any], *, undo: bool) -> Answer:
    if word == "done":
        before_ms, until_ms = (int(part) for part in rest)
        values = {"until": instant(until_ms), **({"was": instant(before_ms)} if before_ms > 0 else {}), "undo": undo}
        return Answer(state="done", code=DONE[act.name], values=values, after={"was_ms": before_ms, "deadline_ms": until_ms})
    if word == "type":
        return Answer(state="refused", code="not_a_lock", values={"kind": rest[0].decode()})
    if word in {"expires", "moved"}:
        return Answer(state="refused", code={"expires": "expires_already", "moved": "deadline_moved"}[word], values={"until": instant(int(rest[0]))})
    code = {"late": "came_late", "gone": "already_gone", "changed": "changed_hands", "never": "never_expires_anyway", "taken": "taken_again"}[word]
    return Answer(state="refused", code=code)


def instant(server_ms: int) -> str:
    """A time by Redis' clock, as records keep times."""
    return datetime.fromtimestamp(server_ms / 1000, UTC).isoformat()


def _checked(span: timedelta) -> timedelta:
    if not SHORTEST <= span <= LONGEST:
        raise Refused("span_odd", most=LONGEST.days)
    return span
