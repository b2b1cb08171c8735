"""Settles acts of which nobody knows whether they were done, by looking at what is there now. Reads the watched system only."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from dashboard import snapshot as snapshots
from dashboard.acts import kept, parts
from dashboard.acts.ledger import finish
from dashboard.acts.lifetime_undo import settled_change
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import DELETE_RESULT, EVENTS_ON, EXTEND, LIMIT, PROTECT, RELEASE, RELEASE_MANY, RESTORE_RESULT, REVOKE, SEND, UNDO_CHANGE
from dashboard.acts.results import settled
from dashboard.acts.revoke_settle import revoke_settled
from dashboard.acts.send_settle import send_settled
from dashboard.acts.target import Token, is_seen_gone, key_of, read_digest, read_token, target_of
from dashboard.acts.undo import restored_of
from dashboard.acts.values import Answer
from dashboard.acts.worker_events import events_settled
from dashboard.exceptions import SourceUnavailable
from dashboard.models import OperatorAct

ABANDONED_AFTER = timedelta(seconds=15)  # an act takes a few seconds at most: its process was ended in the middle

OF_LIFETIMES = {EXTEND.name, LIMIT.name, PROTECT.name, UNDO_CHANGE.name}
OF_RESULTS = {DELETE_RESULT.name, RESTORE_RESULT.name}


def _revoke_settled(act: OperatorAct, now: datetime) -> Answer | None:
    part = parts.parts_of(act.pk).first()
    return revoke_settled(act, settle(part, now=now) if part else None, now)


SETTLERS: Mapping[str, Callable[[OperatorAct, datetime], Answer | None]] = {
    SEND.name: send_settled,
    EVENTS_ON.name: events_settled,
    REVOKE.name: _revoke_settled,
}


def settle(act: OperatorAct, *, now: datetime | None = None) -> OperatorAct:
    """The act, with its answer if that can be known by now.

    Final only when Redis' clock has passed the act's last moment: after that no late command can change what was seen.
    Cost: none for a settled act, else two round trips.  Never raises: where the source does not answer, it stays unknown.
    """
    if not _is_open(act, now or datetime.now(UTC)):
        return act
    if act.act == RELEASE_MANY.name:
        return _settled_whole(act, now)
    if act.act not in SETTLERS and "valid_until_ms" not in act.before:  # it never came as far as a command
        return finish(act, Answer(state="failed", code="not_done")).act
    try:
        answer = SETTLERS.get(act.act, _settled_by_look)(act, now or datetime.now(UTC))
    except (SourceUnavailable, Refused):
        return act
    return act if answer is None else finish(act, answer).act


def _settled_by_look(act: OperatorAct, _now: datetime) -> Answer | None:
    """By what is there now; None: it cannot be said yet.  Raises: SourceUnavailable, Refused."""
    if act.act in OF_RESULTS:
        return settled(act)
    known = snapshots.newest()
    raw_key = key_of(act.target_id, kept.key_recorded(act), known)
    if not raw_key and is_seen_gone(act, known):
        return _by_token(act, None)
    target = target_of(act.target_id, act.cache, raw_key)
    found, server_ms = read_digest(target)
    if server_ms <= act.before["valid_until_ms"]:
        return None
    return _by_token(act, read_token(target) if found == act.token_digest else None)


def _by_token(act: OperatorAct, token: Token | None) -> Answer:
    if act.act in OF_LIFETIMES:
        return settled_change(act, token)
    is_there = token is not None and token.digest == act.token_digest
    return _of_release(is_there=is_there) if act.act == RELEASE.name else _of_undo(act, is_there=is_there)


def _settled_whole(act: OperatorAct, now: datetime | None) -> OperatorAct:
    """Of many at once: known when each of them is; one that was never begun counts as not released."""
    answer = parts.summary_of([settle(part, now=now) for part in parts.parts_of(act.pk)], int(act.before.get("count", 0)))
    return act if answer is None else finish(act, answer).act


def _is_open(act: OperatorAct, now: datetime) -> bool:
    return act.state == "unknown" or (act.state == "intent" and now - act.started_at > ABANDONED_AFTER)


def _of_release(*, is_there: bool) -> Answer:
    return Answer(state="failed", code="not_done") if is_there else Answer(state="done", code="gone_since")


def _of_undo(act: OperatorAct, *, is_there: bool) -> Answer:
    if not is_there:
        return Answer(state="failed", code="gone_before_look")
    return restored_of(act.undo_of) if act.undo_of else Answer(state="done", code="restored")
