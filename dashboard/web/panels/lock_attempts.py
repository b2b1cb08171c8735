"""Attempts to take one lock, as its page lists them: those that wait, those that were refused, and times that it was lost."""

from collections.abc import Iterable
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from dashboard.records import Loss, Refusal, Wait
from dashboard.web.instants import instant_of, maybe
from dashboard.web.links import run_url, task_url, worker_url
from dashboard.web.look import Look
from dashboard.web.panels.figures import complete_since
from dashboard.words import duration, short_id, visible

MAX_ROWS = 50
Told = TypeVar("Told", Refusal, Loss)


def refusals(seen: Look, lock_id: str, *, is_told: bool) -> dict[str, Any]:
    """The refused attempts of the last hour, the newest first; `is_told`: they would be known if there were any."""
    mine = _of(seen.snapshot.refusals, lock_id)
    rows = [{**_who(one, seen), "waited": duration(one.waited) if one.waited is not None else ""} for one in mine[:MAX_ROWS]]
    return {"refusals": rows, "count": len(mine), "is_known": bool(mine) or is_told, "max": MAX_ROWS, "since": complete_since(seen)}


def waiting(seen: Look, lock_id: str) -> dict[str, Any]:
    """The attempts that wait now, the oldest first, and the losses of the last hour, the newest first."""
    waits = [wait for wait in seen.snapshot.waits if wait.lock_id == lock_id and wait.to_at is None]
    lost = _of(seen.snapshot.losses, lock_id)
    rows = [{**_who(one, seen), "until": maybe(one.from_at + one.limit, seen.now) if one.limit is not None else None} for one in waits[:MAX_ROWS]]
    return {"waits": rows, "count": len(waits), "losses": [_who(one, seen) for one in lost[:MAX_ROWS]], "lost": len(lost), "max": MAX_ROWS}


def _of(told: Iterable[Told], lock_id: str) -> list[Told]:
    return [one for one in told if one.lock_id == lock_id][::-1]


def _who(one: Refusal | Wait | Loss, seen: Look) -> dict[str, Any]:
    return {
        "at": instant_of(one.from_at if isinstance(one, Wait) else one.at, seen.now),
        "task": visible(one.task_name or _("a task not known")),
        "task_url": task_url(one.task_name) if one.task_name else "",
        "task_id": short_id(one.task_id) if one.task_id else "",
        "run_url": run_url(one.task_id) if one.task_id else "",
        "worker": visible(one.worker or ""),
        "worker_url": worker_url(one.worker) if one.worker else "",
    }
