"""The acts that were done, to be read: one, or a page of those that match."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet

from dashboard.acts import parts
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import SEND, permit_to_see
from dashboard.acts.settle import settle
from dashboard.acts.values import Actor
from dashboard.models import OperatorAct

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PAGE_SIZE = 50
SETTLES_FOR_S = 0.5  # after so long no other is begun: one that is begun takes 2 s where the broker hangs


def act_for(user: "User", act_id: uuid.UUID) -> OperatorAct:
    """That act, settled if it can be by now.  Raises: Refused where there is none, or where it is another's and not for this user to see."""
    found = OperatorAct.objects.select_related("undo_of").filter(pk=act_id).first()
    if found is None:
        raise Refused("act_not_known")
    permit_to_see(Actor(user=user, origin="page"), found)
    return settle(found)


def sent_by(act_id: uuid.UUID) -> OperatorAct:
    """The act that sent something, settled if it can be by now.  Raises: Refused where there is none."""
    found = OperatorAct.objects.filter(pk=act_id, act=SEND.name).first()
    if found is None:
        raise Refused("trace_not_known")
    return settle(found)


def acts(query: str, number: str | None) -> Page[OperatorAct]:
    """A page of the acts that match; those of which nobody knows what came are settled, the newest first, as far as a moment allows."""
    page = Paginator(matching(query), PAGE_SIZE).get_page(number)
    page.object_list = list(page.object_list)
    _settle_some(page.object_list)
    return page


def matching(query: str) -> QuerySet[OperatorAct]:
    """The acts, the newest first, where every word of the query is in the target, user, reason, cache, state or answer.

    The parts of an act are found by their own words alone: without a query the whole stands for them.
    """
    found = OperatorAct.objects.all() if query.split() else OperatorAct.objects.exclude(nonce__startswith=parts.PREFIX)
    for word in query.split():
        found = found.filter(
            Q(target_name__icontains=word)
            | Q(target_id=word)
            | Q(username__icontains=word)
            | Q(reason__icontains=word)
            | Q(cache__iexact=word)
            | Q(act__iexact=word)
            | Q(state__iexact=word)
            | Q(code__iexact=word)
        )
    return found


def _settle_some(listed: Iterable[OperatorAct]) -> None:
    until = monotonic() + SETTLES_FOR_S
    for act in listed:
        if monotonic() < until:
            settle(act)


def parts_of(whole: OperatorAct) -> list[OperatorAct]:
    """What an act on many did to each, settled where it can be by now."""
    return [settle(part) for part in parts.parts_of(whole.pk)]


def undone(done: Iterable[OperatorAct]) -> set[uuid.UUID]:
    """The ids of those that an undo was tried for, the tries that reached nobody left out.  Cost: one query."""
    tried = OperatorAct.objects.filter(undo_of__in=[act.pk for act in done]).exclude(code="unreachable")
    return {act_id for act_id in tried.values_list("undo_of_id", flat=True) if act_id is not None}


def undos_of(done: Iterable[OperatorAct]) -> dict[uuid.UUID, OperatorAct]:
    """The last undo that was tried for each of them, settled if it can be, by the id of what it undoes."""
    tried = OperatorAct.objects.filter(undo_of__in=[act.pk for act in done]).order_by("started_at")
    return {undo.undo_of_id: settle(undo) for undo in tried if undo.undo_of_id is not None}


def undo_seconds_left(done: OperatorAct, now: datetime | None = None) -> int:
    """For how many more seconds this act may be undone; 0: not, or no longer, or it has been."""
    if done.undo_until is None or undone([done]):
        return 0
    return max(0, int((done.undo_until - (now or datetime.now(UTC))).total_seconds()))
