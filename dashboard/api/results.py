"""The API's operations on results: list, look at one, read its value."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router

from dashboard import snapshot as snapshots
from dashboard.acts.refusals import Refused
from dashboard.acts.result_target import looked_at
from dashboard.api.auth import caller, needs
from dashboard.api.locks import Limit
from dashboard.api.paging import page
from dashboard.api.result_rows import result_row, results_answer, value_row
from dashboard.api.rows import as_known, rfc3339
from dashboard.conf import policy
from dashboard.judge.results import judge_results, matches_result

VIEW_SECRETS = "lockhouse.view_unredacted"
router = Router(tags=["results"])


@router.get("/results", summary="The results in caches and result backend, those that never expire first", auth=needs("lockhouse.view_locks"))
def results(request: HttpRequest, q: str = "", limit: Limit = 100, cursor: str | None = None) -> dict[str, Any]:
    """`q` filters like the page: free words, and `field:value` for state, task, cache, pattern."""
    now, known = datetime.now(UTC), snapshots.newest()
    found = [one for one in judge_results(known, policy()) if matches_result(one, q)]
    shown, of_all = page(found, lambda one: one.result.id, limit, cursor)
    rows = [result_row(one, now) for one in shown]
    return {**results_answer(known, rows, now), **of_all}


@router.get("/results/{result_id}", summary="One result", auth=needs("lockhouse.view_locks"))
def result(request: HttpRequest, result_id: str) -> dict[str, Any]:
    """404 where no result with this id is known."""
    now, known = datetime.now(UTC), snapshots.newest()
    found = next((one for one in judge_results(known, policy()) if one.result.id == result_id), None)
    if found is None:
        raise Refused("result_not_known")
    return {"result": result_row(found, now), **as_known(known, now)}


@router.get("/results/{result_id}/value", summary="What a result says", auth=needs("lockhouse.view_payloads"))
def result_value(request: HttpRequest, result_id: str, secrets: bool = False) -> dict[str, Any]:
    """Read now, at most 64 KiB of it, never loaded; secrets are hidden unless asked for by who may see them (`view_unredacted`)."""
    if secrets and not caller(request).has_perm(VIEW_SECRETS):
        raise Refused("forbidden", permission=VIEW_SECRETS)
    found = looked_at(result_id, unredacted=secrets)
    return {"value": {"id": result_id, **value_row(found.preview, found.kind, found.digest)}, "as_of": rfc3339(datetime.now(UTC)), "unavailable": {}}
