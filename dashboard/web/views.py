"""The pages that are read. Each view reads its query, asks one function, and renders; acts have their own module."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard import snapshot as snapshots
from dashboard.web.access import page_for
from dashboard.web.links import acts_url
from dashboard.web.panels import FLOW, LOCK, LOCKS, OVERVIEW, QUEUE, QUEUES, SCHEDULES
from dashboard.web.panels.lock import name_of
from dashboard.web.panels.queue import queue_of
from dashboard.web.panels.queue_messages import messages_of
from dashboard.web.show import is_partial, may_of, now_utc, show, show_page
from dashboard.words import visible


@require_GET
@page_for("lockhouse.view_locks")
def overview(request: HttpRequest) -> HttpResponse:
    """What needs attention, and how things stand."""
    return show(request, OVERVIEW, _("Overview"), {})


@require_GET
@page_for("lockhouse.view_locks")
def flow(request: HttpRequest) -> HttpResponse:
    """What moves: the whole page, or only its live part when htmx asks."""
    return show(request, FLOW, _("Flow"), {})


@require_GET
@page_for("lockhouse.view_locks")
def locks(request: HttpRequest) -> HttpResponse:
    """The held locks: the whole page, or only its live part when htmx asks."""
    return show(request, LOCKS, _("Locks"), request.GET.dict())


@require_GET
@page_for("lockhouse.view_locks")
def lock(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002  # the URL's own word
    """One lock, held or remembered; 404 with a sentence for one that nobody knows."""
    newest = snapshots.newest()
    name = name_of(newest, id)
    if name is None:
        context = {
            "has_observer": newest.at is not None,
            "history_url": reverse("lockhouse:lock-history", args=[id]),
            "acts_url": acts_url(id, may_of(request)),
        }
        return show_page(request, "lockhouse/lock_missing.html", here="lock", title=_("No such lock"), status=404, **context)
    return show(request, LOCK, visible(name), {"id": id}, newest)


@require_GET
@page_for("lockhouse.view_locks")
def queues(request: HttpRequest) -> HttpResponse:
    """Every queue: the whole page, or only its live part when htmx asks."""
    return show(request, QUEUES, _("Queues"), request.GET.dict())


@require_GET
@page_for("lockhouse.view_locks")
def queue(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002  # the URL's own word
    """One queue with the messages at its front, read now; 404 with a sentence for one that nobody knows."""
    newest = snapshots.newest()
    found = queue_of(newest, id)
    if found is None:
        return show_page(request, "lockhouse/queue_missing.html", here="queue", title=_("No such queue"), status=404, has_observer=newest.at is not None)
    also = {} if is_partial(request) else messages_of(found, newest, may_of(request), now_utc())
    return show(request, QUEUE, visible(found.name), {"id": id}, newest, also)


@require_GET
@page_for("lockhouse.view_locks")
def schedules(request: HttpRequest) -> HttpResponse:
    """Every schedule: the whole page, or only its live part when htmx asks."""
    return show(request, SCHEDULES, _("Schedules"), request.GET.dict())
