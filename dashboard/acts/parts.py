"""The acts that are parts of another: each has its own record, known by a nonce that begins with the whole's id."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping

from django.db.models import QuerySet

from dashboard.acts.values import Answer
from dashboard.models import OperatorAct

PREFIX = "part:"
OPEN = ("intent", "unknown")


def nonce_of(whole: uuid.UUID, target_id: str, token_digest: str) -> str:
    """One for each target of that act."""
    return f"{PREFIX}{whole}:{target_id}:{token_digest}"


def parts_of(whole: uuid.UUID) -> QuerySet[OperatorAct]:
    """In the order in which they were done."""
    return OperatorAct.objects.filter(nonce__startswith=f"{PREFIX}{whole}:").order_by("started_at", "nonce")


def whole_of(part: OperatorAct) -> uuid.UUID | None:
    """The id of the act that this one is a part of; None: it stands alone."""
    return uuid.UUID(part.nonce.split(":")[1]) if part.nonce.startswith(PREFIX) else None


def summary(codes: Mapping[str, int], count: int) -> Answer:
    """What came of them together; `count`: how many there should have been."""
    released, unknown = codes.get("released", 0) + codes.get("gone_since", 0), codes.get("no_answer", 0)
    values = {"released": released, "count": count, "unknown": unknown, "codes": dict(codes)}
    if unknown:
        return Answer(state="unknown", code="released_unknown", values=values)
    if released == count:
        return Answer(state="done", code="released_all", values=values)
    return Answer(state="done", code="released_some", values=values) if released else Answer(state="refused", code="released_none", values=values)


def summary_of(acts: Iterable[OperatorAct], count: int) -> Answer | None:
    """The same from their records; None where one of them is not known yet."""
    done = list(acts)
    return None if any(act.state in OPEN for act in done) else summary(Counter(act.code for act in done), count)
