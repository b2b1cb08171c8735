"""The pages of runs and of workers."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard import snapshot as snapshots
from dashboard.records import RUN_KEPT
from dashboard.web.access import page_for
from dashboard.web.look import look
from dashboard.web.panels import RUN, RUNS, WORKER, WORKERS
from dashboard.web.panels.run import task_id_of
from dashboard.web.panels.worker import worker_of
from dashboard.web.show import now_utc, show, show_page
from dashboard.words import short_id, visible


@require_GET
@page_for("lockhouse.view_locks")
def runs(request: HttpRequest) -> HttpResponse:
    """The runs that go on and those that ended lately: the whole page, or only its live part when htmx asks."""
    return show(request, RUNS, _("Runs"), request.GET.dict())


@require_GET
@page_for("lockhouse.view_locks")
def run(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002  # the URL's own word
    """One run; 404 with what to do for one that nobody remembers."""
    newest = snapshots.newest()
    task_id = task_id_of(newest, id, look(newest, now_utc()))
    if task_id is None:
        context = {"has_observer": newest.at is not None, "kept": RUN_KEPT // timedelta(minutes=1)}
        return show_page(request, "lockhouse/run_missing.html", here="run", title=_("No such run"), status=404, **context)
    return show(request, RUN, _("Run %(id)s") % {"id": short_id(task_id)}, {"id": id}, newest)


@require_GET
@page_for("lockhouse.view_locks")
def workers(request: HttpRequest) -> HttpResponse:
    """Every worker: the whole page, or only its live part when htmx asks."""
    return show(request, WORKERS, _("Workers"), request.GET.dict())


@require_GET
@page_for("lockhouse.view_locks")
def worker(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002  # as above
    """One worker; 404 with a sentence for one that nobody knows."""
    newest = snapshots.newest()
    found = worker_of(look(newest, now_utc()), id)
    if found is None:
        return show_page(request, "lockhouse/worker_missing.html", here="worker", title=_("No such worker"), status=404, has_observer=newest.at is not None)
    return show(request, WORKER, visible(found.worker.name), {"id": id}, newest)
