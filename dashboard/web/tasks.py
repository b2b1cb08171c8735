"""The pages of tasks."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard import snapshot as snapshots
from dashboard.web.access import page_for
from dashboard.web.panels import TASK, TASKS
from dashboard.web.panels.task import name_of
from dashboard.web.panels.task_row import shown_name
from dashboard.web.show import show, show_page


@require_GET
@page_for("lockhouse.view_locks")
def tasks(request: HttpRequest) -> HttpResponse:
    """Every name: the whole page, or only its live part when htmx asks."""
    return show(request, TASKS, _("Tasks"), request.GET.dict())


@require_GET
@page_for("lockhouse.view_locks")
def task(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002  # the URL's own word
    """One task; 404 with a sentence for one that nobody knows."""
    newest = snapshots.newest()
    name = name_of(newest, id)
    if name is None:
        return show_page(request, "lockhouse/task_missing.html", here="task", title=_("No such task"), status=404, has_observer=newest.at is not None)
    return show(request, TASK, shown_name(name), {"id": id}, newest)
