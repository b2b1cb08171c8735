"""Releases a lock and sends its lost run again: only a run whose name, queue and arguments are known whole, through the same path as any message."""

import ast
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dashboard import snapshot as snapshots
from dashboard.acts import ledger, resent, signed
from dashboard.acts.ledger import Outcome
from dashboard.acts.preflight import layout, look
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import SEND, permit
from dashboard.acts.release import execute, release_now
from dashboard.acts.release import nonce_of as nonce_of_key
from dashboard.acts.resent import sent_with
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

__all__ = ["execute_and_send", "look_at_again", "not_sent_with", "release_and_send", "sent_with"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What would be sent once a lock is released, what would become of it, and what is known of this run having been sent again before."""

    task_id: str  # of the lost run
    sending: Sending
    preflight: Preflight
    tries: list[OperatorAct]

    @property
    def earlier(self) -> list[OperatorAct]:
        """The acts that sent it again, or may have."""
        return resent.that_left(self.tries)


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


def look_at_again(judged: JudgedLock, known: Snapshot, now: datetime) -> Again | None:
    """What sending the lost run again would mean once this lock is released; None: no lost run.  Raises: Refused where it cannot be sent."""
    run = lost_run(judged, known)
    if run is None:
        return None
    sending = sending_again(run)
    preflight = look(sending, _without(known, judged.lock.id), now)
    return Again(task_id=run.task_id, sending=sending, preflight=preflight, tries=resent.tries_of(run.task_id))


def _without(known: Snapshot, lock_id: str) -> Snapshot:
    """As it will be when the lock is released."""
    return replace(known, locks=tuple(lock for lock in known.locks if lock.id != lock_id))


def execute_and_send(
    user: "User", session_key: str | None, signed_plan: str, reason: str, typed_name: str, message: str, *, earlier: int = 0, now: datetime | None = None
) -> Outcome:
    """As `release.execute`, then send the run whose message has this digest; nothing is sent where nothing was released.  Raises: Refused.

    `earlier`: how often it was sent again before, as whoever wants it once more has seen.
    """
    plan = signed.read(user, session_key, signed_plan)
    actor = Actor(user=user, origin="page")
    permit(actor, SEND)
    done = ledger.existing(plan.nonce) is not None
    again = None if done else _ready(plan.target_id, plan.token_digest, snapshots.newest(), now or datetime.now(UTC), earlier, message)
    outcome = execute(user, session_key, signed_plan, reason, typed_name, now=now)
    _send(outcome, actor, again, snapshots.newest())
    return outcome


def release_and_send(
    user: "User | None",
    lock_id: str,
    token_digest: str,
    reason: str,
    *,
    force: bool = False,
    once_more: bool = False,
    origin: Origin,
    idempotency_key: str | None = None,
    shell_name: str = "",
    snapshot: Snapshot | None = None,
) -> Outcome:
    """As `release.release_now`, then send the lost run again.  Raises: Refused, before anything is done, where it cannot be sent.

    `once_more`: also where it was sent again before, however often.
    """
    actor = Actor(user=user, origin=origin, shell_name=shell_name)
    permit(actor, SEND)
    known = snapshot or snapshots.newest()
    done = ledger.existing(nonce_of_key(actor, idempotency_key)) is not None
    again = None if done else _ready(lock_id, token_digest, known, datetime.now(UTC), None if once_more else 0)
    outcome = release_now(
        user, lock_id, token_digest, reason, force=force, origin=origin, idempotency_key=idempotency_key, shell_name=shell_name, snapshot=snapshot
    )
    if outcome.replayed and outcome.code == "released" and not (sent_with(outcome.act) or not_sent_with(outcome.act)):
        raise Refused("again_not_with_it")
    _send(outcome, actor, again, known)
    return outcome


def _ready(lock_id: str, token_digest: str, known: Snapshot, now: datetime, earlier: int | None, message: str = "") -> Again:
    """The message, checked before the release; `earlier`: so often it may have been sent again before, None: any number of times.  Raises: Refused."""
    wanted = (one for one in assess(known, now, policy()) if one.lock.id == lock_id and one.lock.token_digest == token_digest)
    judged = next(wanted, None)
    found = look_at_again(judged, known, now) if judged else None
    if found is None:
        raise Refused("again_not_lost")
    if message and digest_of(found.sending) != message:
        raise Refused("send_changed")
    if earlier is not None and len(found.earlier) > earlier:
        raise resent.sent_before(found.earlier[-1])
    if found.preflight.failing:
        raise Refused("again_will_not_run")
    return found


def _send(outcome: Outcome, actor: Actor, again: Again | None, known: Snapshot) -> None:
    """Send it, unless somebody else did so a moment ago; where nothing was sent, the record of the release says why."""
    if again is None or outcome.code != "released":
        return
    nonce, released = resent.nonce_of(again.task_id, len(again.tries)), outcome.act
    try:
        sent = send_as(again.sending, actor, released.reason, nonce, _without(known, released.target_id), {resent.WITH: str(released.pk)})
        if sent.replayed:
            raise resent.sent_before(sent.act)
    except Refused as refusal:  # the lock is released all the same, and that has to be said
        ledger.note(released, NOT_SENT, str(refusal))


def not_sent_with(released: OperatorAct) -> str:
    """Why the lost run of this released lock was not sent again though that was asked for; empty: it was, or nobody asked."""
    return str(released.after.get(NOT_SENT, ""))
