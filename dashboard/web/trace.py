"""The page of what became of something that was sent."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard.acts import words
from dashboard.acts.history import sent_by
from dashboard.web.access import page_for
from dashboard.web.instants import maybe
from dashboard.web.links import list_url, send_url, task_url
from dashboard.web.panels import TRACE
from dashboard.web.show import is_partial, may_of, now_utc, show
from dashboard.words import visible

SEND, VIEW_ACTS = "lockhouse.send_tasks", "lockhouse.view_acts"


@require_safe
@page_for("lockhouse.view_locks")
def trace(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002  # the URL's own word
    """What was sent by this act, and what became of it, live; 404 with a sentence for an act that sent nothing."""
    act = sent_by(id)
    query = {"id": str(id), "n": str(act.before.get("count", 1))}
    also = {} if is_partial(request) else _around(request, act)
    return show(request, TRACE, visible(act.target_name), query, also=also)


def _around(request: HttpRequest, act: Any) -> dict[str, Any]:
    """What is known of the act itself; who did it and why is for its doer and for those who may view acts."""
    user: Any = request.user  # `page_for` has turned anonymous people away
    may = may_of(request)
    is_told = act.user_id == user.pk or VIEW_ACTS in may
    queue = str(act.before.get("queue", ""))
    return {
        "act": act,
        "task": visible(act.target_name),
        "task_url": task_url(act.target_name),
        "queue": visible(queue),
        "queue_url": list_url("queues", queue),
        "sentence": words.answer(act.code, act.values),
        "is_open": act.state in {"unknown", "intent"},
        "started": maybe(act.started_at, now_utc()),
        "by": visible(act.username) if is_told else "",
        "reason": visible(act.reason) if is_told else "",
        "act_url": reverse("lockhouse:act", args=[act.pk]) if is_told else "",
        "again_url": send_url(task=act.target_name, queue=queue) if SEND in may else "",
    }
