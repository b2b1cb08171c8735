"""The demo's pages: a scene's button, and the servers that a task retrieves while the reader waits."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.cache import caches
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tasks_demo.scenes import Scene, SceneNotSent, Sending, play, scene_named, send

SERVERS = range(1, 9)
ASKED_FOR_S = 30  # a waiting page reloads; it asks again only after this long


@require_POST
@login_required
@permission_required("lockhouse.send_tasks", raise_exception=True)
def scene_play(request: HttpRequest, name: str) -> HttpResponse:
    """Play one scene and say what to watch."""
    scene = scene_named(name)
    if scene is None:
        raise Http404
    try:
        play(scene)
    except SceneNotSent:
        messages.error(request, _("The broker did not take the message: nothing, or not all of it, was sent."))
    else:
        messages.success(request, _what_to_watch(scene))
    return redirect("lockhouse:overview")


@require_GET
@login_required
def servers(request: HttpRequest) -> HttpResponse:
    """The servers to choose from."""
    return _page(request, "tasks_demo/servers.html", title=_("Servers"), servers=SERVERS)


@require_GET
@login_required
def server(request: HttpRequest, server_id: int) -> HttpResponse:
    """What is known of a server; where nothing is yet, a task is sent for it and the page says to wait."""
    if server_id not in SERVERS:
        raise Http404
    facts = caches["shop"].get(f"server_{server_id}")
    failed = facts is None and not _retrieve(server_id)
    return _page(request, "tasks_demo/server.html", title=_("Server %(id)s") % {"id": server_id}, server_id=server_id, facts=facts, failed=failed)


def _page(request: HttpRequest, template: str, **context: object) -> HttpResponse:
    """A page in Lockhouse's clothes, without its navigation: it belongs to the shop."""
    return render(request, template, {"has_permission": True, **context})


def _retrieve(server_id: int) -> bool:
    """Send for the server unless somebody just did; false when the broker did not take it."""
    if not caches["shop"].add(f"server_{server_id}_asked", 1, timeout=ASKED_FOR_S):
        return True
    try:
        send(Sending(task="servers_retrieve_info", queue="default", args=(server_id,)))
    except SceneNotSent:
        return False
    return True


def _what_to_watch(scene: Scene) -> str:
    return format_html('{} <a href="{}?q={}">{}</a>', scene.watch, reverse(scene.where), scene.look_for, _("Watch it"))
