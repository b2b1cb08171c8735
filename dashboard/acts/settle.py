"""Settles acts of which nobody knows whether they were done, by looking at what is there now. Reads the watched system only."""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from dashboard.acts import parts
from dashboard.acts.ledger import finish
from dashboard.acts.lifetime_undo import settled_change
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import DELETE_RESULT, EVENTS_ON, EXTEND, LIMIT, PROTECT, RELEASE, RELEASE_MANY, RESTORE_RESULT, REVOKE, SEND, UNDO_CHANGE
from dashboard.acts.results import settled
from dashboard.acts.send_settle import send_settled
from dashboard.acts.target import read_digest, target_of
from dashboard.acts.values import Answer
from dashboard.acts.worker_events import events_settled
from dashboard.exceptions import SourceUnavailable
from dashboard.models import OperatorAct

ABANDONED_AFTER = timedelta(seconds=15)  # an act takes a few seconds at most: its process was ended in the middle

OF_LIFETIMES = {EXTEND.name, LIMIT.name, PROTECT.name, UNDO_CHANGE.name}
OF_RESULTS = {DELETE_RESULT.name, RESTORE_RESULT.name}


def _never(_act: OperatorAct, _now: datetime) -> None:
    """Nothing that is there now tells whether a worker was told to revoke a run."""


SETTLERS: Mapping[str, Callable[[OperatorAct, datetime], Answer | None]] = {SEND.name: send_settled, EVENTS_ON.name: events_settled, REVOKE.name: _never}


def settle(act: OperatorAct, *, now: datetime | None = None) -> OperatorAct:
    """The act, with its answer if that can be known by now.

    Final only when Redis' clock has passed the act's last moment: after that no late command can change what was seen.
    Cost: none for a settled act, else two round trips.  Never raises: where the source does not answer, it stays unknown.
    """
    if not _is_open(act, now or datetime.now(UTC)):
        return act
    if act.act == RELEASE_MANY.name:
        return _settled_whole(act, now)
    if settler := SETTLERS.get(act.act):
        answer = settler(act, now or datetime.now(UTC))
        return act if answer is None else finish(act, answer).act
    if "valid_until_ms" not in act.before:  # it never came as far as a command
        return finish(act, Answer(state="failed", code="not_done")).act
    try:
        if act.act in OF_RESULTS:
            answer = settled(act)
            return act if answer is None else finish(act, answer).act
        target = target_of(act.target_id, act.cache, base64.b64decode(act.before.get("key", "")))
        found, server_ms = read_digest(target)
        changed = settled_change(act, target, found) if act.act in OF_LIFETIMES else None
    except (SourceUnavailable, Refused):
        return act
    if server_ms <= act.before["valid_until_ms"]:
        return act
    if changed is not None:
        return finish(act, changed).act
    is_there = found == act.token_digest
    return finish(act, _of_release(is_there=is_there) if act.act == RELEASE.name else _of_undo(is_there=is_there)).act


def _settled_whole(act: OperatorAct, now: datetime | None) -> OperatorAct:
    """Of many at once: known when each of them is; one that was never begun counts as not released."""
    answer = parts.summary_of([settle(part, now=now) for part in parts.parts_of(act.pk)], int(act.before.get("count", 0)))
    return act if answer is None else finish(act, answer).act


def _is_open(act: OperatorAct, now: datetime) -> bool:
    return act.state == "unknown" or (act.state == "intent" and now - act.started_at > ABANDONED_AFTER)


def _of_release(*, is_there: bool) -> Answer:
    return Answer(state="failed", code="not_done") if is_there else Answer(state="done", code="gone_since")


def _of_undo(*, is_there: bool) -> Answer:
    return Answer(state="done", code="restored") if is_there else Answer(state="failed", code="gone_before_look")
