"""Logging in and out: open to everybody who has a user, limited for those who guess."""

import hashlib
import logging
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from dashboard.web.show import around, now_utc

log = logging.getLogger(__name__)
WITHIN_S = 300
FAILURES = {"name": 10, "address": 50}  # of one user name from one address, and of one address, in that time and for each web process


class Login(LoginView):
    """Permissions decide about pages, not being staff."""

    template_name = "lockhouse/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form on the admin's look."""
        return {**around(self.request, now_utc()), "title": _("Log in"), "is_nav_sidebar_enabled": False, **super().get_context_data(**kwargs)}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Not even a right password counts after too many wrong ones."""
        if not any(cache.get(key, 0) >= FAILURES[kind] for kind, key in _keys(request).items()):
            return super().post(request, *args, **kwargs)
        log.warning("too many failed logins from %s", request.META.get("REMOTE_ADDR"))
        form = AuthenticationForm(request)
        sentence = _("Too many failed attempts: try again in %(minutes)s minutes.") % {"minutes": WITHIN_S // 60}
        return self.render_to_response({**self.get_context_data(form=form), "limited": sentence}, status=429)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Count the failure."""
        for key in _keys(self.request).values():
            cache.set(key, cache.get(key, 0) + 1, WITHIN_S)
        return super().form_invalid(form)


class Logout(LogoutView):
    """By POST alone."""

    next_page = "lockhouse:login"


def _keys(request: HttpRequest) -> dict[str, str]:
    address = request.META.get("REMOTE_ADDR", "")
    name = f"{address}\0{request.POST.get('username', '').lower()}"
    return {kind: f"lockhouse:login:{kind}:{hashlib.sha256(said.encode()).hexdigest()}" for kind, said in (("name", name), ("address", address))}
