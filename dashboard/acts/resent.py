"""What is known of lost runs that were sent again: the record of each message names the run that it repeats and the release it came with. Reads only."""

from collections.abc import Sequence
from hashlib import sha256

from django.db import DatabaseError

from dashboard.acts import ledger
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import SEND
from dashboard.models import OperatorAct

PREFIX = "again:"
WITH = "with_release"  # in the record of a send: the id of that release
NEVER_LEFT = ("refused", "failed")


def nonce_of(task_id: str, number: int) -> str:
    """One message for each run, and one more for each time that somebody meant another: of several at one moment one alone is written down."""
    return f"{_prefix(task_id)}{number}"


def _prefix(task_id: str) -> str:
    return f"{PREFIX}{sha256(task_id.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}:"


def tries_of(task_id: str) -> list[OperatorAct]:
    """Every act that sent this run again or tried to, the first one first.  Raises: Refused where the database does not answer."""
    try:
        return list(OperatorAct.objects.filter(act=SEND.name, nonce__startswith=_prefix(task_id)).order_by("started_at"))
    except DatabaseError as error:
        raise ledger.unwritten(error) from error


def that_left(tries: Sequence[OperatorAct]) -> list[OperatorAct]:
    """Those of them whose message is in the queue, or may be."""
    return [act for act in tries if act.state not in NEVER_LEFT]


def sent_before(sent: OperatorAct) -> Refused:
    """That a run was sent again by that act, and that nothing is done for that reason."""
    code = "again_sent_before" if sent.state == "done" else "again_maybe_sent_before"
    return Refused(code, at=sent.started_at, by=sent.username)


def sent_with(released: OperatorAct) -> OperatorAct | None:
    """The act that sent the lost run of this released lock again."""
    if released.code != "released":
        return None
    return ledger.first_of(act=SEND.name, nonce__startswith=PREFIX, started_at__gte=released.started_at, **{f"before__{WITH}": str(released.pk)})
