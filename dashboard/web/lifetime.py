"""The pages of extending a lock, giving it a timeout and protecting a run that outlived it. Only a POST changes anything."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_
from django.views.decorators.http import require_http_methods

from dashboard.acts import words
from dashboard.acts.lifetime import CHANGES, ChangePlan, execute_change, plan_change
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import EXTEND, LIMIT, PROTECT
from dashboard.web.access import page_for
from dashboard.web.acts import MAY_TRY_AGAIN, answered, shown, wrong
from dashboard.web.instants import maybe
from dashboard.web.show import now_utc
from dashboard.words import duration, sentences, verdict, visible

MINUTE = timedelta(minutes=1)
CHOICES = {
    EXTEND.name: (MINUTE, 5 * MINUTE, 30 * MINUTE, 120 * MINUTE),
    LIMIT.name: (5 * MINUTE, 20 * MINUTE, 60 * MINUTE, 360 * MINUTE),
    PROTECT.name: (5 * MINUTE, 20 * MINUTE, 60 * MINUTE, 360 * MINUTE),  # proposed is the time that it had
}
TITLES = {
    EXTEND.name: N_("Extend %(name)s by %(span)s"),
    LIMIT.name: N_("Let %(name)s expire in %(span)s"),
    PROTECT.name: N_("Protect %(name)s for %(span)s"),
}
BUTTONS = {EXTEND.name: N_("Extend"), LIMIT.name: N_("Set the timeout"), PROTECT.name: N_("Protect")}
SAYS_AGAIN = MAY_TRY_AGAIN | {"span_odd"}


@require_http_methods(["GET", "HEAD", "POST"])
@page_for("lockhouse.release_lock")
def lock_change(request: HttpRequest, id: str, change: str) -> HttpResponse:  # noqa: A002  # the URL's own word
    """What this change of the lock would mean; as POST, the plan that was confirmed is carried out."""
    act = CHANGES.get(change)
    if act is None:
        raise Http404
    user: Any = request.user  # `page_for` has turned anonymous people away
    session = request.session.session_key
    sent = request.POST if request.method == "POST" else request.GET
    try:
        if request.method == "POST":
            return answered(request, execute_change(user, session, act, sent.get("plan", ""), sent.get("reason", ""), sent.get("typed_name", "")))
        plan, error = plan_change(user, session, act, id, sent.get("digest", ""), _span(sent.get("span", ""))), None
    except Refused as refusal:
        if refusal.code not in SAYS_AGAIN:
            raise
        error = refusal
        plan = plan_change(user, session, act, id, sent.get("digest", ""), None if refusal.code == "span_odd" else _span(sent.get("span", "")))
    return _planned(request, change, plan, error, sent.get("reason", ""))


def _span(seconds: str) -> timedelta | None:
    """None: not given.  Raises: Refused."""
    if not seconds.strip():
        return None
    if not seconds.strip().isdecimal() or len(seconds.strip()) > 9:
        raise Refused("span_odd", most=7)
    return timedelta(seconds=int(seconds))


def _planned(request: HttpRequest, change: str, plan: ChangePlan, error: Refused | None, reason: str) -> HttpResponse:
    act, judged, seconds = CHANGES[change], plan.judged, plan.span // timedelta(seconds=1)
    said = {"name": visible(plan.name), "span": duration(plan.span)}
    digest = judged.lock.token_digest if judged else ""
    context = {
        "plan": plan,
        "url": reverse("lockhouse:lock-change", args=[plan.target_id, change]),
        "name": visible(plan.name),
        "digest": digest,
        "lock": judged.lock if judged else None,
        "verdict": judged.verdict if judged else "",
        "verdict_word": verdict(judged.verdict) if judged else "",
        "evidence": sentences(judged.evidence) if judged else [],
        "effects": [words.effect(effect.code, effect.values) for effect in plan.effects],
        "obstacle": words.answer(plan.obstacle.code, plan.obstacle.values) if plan.obstacle else "",
        "choices": _choices(CHOICES[act.name], plan, change, digest),
        "seconds": seconds,
        "button": _(BUTTONS[act.name]),
        "expires": maybe(plan.expires_at, now_utc()),
        "fresh_url": _planned_for(plan, change, digest, seconds),
        **wrong(error),
        "reason": reason,
    }
    return shown(request, "change", _(TITLES[act.name]) % said, context, here="locks", status=error.status if error else 200)


def _choices(spans: Sequence[timedelta], plan: ChangePlan, change: str, digest: str) -> list[dict[str, Any]]:
    """Other times than the planned one: each is a plan of its own."""
    return [{"word": duration(span), "url": _planned_for(plan, change, digest, span // timedelta(seconds=1)), "is_chosen": span == plan.span} for span in spans]


def _planned_for(plan: ChangePlan, change: str, digest: str, seconds: int) -> str:
    """Where the plan for that time is."""
    return f"{reverse('lockhouse:lock-change', args=[plan.target_id, change])}?{urlencode({'digest': digest, 'span': seconds})}"
