"""The demo's pages: a scene's button, and the servers that a task retrieves while the reader waits."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.cache import caches
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from redis.exceptions import ResponseError

from tasks_demo.scenes import Scene, SceneNotSent, Sending, play, scene_named, send

SERVERS = range(1, 9)
ASKED_FOR_S = 30  # a waiting page reloads; the button comes back only after this long
FACTS = {"name", "cores", "load_percent"}


@require_POST
@login_required
@permission_required("lockhouse.send_tasks", raise_exception=True)
def scene_play(request: HttpRequest, name: str) -> HttpResponse:
    """Play one scene and say what to watch."""
    scene = scene_named(name)
    if scene is None:
        raise Http404
    if is_read_only():
        return _refused(request)
    try:
        play(scene)
    except SceneNotSent:
        messages.error(request, _("The broker did not take the message: nothing, or not all of it, was sent."))
    else:
        messages.success(request, _what_to_watch(scene))
    return redirect("lockhouse:overview")


@require_GET
@login_required
@permission_required("lockhouse.view_locks", raise_exception=True)
def servers(request: HttpRequest) -> HttpResponse:
    """The servers to choose from."""
    return _page(request, "tasks_demo/servers.html", title=_("Servers"), servers=SERVERS)


@require_GET
@login_required
@permission_required("lockhouse.view_locks", raise_exception=True)
def server(request: HttpRequest, server_id: int) -> HttpResponse:
    """What is known of a server, whether it is being retrieved, or a button to ask it; looking sends nothing."""
    if server_id not in SERVERS:
        raise Http404
    facts, is_unreadable = _known(server_id)
    is_asked = not facts and _asked_key(server_id) in caches["shop"]
    context = {"server_id": server_id, "facts": facts, "is_unreadable": is_unreadable, "is_asked": is_asked, "read_only": is_read_only()}
    return _page(request, "tasks_demo/server.html", title=_("Server %(id)s") % {"id": server_id}, **context)


@require_POST
@login_required
@permission_required("lockhouse.send_tasks", raise_exception=True)
def server_ask(request: HttpRequest, server_id: int) -> HttpResponse:
    """Send the task that retrieves a server, unless somebody just did."""
    if server_id not in SERVERS:
        raise Http404
    if is_read_only():
        return _refused(request)
    if not _retrieve(server_id):
        messages.error(request, _("The task could not be sent: the broker did not take it."))
    return redirect("demo:server", server_id)


def is_read_only() -> bool:
    """Whether this installation sends nothing."""
    return bool(settings.LOCKHOUSE.get("READ_ONLY", True))


def _page(request: HttpRequest, template: str, **context: object) -> HttpResponse:
    """A page in Lockhouse's clothes, without its navigation: it belongs to the shop."""
    return render(request, template, {"has_permission": True, **context})


def _refused(request: HttpRequest) -> HttpResponse:
    return render(request, "tasks_demo/refused.html", {"has_permission": True, "title": _("Not allowed")}, status=403)


def _known(server_id: int) -> tuple[dict[str, Any] | None, bool]:
    """The facts in the cache, and whether something else is there: whoever writes to the cache may have put anything."""
    try:
        found = caches["shop"].get(f"server_{server_id}")
    except (ValueError, RecursionError, ResponseError):  # no JSON, JSON without end, no string at all
        return None, True
    if isinstance(found, dict) and found.keys() >= FACTS:
        return found, False
    return None, found is not None


def _asked_key(server_id: int) -> str:
    return f"server_{server_id}_asked"


def _retrieve(server_id: int) -> bool:
    """Send for the server unless somebody just did; false when the broker did not take it."""
    if not caches["shop"].add(_asked_key(server_id), 1, timeout=ASKED_FOR_S):
        return True
    try:
        send(Sending(task="servers_retrieve_info", queue="default", args=(server_id,)))
    except SceneNotSent:
        caches["shop"].delete(_asked_key(server_id))
        return False
    return True


def _what_to_watch(scene: Scene) -> str:
    return format_html('{} <a href="{}?q={}">{}</a>', scene.watch, reverse(scene.where), scene.look_for, _("Watch it"))
