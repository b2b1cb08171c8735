"""The page of revoking the run that holds a lock, and releasing the lock after its end. Only a POST changes anything."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dashboard.acts import words
from dashboard.acts.refusals import Refused
from dashboard.acts.revoke import RevokePlan, execute_revoke, plan_revoke
from dashboard.web.access import page_for
from dashboard.web.acts import MAY_TRY_AGAIN, answered, shown, wrong
from dashboard.web.instants import maybe
from dashboard.web.show import now_utc
from dashboard.words import sentences, verdict, visible

TERMINATE = "lockhouse.terminate_runs"


@require_http_methods(["GET", "HEAD", "POST"])
@page_for("lockhouse.revoke_runs")
def lock_revoke(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002  # the URL's own word
    """What revoking the holder would mean; as POST, the plan that was confirmed is carried out, which takes some seconds."""
    user: Any = request.user  # `page_for` has turned anonymous people away
    session, sent = request.session.session_key, request.POST if request.method == "POST" else request.GET
    error = None
    if request.method == "POST":
        try:
            return answered(request, execute_revoke(user, session, sent.get("plan", ""), sent.get("reason", ""), sent.get("typed_name", "")))
        except Refused as refusal:
            if refusal.code not in MAY_TRY_AGAIN:
                raise
            error = refusal
    plan = plan_revoke(user, session, id, sent.get("digest", ""), terminate=bool(request.GET.get("terminate")))
    return _planned(request, plan, error, sent.get("reason", ""))


def _planned(request: HttpRequest, plan: RevokePlan, error: Refused | None, reason: str) -> HttpResponse:
    judged, url = plan.judged, reverse("lockhouse:lock-revoke", args=[plan.target_id])
    digest = judged.lock.token_digest if judged else ""
    choices = [
        {"word": _("only revoke"), "url": f"{url}?digest={digest}", "is_chosen": not plan.terminate},
        {"word": _("terminate its process"), "url": f"{url}?digest={digest}&terminate=1", "is_chosen": plan.terminate},
    ]
    context = {
        "plan": plan,
        "url": f"{url}?terminate=1" if plan.terminate else url,
        "name": visible(plan.name),
        "digest": digest,
        "lock": judged.lock if judged else None,
        "verdict": judged.verdict if judged else "",
        "verdict_word": verdict(judged.verdict) if judged else "",
        "evidence": sentences(judged.evidence) if judged else [],
        "effects": [words.effect(effect.code, effect.values) for effect in plan.effects],
        "obstacle": words.answer(plan.obstacle.code, plan.obstacle.values) if plan.obstacle else "",
        "choices": choices if request.user.has_perm(TERMINATE) else [],
        "button": _("Terminate, then release") if plan.terminate else _("Revoke, then release"),
        "expires": maybe(plan.expires_at, now_utc()),
        "fresh_url": choices[plan.terminate]["url"],
        **wrong(error),
        "reason": reason,
    }
    title = _("Revoke the run that holds %(name)s") % {"name": visible(plan.name)}
    return shown(request, "change", title, context, here="locks", status=error.status if error else 200)
