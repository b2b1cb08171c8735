"""The pages of deleting a result and putting it back. Only a POST changes anything."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.acts import words
from dashboard.acts.refusals import Refused
from dashboard.acts.results import DeletePlan, execute_delete, plan_delete, restore
from dashboard.web.access import page_for
from dashboard.web.acts import MAY_TRY_AGAIN, answered
from dashboard.web.instants import maybe
from dashboard.web.show import is_partial, now_utc, show_page
from dashboard.words import visible
from dashboard.words.results import size


@require_http_methods(["GET", "HEAD", "POST"])
@page_for("lockhouse.delete_result")
def result_delete(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002  # the URL's own word
    """What deleting this result would mean; as POST, the plan that was confirmed is carried out."""
    user: Any = request.user  # `page_for` has turned anonymous people away
    if request.method != "POST":
        return _planned(request, plan_delete(user, request.session.session_key, id))
    sent = request.POST
    try:
        outcome = execute_delete(user, request.session.session_key, sent.get("plan", ""), sent.get("reason", ""))
    except Refused as refusal:
        if refusal.code not in MAY_TRY_AGAIN:
            raise
        plan = plan_delete(user, request.session.session_key, id)
        return _planned(request, plan, error=str(refusal), reason=sent.get("reason", ""), status=refusal.status)
    return answered(request, outcome)


@require_POST
@page_for("lockhouse.delete_result")
def result_restore(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002  # as above
    """Put back what was deleted."""
    user: Any = request.user  # as above
    return answered(request, restore(user, id))


def _planned(request: HttpRequest, plan: DeletePlan, *, error: str = "", reason: str = "", status: int = 200) -> HttpResponse:
    now = now_utc()
    context = {
        "plan": plan,
        "name": visible(plan.name),
        "cache": visible(plan.cache),
        "size": size(plan.total_bytes) if plan.total_bytes is not None else "",
        "expires": maybe(plan.expires_at, now),
        "effects": [words.effect(effect.code, effect.values) for effect in plan.effects],
        "obstacle": words.answer(plan.obstacle.code, plan.obstacle.values) if plan.obstacle else "",
        "valid_until": maybe(plan.valid_until, now),
        "error": error,
        "reason": reason,
    }
    title = _("Delete %(name)s") % {"name": visible(plan.name)}
    if not is_partial(request):
        return show_page(request, "lockhouse/result_delete.html", here="result", title=title, status=status, **context)
    response = render(request, "lockhouse/result_delete_dialog.html", {**context, "title": title, "is_dialog": True}, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response
