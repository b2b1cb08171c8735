"""From a snapshot to a response: a whole page on the admin's own base template, or only its live part when htmx asks."""

from collections.abc import Mapping
from copy import copy
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from dashboard import snapshot as snapshots
from dashboard.conf import conf
from dashboard.records import Snapshot
from dashboard.web.export import EXPORTS, FILES, file_response, file_urls
from dashboard.web.instants import iso
from dashboard.web.links import page_url
from dashboard.web.look import look
from dashboard.web.panel import Panel, Piece
from dashboard.web.panels.frame import frame, page_title
from dashboard.web.permissions import permissions_of
from dashboard.words import visible

VIEW = "lockhouse.view_locks"
KINDS = {"production": "production", "staging": "staging"}  # the others are shown in a neutral colour


class PagePanel(Panel, Protocol):
    """A panel that has a page of its own."""

    name: str
    template: str  # of the live part: the element that carries ws-connect

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the page's query that the panel understands."""
        ...

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What the live part shows around its pieces."""
        ...


def show(
    request: HttpRequest, panel: PagePanel, title: str, given: Mapping[str, str], snapshot: Snapshot | None = None, also: Mapping[str, Any] | None = None
) -> HttpResponse:
    """The panel's page, or only its live part when htmx asks for it; never cached, for it is the present. `also` is for what stands around that part."""
    now = now_utc()
    query = panel.query(given)
    newest = snapshot or snapshots.newest()
    if (file := request.GET.get("format")) in FILES and panel.name in EXPORTS:
        return _sealed(file_response(request, file, panel.name, newest, query, may_of(request), now))
    pieces = panel.pieces(newest, query, may_of(request), now)
    live = {**panel.frame(query), **_placed(pieces, panel.name), "socket": socket_path(panel.name, query), "files": file_urls(panel.name, query)}
    if is_partial(request):
        response = _sealed(render(request, panel.template, live))
        asked = urlencode({name: value for name, value in query.items() if name in request.GET})
        response["HX-Push-Url"] = request.path + (f"?{asked}" if asked else "")
        return response
    head = {"title": title, "page_title": page_title(look(newest, now), title)}
    context = {**around(request, now), **(also or {}), **live, **head, "live_template": panel.template, "query": query}
    return _sealed(render(request, f"lockhouse/{panel.name}.html", context))


def show_page(request: HttpRequest, template: str, *, here: str, title: str = "", status: int = 200, **context: Any) -> HttpResponse:
    """A page without a live part; `here` is the entry of the navigation that it belongs to."""
    now = now_utc()
    may = may_of(request)
    seen = look(snapshots.newest(), now) if VIEW in may else look(Snapshot(), now)  # who may not look is not told how many there are either
    regions = _placed(list(frame(seen, here, title or _("Lockhouse"), may)), here)
    if VIEW not in may:
        regions = {"regions": {"lh_nav": regions["regions"]["lh_nav"]}}
    head = {"title": title, "page_title": page_title(seen, title) if title and VIEW in may else title}
    return _sealed(render(request, template, {**around(request, now), **regions, **head, **context}, status=status))


def around(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """What `base.html` needs: the admin's own context, and the name and kind of the watched system."""
    kind = conf().KIND
    return {
        **admin_context(request),
        "is_nav_sidebar_enabled": True,  # the admin's base template gives our navigation its place only then
        "has_permission": request.user.is_authenticated,
        "lockhouse_name": visible(conf().NAME),
        "lockhouse_kind": visible(kind),
        "kind_class": KINDS.get(kind.lower(), "other"),
        "now": iso(now),
        "may_release": request.user.has_perm("lockhouse.release_lock") and not conf().READ_ONLY,
    }


def admin_context(request: HttpRequest) -> dict[str, Any]:
    """What the project's own admin gives its base template; the list of its models, a tenth of a page's cost, only where a template looks at it."""
    site = copy(admin.site)
    site.get_app_list = lambda *given: SimpleLazyObject(lambda: admin.site.get_app_list(*given))  # type: ignore[assignment,method-assign]  # of this copy alone; as lists go
    return site.each_context(request)


def now_utc() -> datetime:
    """The moment of this request."""
    return datetime.now(UTC)


def may_of(request: HttpRequest) -> frozenset[str]:
    """The permissions that decide what is rendered; people with the same ones share rendered panels."""
    return permissions_of(request.user)


def is_partial(request: HttpRequest) -> bool:
    """Whether htmx asks for the live part; going back in history asks for the page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"


def socket_path(name: str, query: Mapping[str, str]) -> str:
    """Where the panel's socket is: below the mount, wherever that is."""
    return f"{page_url('overview')}ws/{name}/" + (f"?{urlencode(query)}" if query else "")


def _placed(pieces: list[Piece], page: str) -> dict[str, dict[str, SafeString]]:
    """The pieces as templates reach them: regions by id, lists by the id of their container, with "_" for "-"; `own` has both without the page's name."""
    regions = {piece.id.replace("-", "_"): piece.html for piece in pieces if piece.within is None}
    lists: dict[str, list[str]] = {}
    for piece in pieces:
        if piece.within is not None:
            lists.setdefault(piece.within.replace("-", "_"), []).append(piece.html)
    placed = {
        "regions": {key: mark_safe(html) for key, html in regions.items()},  # noqa: S308  # rendered by our own templates, with autoescape
        "lists": {key: mark_safe("".join(html)) for key, html in lists.items()},  # noqa: S308  # as above
    }
    own = {key.removeprefix(f"{page}_"): html for of in placed.values() for key, html in of.items() if key.startswith(f"{page}_")}
    return {**placed, "own": own}


def _sealed(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["HX-Request"])
    patch_cache_control(response, no_store=True)
    return response
