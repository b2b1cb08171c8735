"""The page of having a worker tell of its tasks. Only a POST changes anything."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dashboard.acts import words
from dashboard.acts.refusals import Refused
from dashboard.acts.worker_events import EventsPlan, execute_events, plan_events
from dashboard.web.access import page_for
from dashboard.web.acts import MAY_TRY_AGAIN, answered
from dashboard.web.instants import maybe
from dashboard.web.show import is_partial, now_utc, show_page
from dashboard.words import visible


@require_http_methods(["GET", "HEAD", "POST"])
@page_for("lockhouse.control_workers")
def worker_events(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002  # the URL's own word
    """What it would mean that this worker tells of its tasks; as POST, the plan that was confirmed is carried out."""
    user: Any = request.user  # `page_for` has turned anonymous people away
    if request.method != "POST":
        return _planned(request, plan_events(user, request.session.session_key, id))
    sent = request.POST
    try:
        outcome = execute_events(user, request.session.session_key, sent.get("plan", ""), sent.get("reason", ""))
    except Refused as refusal:
        if refusal.code not in MAY_TRY_AGAIN:
            raise
        plan = plan_events(user, request.session.session_key, id)
        return _planned(request, plan, error=str(refusal), reason=sent.get("reason", ""), status=refusal.status)
    return answered(request, outcome)


def _planned(request: HttpRequest, plan: EventsPlan, *, error: str = "", reason: str = "", status: int = 200) -> HttpResponse:
    context = {
        "plan": plan,
        "name": visible(plan.name),
        "effects": [words.effect(effect.code, effect.values) for effect in plan.effects],
        "obstacle": words.answer(plan.obstacle.code, plan.obstacle.values) if plan.obstacle else "",
        "valid_until": maybe(plan.valid_until, now_utc()),
        "error": error,
        "reason": reason,
    }
    title = _("Have %(name)s tell of its tasks") % {"name": visible(plan.name)}
    if not is_partial(request):
        return show_page(request, "lockhouse/worker_events.html", here="worker", title=title, status=status, **context)
    response = render(request, "lockhouse/worker_events_dialog.html", {**context, "title": title, "is_dialog": True}, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response
