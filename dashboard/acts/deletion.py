"""The release itself in two steps, between which it is written down: look once more, then compare and delete in one script."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dashboard.acts import kept, scripts
from dashboard.acts.ledger import released_by
from dashboard.acts.plan import obstacle_to
from dashboard.acts.refusals import Refused
from dashboard.acts.signed import carried
from dashboard.acts.target import Token, key_of, read_and_judge, read_token, target_of
from dashboard.acts.values import Answer, Order, Target, unreachable
from dashboard.exceptions import SourceUnavailable
from dashboard.records import JudgedLock, Snapshot
from dashboard.redaction import hide_in_name
from dashboard.sources.dialects import SIGNAL_MS, signal_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A lock that is as its operator saw it, or the answer that it is not; `before` is for the record."""

    answer: Answer | None = None
    target: Target | None = None
    token: Token | None = None
    signal: bytes | None = None  # the list by which its library wakes those who wait
    undo: bool = False  # the token is kept for an undo
    valid_until_ms: int = 0  # by Redis' clock
    before: Mapping[str, Any] = field(default_factory=dict)


Judge = Callable[[Target], JudgedLock | None]


def look_again(order: Order, known: Snapshot, now: datetime, judge: Judge | None = None) -> Ready:
    """The lock as it is now, and its token kept for an undo.  Cost: two looks and one command to our own Redis.  Never raises.

    `judge`: who says what the lock is, where many were judged together a moment ago; the token itself is read again in any case.
    """
    try:
        target = target_of(order.target_id, order.cache, key_of(order.target_id, order.raw_key, known))
        judged = judge(target) if judge else read_and_judge(target, known, now)
        began = time.monotonic()
        token = read_token(target) if judged and judged.lock.token_digest else None
    except SourceUnavailable as error:
        return Ready(answer=unreachable(error.source, error.reason))
    except Refused:
        return Ready(answer=Answer(state="refused", code="already_gone", values=released_by(order.target_id, order.token_digest)))
    if obstacle := _obstacle(order, target, judged, token):
        return Ready(answer=obstacle)
    assert judged is not None, "a lock that is gone is an obstacle"
    assert token is not None, "as above"
    undo = kept.keep(order.id, kept.Kept(cache=target.place.alias, raw_key=target.raw_key, token=token.value))
    valid_until_ms = token.server_ms + round((time.monotonic() - began) * 1000) + scripts.VALID_MS
    before = _before(target, judged, token, valid_until_ms)
    signal = signal_of(judged.lock.dialect, target.raw_key)
    return Ready(target=target, token=token, signal=signal, undo=undo, valid_until_ms=valid_until_ms, before=before)


def _obstacle(order: Order, target: Target, judged: JudgedLock | None, token: Token | None) -> Answer | None:
    if found := obstacle_to(judged, target, order.token_digest):
        return found
    if token is None:
        return Answer(state="refused", code="already_gone", values=released_by(target.id, order.token_digest))
    if token.digest != order.token_digest:
        return Answer(state="refused", code="changed_hands")
    if judged is not None and judged.verdict != "orphaned" and not order.force:
        return Answer(state="refused", code="needs_force", values={"verdict": judged.verdict})
    return None


def _before(target: Target, judged: JudgedLock, token: Token, valid_until_ms: int) -> dict[str, Any]:
    return {
        "key": carried(target.raw_key),
        "ttl_ms": token.ttl_ms,
        "valid_until_ms": valid_until_ms,
        "verdict": judged.verdict,
        "flags": list(judged.flags),
        "evidence": [fact.code for fact in judged.evidence],
        "holder": {"certainty": judged.holder.certainty, **_named({"task_id": judged.holder.task_id, "worker": judged.holder.worker})},
    }


def _named(names: Mapping[str, str | None]) -> dict[str, str | None]:
    """What a token says, for the record: that of a key's name has no secret either."""
    return {part: hide_in_name(name) if name else name for part, name in names.items()}


def delete(act_id: uuid.UUID, ready: Ready, order: Order) -> Answer:
    """Compare and delete.  Cost: one script."""
    assert ready.target is not None, "only what is ready is deleted"
    assert ready.token is not None, "as above"
    answer = _told(ready, order, ready.target, ready.token)
    if answer.code not in {"released", "no_answer"}:
        kept.forget(act_id)
    return answer


def _told(ready: Ready, order: Order, target: Target, token: Token) -> Answer:
    try:
        word, *rest = scripts.run(target, scripts.RELEASE, token.value, ready.valid_until_ms, SIGNAL_MS, beside=ready.signal)
    except scripts.ScriptError as error:
        return scripts.answer_to(error, target)
    return _answer(word, rest, ready, order)


def _answer(word: str, rest: list[Any], ready: Ready, order: Order) -> Answer:
    if word == "released":
        left_ms, now_ms = rest
        ttl_ms = None if left_ms < 0 else left_ms
        after = {"deadline_ms": None if ttl_ms is None else now_ms + ttl_ms}
        return Answer(state="done", code="released", values={"ttl_ms": ttl_ms, "undo": ready.undo}, after=after)
    if word == "gone":
        return Answer(state="refused", code="already_gone", values=released_by(order.target_id, order.token_digest))
    if word == "type":
        return Answer(state="refused", code="not_a_lock", values={"kind": rest[0].decode()})
    return Answer(state="refused", code={"changed": "changed_hands", "late": "came_late"}[word])
