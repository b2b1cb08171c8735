"""Releases a lock and sends its lost run again: only a run whose name, queue and arguments are known whole, through the same path as any message."""

import ast
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dashboard import snapshot as snapshots
from dashboard.acts import ledger, signed
from dashboard.acts.ledger import Outcome
from dashboard.acts.preflight import layout, look
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import SEND, permit
from dashboard.acts.release import execute, release_now
from dashboard.acts.release import nonce_of as nonce_of_key
from dashboard.acts.send import send_as
from dashboard.acts.sending import checked, digest_of
from dashboard.acts.values import Actor, Origin
from dashboard.conf import policy
from dashboard.judge import assess
from dashboard.judge.preflight import Preflight
from dashboard.models import OperatorAct
from dashboard.records import JudgedLock, Run, Sending, Snapshot

if TYPE_CHECKING:
    from django.contrib.auth.models import User

WHOLE_BELOW = 200  # characters: the observer cuts a repr here, so one that is as long may have been cut
CUT = ("...", "…")  # what Celery and Python put where they cut
NOT_SENT = "not_sent_again"  # in the record of a release
SIMPLE = (str, int, float, bool, type(None))


def lost_run(judged: JudgedLock, known: Snapshot) -> Run | None:
    """The run that held the lock, where it is lost: its end was not of its own, and Redis does not give it out again."""
    if not any(fact.code == "run_lost" for fact in judged.evidence):
        return None
    return next((run for run in known.runs if run.task_id == judged.holder.task_id), None)


def sending_again(run: Run) -> Sending:
    """The message that starts it anew.  Raises: Refused where not all of it is known."""
    if not run.name or not run.queue:
        raise Refused("again_not_known")
    args, kwargs = _value(run.args), _value(run.kwargs)
    if not isinstance(args, (list, tuple)) or not isinstance(kwargs, dict):
        raise Refused("again_cut")
    return checked(Sending(task=run.name, queue=run.queue, args=tuple(args), kwargs=kwargs), layout())


def _value(text: str | None) -> Any:
    """What a repr says, if it is whole and the same as JSON.  Raises: Refused."""
    if text is None or len(text) >= WHOLE_BELOW or any(mark in text for mark in CUT):
        raise Refused("again_cut")
    try:
        value = ast.literal_eval(text)
        json.dumps(value, allow_nan=False)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise Refused("again_cut") from None
    if not _is_plain(value):
        raise Refused("again_cut")
    return value


def _is_plain(value: Any) -> bool:
    """Whether JSON brings it to the task as it was: no key that becomes a text."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(one) for key, one in value.items())
    return all(map(_is_plain, value)) if isinstance(value, (list, tuple)) else isinstance(value, SIMPLE)


def look_at_again(judged: JudgedLock, known: Snapshot, now: datetime) -> tuple[Sending, Preflight] | None:
    """What would be sent once this lock is released, and what would become of it; None: no lost run.  Raises: Refused where it cannot be sent."""
    run = lost_run(judged, known)
    if run is None:
        return None
    sending = sending_again(run)
    return sending, look(sending, _without(known, judged.lock.id), now)


def _without(known: Snapshot, lock_id: str) -> Snapshot:
    """As it will be when the lock is released."""
    return replace(known, locks=tuple(lock for lock in known.locks if lock.id != lock_id))


def execute_and_send(
    user: "User", session_key: str | None, signed_plan: str, reason: str, typed_name: str, message: str, *, now: datetime | None = None
) -> Outcome:
    """As `release.execute`, then send the run whose message has this digest; nothing is sent where nothing was released.  Raises: Refused."""
    plan = signed.read(user, session_key, signed_plan)
    actor = Actor(user=user, origin="page")
    permit(actor, SEND)
    done = ledger.existing(plan.nonce) is not None
    sending = None if done else _ready(plan.target_id, plan.token_digest, snapshots.newest(), now or datetime.now(UTC), message)
    outcome = execute(user, session_key, signed_plan, reason, typed_name, now=now)
    _send(outcome, actor, sending, snapshots.newest())
    return outcome


def release_and_send(
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
    """As `release.release_now`, then send the lost run again.  Raises: Refused, before anything is done, where it cannot be sent."""
    actor = Actor(user=user, origin=origin, shell_name=shell_name)
    permit(actor, SEND)
    known = snapshot or snapshots.newest()
    done = ledger.existing(nonce_of_key(actor, idempotency_key)) is not None
    sending = None if done else _ready(lock_id, token_digest, known, datetime.now(UTC), "")
    outcome = release_now(
        user, lock_id, token_digest, reason, force=force, origin=origin, idempotency_key=idempotency_key, shell_name=shell_name, snapshot=snapshot
    )
    if outcome.replayed and outcome.code == "released" and not (sent_with(outcome.act) or not_sent_with(outcome.act)):
        raise Refused("again_not_with_it")
    _send(outcome, actor, sending, known)
    return outcome


def _ready(lock_id: str, token_digest: str, known: Snapshot, now: datetime, message: str) -> Sending:
    """The message, checked before the release.  Raises: Refused."""
    wanted = (one for one in assess(known, now, policy()) if one.lock.id == lock_id and one.lock.token_digest == token_digest)
    judged = next(wanted, None)
    found = look_at_again(judged, known, now) if judged else None
    if found is None:
        raise Refused("again_not_lost")
    sending, preflight = found
    if message and digest_of(sending) != message:
        raise Refused("send_changed")
    if preflight.failing:
        raise Refused("again_will_not_run")
    return sending


def _send(outcome: Outcome, actor: Actor, sending: Sending | None, known: Snapshot) -> None:
    if sending is None or outcome.code != "released":
        return
    try:
        send_as(sending, actor, outcome.act.reason, nonce_of(outcome.act), _without(known, outcome.act.target_id))
    except Refused as refusal:  # the lock is released all the same, and that has to be said
        ledger.note(outcome.act, NOT_SENT, str(refusal))


def nonce_of(released: OperatorAct) -> str:
    """One message for each release, however often it is submitted."""
    return f"again:{released.pk}"


def not_sent_with(released: OperatorAct) -> str:
    """Why the lost run of this released lock was not sent again though that was asked for; empty: it was, or nobody asked."""
    return str(released.after.get(NOT_SENT, ""))


def sent_with(released: OperatorAct) -> OperatorAct | None:
    """The act that sent the lost run of this released lock again."""
    return ledger.existing(nonce_of(released)) if released.code == "released" else None
