"""Every act there is: its name, the permission it needs and how dangerous it is. What is not named here cannot be done."""

from dataclasses import dataclass
from typing import Literal

from dashboard.acts.refusals import Refused
from dashboard.acts.values import Actor
from dashboard.conf import conf
from dashboard.models import OperatorAct

Danger = Literal["repairs", "changes", "forces"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A kind of act; `force_permission` is needed beside `permission` where the target is not proved to be stale."""

    name: str
    permission: str
    force_permission: str | None = None
    danger: Danger = "changes"


RELEASE = Act(name="lock-release", permission="lockhouse.release_lock", force_permission="lockhouse.force_release_lock")
UNDO_RELEASE = Act(name="lock-release-undo", permission="lockhouse.release_lock", danger="repairs")
RELEASE_MANY = Act(name="locks-release", permission="lockhouse.release_lock")
EXTEND = Act(name="lock-extend", permission="lockhouse.release_lock")
LIMIT = Act(name="lock-timeout", permission="lockhouse.release_lock", force_permission="lockhouse.force_release_lock")
PROTECT = Act(name="lock-protect", permission="lockhouse.release_lock", danger="repairs")
UNDO_CHANGE = Act(name="lock-change-undo", permission="lockhouse.release_lock", danger="repairs")
REVOKE = Act(name="lock-revoke", permission="lockhouse.revoke_runs", force_permission="lockhouse.terminate_runs", danger="forces")
DELETE_RESULT = Act(name="result-delete", permission="lockhouse.delete_result")
RESTORE_RESULT = Act(name="result-restore", permission="lockhouse.delete_result", danger="repairs")
SEND = Act(name="task-send", permission="lockhouse.send_tasks")
EVENTS_ON = Act(name="worker-events", permission="lockhouse.control_workers", danger="repairs")
ACTS = {
    act.name: act for act in (RELEASE, UNDO_RELEASE, RELEASE_MANY, EXTEND, LIMIT, PROTECT, UNDO_CHANGE, REVOKE, DELETE_RESULT, RESTORE_RESULT, SEND, EVENTS_ON)
}
VIEW_ACTS = "lockhouse.view_acts"


def permit(actor: Actor, act: Act, *, force: bool = False) -> None:
    """Go on only where acts are switched on and this person may do this one.  Raises: Refused."""
    if conf().READ_ONLY:
        raise Refused("read_only")
    forced = [act.force_permission] if force and act.force_permission else []
    for permission in (act.permission, *forced):
        if not actor.may(permission):
            raise Refused("forbidden", permission=permission)


def permit_to_see(actor: Actor, act: OperatorAct) -> None:
    """Go on only where this person did that act, or may view those of others; who may not see it cannot undo it either.  Raises: Refused."""
    is_own = actor.user is not None and actor.user.pk == act.user_id
    if not is_own and not actor.may(VIEW_ACTS):
        raise Refused("forbidden", permission=VIEW_ACTS)
