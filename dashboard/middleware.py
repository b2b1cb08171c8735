"""Turns any `DashboardError` into its status and message, and keeps what our pages show out of every cache."""

import logging
from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.conf import conf
from dashboard.exceptions import DashboardError, Forbidden, SourceUnavailable, TooLarge

NAMESPACE = "lockhouse"
API_NAMESPACE = "lockhouse-api"
SERVER_ERROR = 500
NOT_ALLOWED = 405
DIALOG = "lh-dialog"  # the element's id: what is shown in it can be closed
TITLES = {
    403: gettext_lazy("Not allowed"),
    404: gettext_lazy("Not there"),
    413: gettext_lazy("Too large"),
    429: gettext_lazy("Too many"),
    503: gettext_lazy("Not available"),
}
OLD_PAGE = gettext_lazy("This page is older than your last login: load it again, and do again what you meant to do. Nothing was done.")
MAX_BODY = 2_000_000  # bytes: below Django's own limit, whose answer says nothing; arguments are 1 MB at most
log = logging.getLogger(__name__)


class DashboardMiddleware(MiddlewareMixin):
    """Only where the request is for one of our own pages: in a host project every other view is none of our business."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """A sentence for a body that is larger than anything we take, before anybody reads it."""
        size = request.META.get("CONTENT_LENGTH") or "0"
        if not size.isdigit() or int(size) <= MAX_BODY or NAMESPACE not in (namespaces := _namespaces_at(request.path_info)):
            return None
        error = TooLarge(_("The request is larger than 2 MB, so it was not read and nothing was done."))
        if API_NAMESPACE in namespaces:
            return JsonResponse({"error": str(error), "code": "too_large"}, status=error.status)
        if not hasattr(request, "user"):  # a project that has us before its login: our pages need to know who looks
            return HttpResponse(str(error), status=error.status, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})
        response = _page(request, error)
        patch_cache_control(response, no_store=True)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A sentence instead of a traceback for what was raised on purpose; everything else is a bug and goes on."""
        if not isinstance(error, DashboardError) or not _is_ours(request):
            return None
        log.log(logging.WARNING if error.status >= SERVER_ERROR else logging.INFO, "%s %r: %s", request.method, request.path, error)
        if _is_api(request):
            return JsonResponse({"error": str(error)}, status=error.status)
        return _page(request, error)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """What is shown is the present, and for this person alone; a program is told in JSON which methods there are."""
        if response.status_code == NOT_ALLOWED and _is_api(request):
            allowed = response.headers.get("Allow", "")
            response = JsonResponse({"error": _("Possible here: %(methods)s.") % {"methods": allowed}}, status=NOT_ALLOWED, headers={"Allow": allowed})
        if _is_ours(request):
            response = _page(request, Forbidden(str(OLD_PAGE))) if _is_without_token(request, response) else response
            patch_cache_control(response, no_store=True)
        return response


def _page(request: HttpRequest, error: DashboardError) -> HttpResponse:
    title = TITLES.get(error.status, gettext_lazy("Not done"))
    is_part = request.headers.get("HX-Request") == "true"
    context = {"title": title, "message": str(error), "is_part": is_part, "is_dialog": request.headers.get("HX-Target") == DIALOG}
    context["again_url"] = request.get_full_path() if request.method == "GET" and error.status == SourceUnavailable.status else ""
    template = "lockhouse/acts/error_dialog.html" if is_part else "lockhouse/acts/error.html"
    response = render(request, template, context if is_part else {**_around(request), **context}, status=error.status)
    if is_part:
        response["HX-Reswap"] = "innerHTML"  # or the element that was to be replaced would be gone, and with it the place of the next answer
    patch_vary_headers(response, ["HX-Request"])
    return response


def _around(request: HttpRequest) -> Mapping[str, Any]:
    return {
        **admin.site.each_context(request),
        "is_nav_sidebar_enabled": False,
        "lockhouse_name": conf().NAME,
        "lockhouse_kind": conf().KIND,
        "kind_class": kind if (kind := conf().KIND.lower()) in {"production", "staging"} else "other",
    }


def _namespaces_at(path: str) -> list[str]:
    """Whose address that is; nobody has resolved it yet."""
    try:
        return resolve(path).namespaces
    except Resolver404:
        return []


def _is_ours(request: HttpRequest) -> bool:
    return request.resolver_match is not None and NAMESPACE in request.resolver_match.namespaces


def _is_without_token(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether Django refused it for its CSRF token, which changes with each login: its own page speaks to developers."""
    is_checked = not _is_api(request) and request.resolver_match is not None and not getattr(request.resolver_match.func, "csrf_exempt", False)
    return response.status_code == Forbidden.status and is_checked and not getattr(request, "csrf_processing_done", False)


def _is_api(request: HttpRequest) -> bool:
    return request.resolver_match is not None and API_NAMESPACE in request.resolver_match.namespaces
