"""The API's operation on schedules: list them."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router

from dashboard import snapshot as snapshots
from dashboard.api.auth import caller, needs
from dashboard.api.locks import Limit
from dashboard.api.paging import page
from dashboard.api.schedule_rows import schedule_row, schedules_answer
from dashboard.conf import policy
from dashboard.judge.schedules import judge_schedules, matches_schedule

router = Router(tags=["schedules"])


@router.get("/schedules", summary="The schedules and the rhythms that were seen, overdue ones first", auth=needs("lockhouse.view_locks"))
def schedules(request: HttpRequest, q: str = "", limit: Limit = 100, cursor: str | None = None) -> dict[str, Any]:
    """`q` filters like the page: free words, and `field:value` for state, task, queue, origin, source, warning. Secrets in arguments are hidden."""
    now, known, user = datetime.now(UTC), snapshots.newest(), caller(request)
    judged = judge_schedules(known, now, policy())
    found = [one for one in judged if matches_schedule(one, q)]
    shown, of_all = page(found, lambda one: one.schedule.id, limit, cursor)
    payloads, unredacted = user.has_perm("lockhouse.view_payloads"), user.has_perm("lockhouse.view_unredacted")
    rows = [schedule_row(one, now, payloads=payloads, unredacted=unredacted) for one in shown]
    return {**schedules_answer(known, judged, rows, now), **of_all}
