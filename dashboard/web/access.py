"""Who may open a page: anonymous people are asked to log in, others are told which permission is missing and who can give it."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.contrib.auth.models import Group, Permission
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from dashboard.exceptions import Forbidden
from dashboard.web.show import is_partial, show_page

View = Callable[..., HttpResponse]


def page_for(permission: str) -> Callable[[View], View]:
    """A decorator: the view is only called for those who have the permission."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not request.user.is_authenticated:
                return to_login(request)
            if not request.user.has_perm(permission):
                return forbidden(request, permission)
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]  # for those who ask which view needs which
        return guarded

    return decorate


def to_login(request: HttpRequest) -> HttpResponse:
    """The login page, which leads back here; a part of a page asks the browser to go there as a whole."""
    login = reverse("lockhouse:login")
    if request.headers.get("HX-Request") != "true":
        response: HttpResponse = redirect_to_login(request.get_full_path(), login)
    else:
        response = HttpResponse(headers={"HX-Redirect": redirect_to_login(_whole_page(request), login).url})
    patch_vary_headers(response, ["HX-Request"])
    return response


def _whole_page(request: HttpRequest) -> str:
    """The page that asked for a part of itself, which alone would be no page to come back to."""
    page = urlsplit(request.headers.get("HX-Current-URL", ""))
    return urlunsplit(("", "", page.path, page.query, "")) if page.netloc == request.get_host() else request.get_full_path()


def forbidden(request: HttpRequest, permission: str) -> HttpResponse:
    """A page that says what is missing; its status is 403.  Raises: Forbidden, for the part of a page."""
    app, _dot, codename = permission.partition(".")
    missing = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
    groups = Group.objects.filter(permissions=missing).order_by("name") if missing else Group.objects.none()
    if is_partial(request):  # a page has no room in the part of another
        raise Forbidden(_("Your user lacks the permission %(permission)s.") % {"permission": permission})
    context: dict[str, Any] = {"permission": permission, "permission_name": missing.name if missing else "", "groups": [group.name for group in groups]}
    return show_page(request, "lockhouse/forbidden.html", here="", status=403, **context)
