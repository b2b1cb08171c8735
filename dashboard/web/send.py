"""The pages of sending: the form with "will this run?", and its confirmation. Only the POST of a confirmed plan sends."""

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from dashboard import snapshot as snapshots
from dashboard.acts.json_text import Malformed
from dashboard.acts.preflight import look, registered_names
from dashboard.acts.refusals import Refused
from dashboard.acts.send import execute_send, plan_send
from dashboard.conf import conf
from dashboard.judge.preflight import Preflight
from dashboard.judge.preflight_lock import without_arguments
from dashboard.records import Snapshot
from dashboard.web.access import page_for
from dashboard.web.acts import wrong
from dashboard.web.instants import maybe
from dashboard.web.links import schedule_url
from dashboard.web.preflight_rows import verdict_of
from dashboard.web.send_form import SendForm, as_json, as_json_form, form_of, names_of
from dashboard.web.show import may_of, now_utc, show_page
from dashboard.words import spelled_out, visible

SEND = "lockhouse.send_tasks"
TRY_AGAIN = {"plan_expired", "plan_forged", "plan_of_another", "send_changed", "name_differs", "send_anyway_missing"}
MAX_LISTED = 1000  # names in a list of suggestions


@require_http_methods(["GET", "HEAD", "POST"])
@page_for(SEND)
def send(request: HttpRequest) -> HttpResponse:
    """The form; as POST also its confirmation, and with a confirmed plan the sending itself."""
    known = snapshots.newest()
    data = _with_taken(request.POST if request.method == "POST" else request.GET)
    try:
        form = form_of(data, known, may_of(request))
    except Refused as refusal:
        return _shown(request, form_of(QueryDict(), known, may_of(request)), known, error=refusal)
    step = data.get("step", "") if request.method == "POST" else ""
    if step == "send":
        return _sent(request, form, known)
    if step == "plan":
        return _planned(request, form, known)
    if step == "json":
        form = as_json_form(form)
    return _shown(request, form, known)


@csrf_exempt  # it changes nothing; a page that is left open asks on after another login
@require_POST
@cache_control(no_store=True)
@page_for(SEND)
def send_check(request: HttpRequest) -> HttpResponse:
    """Will this run? Read only, from the newest snapshot; by POST because arguments are no part of an address."""
    known, form = snapshots.newest(), None
    try:
        form = form_of(request.POST, known, may_of(request))
        said = _answer(form, known)
    except Refused as refusal:
        said = _marked({"error": str(refusal)})
    is_another = form is not None and request.POST.get("shown_for") != form.given["task"]
    if not is_another and request.POST.get("seen") == said["seen"]:  # asked every few seconds: what is the same is neither moved nor read out again
        return HttpResponse(status=204)
    return render(request, "lockhouse/send_checked.html", {"form": form, "is_another": is_another, "is_swap": True, **said})


def _answer(form: SendForm, known: Snapshot) -> dict[str, Any]:
    """What `panels/send_check.html` shows: the verdict, or why there is none; neither while neither a task nor a queue is named."""
    said: dict[str, Any] = {}
    if form.given["task"].strip() or form.given["queue"].strip():
        try:
            said["check"] = _verdict(look(form.sending, known, now_utc()), form)
        except Refused as refusal:
            place = refusal.place if isinstance(refusal, Malformed) and form.mode != "schedule" else ""
            said |= {"error": str(refusal), "place": visible(place)}
    return _marked(said)


def _marked(said: dict[str, Any]) -> dict[str, Any]:
    """With what tells it from any other answer."""
    return {**said, "seen": sha256(json.dumps(said).encode()).hexdigest()[:16]}


def _with_taken(data: QueryDict) -> QueryDict:
    """A suggestion that was taken stands in its field; who comes back to the form gets a field for each argument again."""
    given = data.copy()
    if data.get("step") in {"fields", "form"}:
        given["mode"] = ""
    for name in ("task", "queue"):
        if taken := data.get(f"take_{name}", ""):
            given[name] = taken
    return given


def _sent(request: HttpRequest, form: SendForm, known: Snapshot) -> HttpResponse:
    """To the trace of what was sent, or the confirmation again where only it was wrong or too old."""
    posted, user = request.POST, _user(request)
    try:
        outcome = execute_send(
            user,
            request.session.session_key,
            posted.get("plan", ""),
            form.sending,
            reason=posted.get("reason", ""),
            anyway=bool(posted.get("anyway")),
            typed=posted.get("typed", ""),
        )
    except Refused as refusal:
        if refusal.code not in TRY_AGAIN:
            raise
        return _planned(request, form, known, error=refusal)
    return redirect("lockhouse:trace", id=outcome.act.pk)


def _planned(request: HttpRequest, form: SendForm, known: Snapshot, *, error: Refused | None = None) -> HttpResponse:
    """What sending would mean, to be confirmed; the form again where it cannot be read."""
    try:
        plan = plan_send(_user(request), request.session.session_key, form.sending)
        kept = form.kept
    except Refused as refusal:
        if refusal.status in {403, 503}:
            raise
        return _shown(request, form, known, error=refusal, status=refusal.status)
    sending = plan.preflight.sending
    is_seen = form.mode != "schedule"
    context = {
        "plan": plan,
        "kept": kept,
        "check": _verdict(plan.preflight, form),
        "task": visible(sending.task),
        "queue": visible(sending.queue),
        "args": spelled_out(as_json(list(sending.args))) if is_seen else "",
        "kwargs": spelled_out(as_json(sending.kwargs)) if is_seen else "",
        "count": sending.count,
        "options": _options(form),
        "schedule": visible(form.schedule.name) if form.schedule else "",
        "schedule_url": schedule_url(form.schedule.id) if form.schedule else "",
        "expires": maybe(plan.expires_at, now_utc()),
        "reason": request.POST.get("reason", ""),
        **wrong(error),
    }
    title = _("Send %(task)s") % {"task": context["task"]}
    return show_page(request, "lockhouse/send_plan.html", here="send", title=title, status=error.status if error else 200, **context)


def _options(form: SendForm) -> list[tuple[str, str]]:
    """The options that are no defaults, in words."""
    words = {"countdown": _("Countdown"), "eta": _("Not before"), "expires": _("Expires"), "priority": _("Priority"), "result": _("Its result")}
    shown = {name: visible(form.given.get(name, "")) for name in words}
    shown["countdown"] = _("%(n)s s") % {"n": shown["countdown"]} if shown["countdown"] else ""
    shown["expires"] = _("in %(n)s s") % {"n": shown["expires"]} if form.sending.expires_in is not None else shown["expires"]
    shown["result"] = _("kept by the result back end") if form.given.get("result") else ""
    return [(str(word), shown[name]) for name, word in words.items() if shown[name]]


def _shown(request: HttpRequest, form: SendForm, known: Snapshot, *, error: Refused | None = None, status: int = 200) -> HttpResponse:
    counts = dict(names_of(known))
    here = [name for name in registered_names() if name not in counts]
    said = _answer(form, known)
    context: dict[str, Any] = {
        "form": form,
        **said,
        "refused": str(error) if error and str(error) != said.get("error") else "",
        "names": [*counts.items(), *((name, 0) for name in here)][:MAX_LISTED],
        "queues": [(queue.name, len(queue.consumers) if queue.consumers is not None else None) for queue in known.queues][:MAX_LISTED],
        "is_read_only": conf().READ_ONLY,
        "is_open": any(form.given.get(name) for name in ("countdown", "eta", "expires", "priority", "result")),
        "schedule": visible(form.schedule.name) if form.schedule else "",
        "schedule_url": schedule_url(form.schedule.id) if form.schedule else "",
    }
    return show_page(request, "lockhouse/send.html", here="send", title=_("Send"), status=status, **context)


def _verdict(preflight: Preflight, form: SendForm) -> dict[str, Any]:
    """In words; where the arguments stay unseen, so does what of them is in a lock's name."""
    seen = replace(preflight, checks=without_arguments(preflight.checks)) if form.mode == "schedule" else preflight
    return verdict_of(seen, now_utc())


def _user(request: HttpRequest) -> Any:
    return request.user  # `page_for` has turned anonymous people away
