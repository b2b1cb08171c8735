"""Writes acts down: as `intent` before they are done, completed after. The unique nonce makes a second submission the same act."""

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import DatabaseError, IntegrityError, transaction

from dashboard.acts import parts, words
from dashboard.acts.refusals import Refused
from dashboard.acts.values import HALF_DONE, Answer, Order
from dashboard.conf import conf
from dashboard.models import OperatorAct

MAX_A_MINUTE = 30  # a person who releases more by hand within a minute is a program, or mistaken
MAX_REASON = 1000
MINUTE = timedelta(minutes=1)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an act, and whether it was this submission that did it."""

    act: OperatorAct
    replayed: bool = False

    @property
    def state(self) -> str:
        return self.act.state

    @property
    def code(self) -> str:
        return self.act.code

    @property
    def is_done(self) -> bool:
        """Whether all came of it that was wanted."""
        return self.act.state == "done" and self.act.code not in HALF_DONE

    @property
    def sentence(self) -> str:
        return words.answer(self.act.code, self.act.values)


def existing(nonce: str) -> OperatorAct | None:
    """The act of that nonce, where it was submitted before.  Raises: Refused where the database does not answer."""
    return first_of(nonce=nonce)


def first_of(**wanted: Any) -> OperatorAct | None:
    """The newest act whose fields are these.  Raises: Refused where the database does not answer."""
    try:
        return OperatorAct.objects.filter(**wanted).first()
    except DatabaseError as error:
        raise unwritten(error) from error


def replayed(act: OperatorAct, name: str, target_id: str, token_digest: str, **before: Any) -> Outcome:
    """What came of the act that was submitted with this nonce before.  Raises: Refused where that was another act, or the same to another extent.

    `before`: what its record says of that extent; one that was refused before it was looked at says nothing.
    """
    is_other = any(act.before.get(field, value) != value for field, value in before.items())
    if is_other or (act.act, act.target_id, act.token_digest) != (name, target_id, token_digest):
        raise Refused("key_reused")
    return Outcome(act=act, replayed=True)


def begin(order: Order, **fields: Any) -> tuple[OperatorAct, bool]:
    """The act as it stands in the database before anything is done, and whether this call wrote it.

    Committed at once, so the caller must be in no transaction.  Raises: Refused, where it cannot be written.
    """
    act = OperatorAct(**_fields_of(order), **fields)
    try:
        with transaction.atomic(durable=True):
            act.save(force_insert=True)
    except IntegrityError as error:
        first = existing(order.nonce)
        if first is None:
            raise unwritten(error) from error
        return first, False
    except DatabaseError as error:
        raise unwritten(error) from error
    return act, True


def finish(act: OperatorAct, answer: Answer) -> Outcome:
    """Complete the record.  Where the database fails now, the answer is still told, and the record says `intent` until it is settled."""
    act.state, act.code = answer.state, answer.code
    act.values, act.after = dict(answer.values), dict(answer.after)
    act.finished_at = datetime.now(UTC)
    try:
        with transaction.atomic():
            act.save(update_fields=["state", "code", "values", "after", "finished_at"])
    except DatabaseError:
        log.exception("act %s is %s (%s), but its record could not be completed", act.pk, answer.state, answer.code)
    else:
        _tell_the_admin(act)
    return Outcome(act=act)


def note(act: OperatorAct, name: str, said: str) -> None:
    """Keep with the record of a finished act what went wrong after it; where the database fails, the log has it."""
    act.after = {**act.after, name: said}
    try:
        with transaction.atomic():
            act.save(update_fields=["after"])
    except DatabaseError:
        log.exception("act %s: %s (%s) could not be written", act.pk, name, said)


def _tell_the_admin(act: OperatorAct) -> None:
    """The act also in the admin's own history; where that fails, our record stands all the same."""
    if act.state != "done" or act.user_id is None:
        return
    try:
        with transaction.atomic():
            LogEntry.objects.log_actions(act.user_id, [act], CHANGE, f"{act.act}: {act.reason}", single_object=True)
    except DatabaseError:
        log.exception("act %s could not be written to the admin's log", act.pk)


def limit(order: Order, now: datetime) -> None:
    """Refuse the act, and record that, where this person did too many in the last minute.  Raises: Refused."""
    try:
        recent = OperatorAct.objects.filter(act=order.act, username=order.actor.name, started_at__gt=now - MINUTE).exclude(code="too_many")
        recent = recent.exclude(nonce__startswith=parts.PREFIX)  # of many at once the whole counts as one
        if recent.count() < MAX_A_MINUTE:
            return
    except DatabaseError as error:
        raise unwritten(error) from error
    act, _ = begin(replace(order, nonce=uuid.uuid4().hex))  # the same submission may be made again when the minute is over
    finish(act, Answer(state="refused", code="too_many", values={"limit": MAX_A_MINUTE}))
    raise Refused("too_many", limit=MAX_A_MINUTE)


def limit_messages(act: OperatorAct) -> None:
    """Refuse an act of sending that has begun, where its messages and those of the last minute are too many: of this person, or of all.  Raises: Refused.

    It counts among them itself, so that several requests at once cannot each find room for themselves alone.
    """
    count = _messages_of(act)
    try:
        recent = OperatorAct.objects.filter(act=act.act, started_at__gt=act.started_at - MINUTE).exclude(state="refused").exclude(pk=act.pk)
        sent = [(one.username, _messages_of(one)) for one in recent.only("username", "state", "before", "values")]
        mine, of_all = sum(number for name, number in sent if name == act.username), sum(number for _name, number in sent)
        limits = (("too_many_messages", conf().SEND_LIMIT, mine), ("too_many_messages_of_all", conf().SEND_LIMIT_ALL, of_all))
        over = next(((code, {"limit": most, "before": before, "count": count}) for code, most, before in limits if before + count > most), None)
        if over is None:
            return
        act.nonce = uuid.uuid4().hex  # as above
        act.save(update_fields=["nonce"])
    except DatabaseError as error:
        raise unwritten(error) from error
    code, values = over
    finish(act, Answer(state="refused", code=code, values=values))
    raise Refused(code, **values)


def _messages_of(act: OperatorAct) -> int:
    """How many it may have put into its queue: of one that failed, those before the failure."""
    return int(act.values.get("sent", 0) if act.state == "failed" else act.before.get("count", 1))


def released_by(target_id: str, token_digest: str) -> Mapping[str, str]:
    """Who released this very token by hand, and when; empty where nobody did."""
    found = OperatorAct.objects.filter(target_id=target_id, token_digest=token_digest, code="released", state="done").first()
    if found is None or found.finished_at is None:
        return {}
    return {"by": found.username, "at": found.finished_at.isoformat()}


def _fields_of(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "act": order.act,
        "target_id": order.target_id,
        "target_name": order.target_name.replace("\0", "\\x00"),  # PostgreSQL keeps no NUL in a text
        "cache": order.cache,
        "user": order.actor.user,
        "username": order.actor.name,
        "reason": order.reason.replace("\0", "").strip()[:MAX_REASON],
        "planned_at": order.planned_at,
        "started_at": datetime.now(UTC),
        "nonce": order.nonce,
        "token_digest": order.token_digest,
        "origin": order.actor.origin,
    }


def unwritten(error: Exception) -> Refused:
    """That the records cannot be read or written, so that nothing is done; the log has why."""
    log.error("an act was refused, for its record could not be written: %s", error)
    return Refused("record_failed")
