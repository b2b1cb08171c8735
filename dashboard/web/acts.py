"""The pages of acts: the plan of a release, what came of an act, and the list of all. Only a POST changes anything."""

import re
import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import snapshot as snapshots
from dashboard.acts import history, registry, words
from dashboard.acts.again import execute_and_send, look_at_again, not_sent_with, sent_with
from dashboard.acts.plan import Plan
from dashboard.acts.refusals import Refused
from dashboard.acts.release import Outcome, execute, plan_release
from dashboard.acts.resent import sent_before
from dashboard.acts.sending import digest_of
from dashboard.acts.undo import undo
from dashboard.api.act_rows import act_row
from dashboard.conf import conf
from dashboard.web.access import page_for
from dashboard.web.act_facts import act_facts, target_url, undo_sentence
from dashboard.web.export import FILES, rows_response
from dashboard.web.instants import maybe
from dashboard.web.links import plan_url
from dashboard.web.panels.lock import ids_known
from dashboard.web.preflight_rows import sent_facts, verdict_of
from dashboard.web.show import is_partial, now_utc, show_page
from dashboard.words import sentences, verdict, visible

PLANNED = {"release", "revoke", "extend", "timeout", "protect"}  # acts on one lock
DONE_NOTHING = {"unreachable", "rejected", "came_late", "not_done", "record_failed", "too_many", "deadline_moved"}  # the same may succeed a moment later
SENT_BEFORE = {"again_sent_before", "again_maybe_sent_before"}
MAY_TRY_AGAIN = {"reason_missing", "name_differs", "plan_expired", "plan_forged"} | SENT_BEFORE  # answered with a fresh plan and what was wrong

WRONG = {"reason_missing": "reason", "name_differs": "typed"}  # the field that a refusal is about, which gets the focus


@require_http_methods(["GET", "HEAD", "POST"])
@page_for("lockhouse.release_lock")
def lock_release(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002  # the URL's own word
    """What releasing this lock would mean; as POST, the plan that was confirmed is carried out."""
    if request.method == "POST":
        return _executed(request, id)
    return _planned(request, plan_release(_user(request), request.session.session_key, id, request.GET.get("digest", "")))


@require_safe
@page_for("lockhouse.view_acts")
def acts(request: HttpRequest) -> HttpResponse:
    """Every act, newest first; `?format=csv` or `json` is the same as a file, as it stands in the record."""
    query = request.GET.get("q", "")[:200]
    if (kind := request.GET.get("format", "")) in FILES:
        return rows_response(request, kind, "acts", map(act_row, history.matching(query).iterator()), now_utc(), is_whole=True)
    page = history.acts(query, request.GET.get("p"))
    undone, known = history.undone(page.object_list), ids_known(snapshots.newest())
    rows = [
        {**act_facts(act), "target_url": target_url(act, known), "can_be_undone": act.pk not in undone and may_undo(request, act)} for act in page.object_list
    ]
    return show_page(request, "lockhouse/acts/list.html", here="acts", title=_("Acts"), rows=rows, page=page, q=query)


@require_safe
@page_for("lockhouse.view_locks")
def act(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002  # as above
    """What came of one act: for whoever did it, and for those who may view all."""
    return _told(request, Outcome(act=history.act_for(_user(request), id)))


@require_POST
@page_for("lockhouse.release_lock")
def act_undo(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002  # as above
    """Put back what was released."""
    return answered(request, undo(_user(request), id))


def _executed(request: HttpRequest, lock_id: str) -> HttpResponse:
    """The outcome's page, or the plan again where only the form was wrong or the plan too old."""
    sent = request.POST
    try:
        confirmed = (_user(request), request.session.session_key, sent.get("plan", ""), sent.get("reason", ""), sent.get("typed_name", ""))
        message = sent.get("again") or sent.get("once_more")
        outcome = execute_and_send(*confirmed, message, earlier=_earlier(sent)) if message else execute(*confirmed)
    except Refused as refusal:
        if refusal.code not in MAY_TRY_AGAIN:
            raise
        plan = plan_release(_user(request), request.session.session_key, lock_id, sent.get("digest", ""))
        return _planned(request, plan, error=refusal, reason=sent.get("reason", ""))
    return answered(request, outcome)


def _earlier(sent: QueryDict) -> int:
    """How often the lost run was sent again before, as the plan said whose own tick for that was set."""
    said = sent.get("earlier", "") if sent.get("once_more") else ""
    return int(said) if re.fullmatch("[0-9]{1,6}", said) else 0


def answered(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    """What came of an act: in the dialog, or on its own page."""
    return _told(request, outcome) if is_partial(request) else redirect("lockhouse:act", id=outcome.act.pk)


def _planned(request: HttpRequest, plan: Plan, *, error: Refused | None = None, reason: str = "") -> HttpResponse:
    title = _("Release %(name)s") % {"name": visible(plan.name)}
    context = {
        "plan": plan,
        "name": visible(plan.name),
        "lock": plan.judged.lock if plan.judged else None,
        "verdict": plan.judged.verdict if plan.judged else "",
        "verdict_word": verdict(plan.judged.verdict) if plan.judged else "",
        "evidence": sentences(plan.judged.evidence) if plan.judged else [],
        "effects": [words.effect(effect.code, effect.values) for effect in plan.effects],
        "obstacle": words.answer(plan.obstacle.code, plan.obstacle.values) if plan.obstacle else "",
        "expires": maybe(plan.expires_at, now_utc()),
        "fresh_url": plan_url("release", plan.target_id, plan.judged.lock.token_digest) if plan.judged else "",
        "again": _again(request, plan),
        **wrong(error),
        "reason": reason,
    }
    return shown(request, "release", title, context, here="locks", status=error.status if error else 200)


def wrong(error: Refused | None) -> dict[str, str]:
    """Why a form is shown again, and which of its fields that is about, if it is about one."""
    return {"error": str(error), "wrong": WRONG.get(error.code, "")} if error else {"error": "", "wrong": ""}


def _again(request: HttpRequest, plan: Plan) -> dict[str, Any] | None:
    """What is said of sending the lost run again: as a choice, or why it cannot be chosen; None where no run was lost, or this person may not send."""
    if plan.judged is None or not plan.signed or not _user(request).has_perm(registry.SEND.permission):
        return None
    try:
        found = look_at_again(plan.judged, snapshots.newest(), now_utc())
    except Refused as refusal:
        return {"why_not": str(refusal)}
    if found is None:
        return None
    checked = verdict_of(found.preflight, now_utc())
    if found.preflight.failing:
        return {"why_not": checked["word"]}
    sending, earlier = found.sending, found.earlier
    return {
        "digest": digest_of(sending),
        "task": visible(sending.task),
        "queue": visible(sending.queue),
        "count": len(sending.args) + len(sending.kwargs),
        "word": checked["word"],
        "earlier": len(earlier),
        "before": str(sent_before(earlier[-1])) if earlier else "",
        "before_url": reverse("lockhouse:trace", args=[earlier[-1].pk]) if earlier else "",
    }


def _told(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    is_of_result = outcome.act.act.startswith("result-")
    context = {
        **act_facts(outcome.act),
        "outcome": outcome,
        "undo_seconds": history.undo_seconds_left(outcome.act) if may_undo(request, outcome.act) else 0,
        "undo_until": maybe(outcome.act.undo_until, now_utc()),
        "undone_by": outcome.act.undone_by,
        "sent_again": sent_with(outcome.act),
        "not_sent_again": not_sent_with(outcome.act),
        "again_url": _again_url(outcome.act),
        "is_gone": outcome.act.target_id not in ids_known(snapshots.newest()),
        "undo_url": reverse(f"lockhouse:{'result-restore' if is_of_result else 'act-undo'}", args=[outcome.act.pk]),
        "is_of_result": is_of_result,
        "is_of_worker": outcome.act.act == registry.EVENTS_ON.name,
        "sent": sent_facts(outcome.act) if outcome.act.act == registry.SEND.name else None,
    }
    if outcome.act.act == registry.RELEASE_MANY.name:
        return shown(request, "many", words.act_name(outcome.act.act), {**context, **_of_parts(request, outcome.act)}, here="acts")
    return shown(request, "act", _("Act on %(name)s") % {"name": visible(outcome.act.target_name)}, context, here="acts")


def _of_parts(request: HttpRequest, whole: Any) -> dict[str, Any]:
    """What came of each lock and of its undo, and until when those that were released can be put back."""
    done = history.parts_of(whole)
    undone, undos = history.undone(done), history.undos_of(done)
    open_until = {part.pk: part.undo_until for part in done if part.undo_until and part.pk not in undone and may_undo(request, part)}
    rows = [{**act_facts(part), "can_be_undone": part.pk in open_until, "undo": act_facts(undos[part.pk]) if part.pk in undos else None} for part in done]
    released = sum(part.code == "released" for part in done)
    return {
        "rows": rows,
        "undo_sentence": undo_sentence([undo.state for undo in undos.values()], released) if undos else "",
        "undo_all_until": maybe(min(open_until.values(), default=None), now_utc()),
        "undo_count": len(open_until),
    }


def shown(request: HttpRequest, name: str, title: str, context: dict[str, Any], *, here: str, status: int = 200) -> HttpResponse:
    """The page, or for htmx only what goes into the dialog."""
    if is_partial(request):
        response = render(request, f"lockhouse/acts/{name}_dialog.html", {**context, "title": title, "is_dialog": True}, status=status)
        patch_vary_headers(response, ["HX-Request"])
        return response
    return show_page(request, f"lockhouse/acts/{name}.html", here=here, title=title, status=status, **context)


def _again_url(done: Any) -> str:
    """The plan of an act on a lock whose source did not answer before anything was done to it."""
    kind = done.act.removeprefix("lock-")
    return plan_url(kind, done.target_id, done.token_digest) if done.code in DONE_NOTHING and kind in PLANNED else ""


def may_undo(request: HttpRequest, done: Any) -> bool:
    """Whether there is still time to undo that act, and this person may: nothing is offered that would be refused."""
    act = registry.RESTORE_RESULT if done.act.startswith("result-") else registry.UNDO_RELEASE
    return done.undo_until is not None and now_utc() < done.undo_until and not conf().READ_ONLY and _user(request).has_perm(act.permission)


def _user(request: HttpRequest) -> Any:
    return request.user  # `page_for` has turned anonymous people away
