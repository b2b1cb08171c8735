"""The pages of releasing several locks at once: the plan of those that were ticked, and what came of each. Only a POST changes anything."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.acts import words
from dashboard.acts.bulk import BulkPlan, Line, execute_bulk, plan_bulk
from dashboard.acts.history import act_for
from dashboard.acts.ledger import Outcome
from dashboard.acts.plan import effects
from dashboard.acts.refusals import Refused
from dashboard.acts.undo import undo_all
from dashboard.records import JudgedLock
from dashboard.web.access import page_for
from dashboard.web.acts import MAY_TRY_AGAIN, answered, shown
from dashboard.web.instants import maybe
from dashboard.web.links import lock_url
from dashboard.web.panels.locks import picked_by
from dashboard.web.show import now_utc
from dashboard.words import sentences, verdict, visible

MAX_EVIDENCE = 2  # of each lock: what its verdict rests on, in short
RUN_AGAIN, RUN_LOST = "message_unacked", "run_lost"  # what becomes of the run that held it is always said: the first with its time, so as a fact


@require_http_methods(["GET", "HEAD", "POST"])
@page_for("lockhouse.release_lock")
def locks_release(request: HttpRequest) -> HttpResponse:
    """What releasing the ticked locks would mean; with a plan that was confirmed, it is carried out."""
    if request.method != "POST":  # after logging in again: what was ticked is gone
        return redirect("lockhouse:locks")
    user: Any = request.user  # `page_for` has turned anonymous people away
    picked = _picked(request)
    if not request.POST.get("plan"):
        return _planned(request, plan_bulk(user, request.session.session_key, picked), picked)
    try:
        outcome = execute_bulk(user, request.session.session_key, request.POST["plan"], request.POST.get("reason", ""))
    except Refused as refusal:
        if refusal.code not in MAY_TRY_AGAIN or not picked:
            raise
        plan = plan_bulk(user, request.session.session_key, picked)
        return _planned(request, plan, picked, error=str(refusal), reason=request.POST.get("reason", ""), status=refusal.status)
    return answered(request, outcome)


@require_POST
@page_for("lockhouse.release_lock")
def act_undo_all(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002  # the URL's own word
    """Put back everything that an act on many released."""
    user: Any = request.user  # as above
    act_for(user, id)  # who may not see what comes of it changes nothing
    undo_all(user, id)
    return answered(request, Outcome(act=act_for(user, id)))


def _picked(request: HttpRequest) -> list[tuple[str, str]]:
    """The ticked rows, each as `id:digest`; or all that match the filter which the page was showing, as they are known now."""
    if request.POST.get("all"):
        return picked_by(request.POST.dict())
    pairs = [one.partition(":") for sent in request.POST.getlist("picked") for one in sent.split()]
    return [(target_id, digest) for target_id, _colon, digest in pairs if target_id]


def _planned(request: HttpRequest, plan: BulkPlan, picked: Sequence[tuple[str, str]], *, error: str = "", reason: str = "", status: int = 200) -> HttpResponse:
    ready = plan.ready
    title = ngettext("Release %(n)s lock", "Release %(n)s locks", len(ready)) % {"n": len(ready)}
    context = {
        "plan": plan,
        "ready": [_line(line) for line in ready],
        "left": [_line(line) for line in plan.lines if line.obstacle is not None],
        "picked": " ".join(f"{target_id}:{digest}" for target_id, digest in picked),
        "expires": maybe(plan.expires_at, now_utc()),
        "error": error,
        "reason": reason,
    }
    return shown(request, "bulk", title, context, here="locks", status=status)


def _line(line: Line) -> dict[str, Any]:
    judged = line.judged
    return {
        "name": visible(line.picked.name or line.picked.target_id),
        "url": lock_url(line.picked.target_id) if judged else "",
        "cache": visible(line.picked.cache),
        "verdict": judged.verdict if judged else "",
        "verdict_word": verdict(judged.verdict) if judged else _("not known") if line.obstacle and line.obstacle.state == "failed" else _("gone"),
        "evidence": _facts(judged) if judged and line.obstacle is None else [],
        "effects": [words.effect(one.code, one.values) for one in effects(judged) if one.code in {"blocks", RUN_LOST}] if judged else [],
        "obstacle": words.answer(line.obstacle.code, line.obstacle.values) if line.obstacle else "",
    }


def _facts(judged: JudgedLock) -> list[str]:
    """What its verdict rests on, in short, and when its run is given out again."""
    proof = [fact for fact in judged.evidence if fact.code not in {RUN_AGAIN, RUN_LOST}][:MAX_EVIDENCE]
    return sentences([*proof, *(fact for fact in judged.evidence if fact.code == RUN_AGAIN)])
