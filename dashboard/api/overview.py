"""The API's operation on everything at once."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router

from dashboard import snapshot as snapshots
from dashboard.api.auth import needs
from dashboard.api.overview_rows import overview_answer
from dashboard.web.look import look

router = Router(tags=["overview"])


@router.get("/overview", summary="What needs attention, the counts of every page, and the observer", auth=needs("lockhouse.view_locks"))
def overview(request: HttpRequest) -> dict[str, Any]:
    """`events` says how many the observer received and lost, how many a second, and how late; `counts` and `attention` have a figure for each page."""
    return overview_answer(look(snapshots.newest(), datetime.now(UTC)))
