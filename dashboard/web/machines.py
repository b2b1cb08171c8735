"""What machines ask for outside the API: metrics, and whether this process and its sources are well. Nothing here is part of a person's page."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from dashboard import snapshot as snapshots
from dashboard.acts.tokens import user_of
from dashboard.conf import conf
from dashboard.metrics import rendered
from dashboard.web.readiness import sources
from dashboard.web.show import VIEW, now_utc

BEARER = "bearer "
ANSWERS = {True: "ok", False: "away", None: "unknown"}
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """This process lives: nothing is asked, so nothing can hold the answer up."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Which sources answer, by name alone, for anybody may ask; 503 where one does not, or that is not known. It takes a second at most."""
    found = sources(now_utc())
    is_ready = all(found.values())
    answer: dict[str, Any] = {"ready": is_ready, "sources": {name: ANSWERS[is_ok] for name, is_ok in found.items()}}
    if None in found.values():
        answer["says"] = _("The observer is silent, so nothing is known of the sources that it reads.")
    return JsonResponse(answer, status=200 if is_ready else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """What is known, for Prometheus: with the token of somebody who may look, or from an address that the settings allow."""
    header = request.headers.get("Authorization", "")
    if header.lower().startswith(BEARER):
        user = user_of(header[len(BEARER) :].strip())
        if user is None:
            return _refused(_("This token is not known."), 401)
        if not user.has_perm(VIEW):
            return _refused(_("The token's user has no permission to look (%(permission)s).") % {"permission": VIEW}, 403)
    elif not is_allowed(request):
        return _refused(_("Send `Authorization: Bearer <token>` with a token from `manage.py token USER`, or allow your address in METRICS_ALLOW."), 401)
    body, content_type = rendered(snapshots.newest(), now_utc(), request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=content_type)


def _refused(sentence: str, status: int) -> HttpResponse:
    return JsonResponse({"error": sentence}, status=status, headers={"WWW-Authenticate": "Bearer"} if status == 401 else {})


def is_allowed(request: HttpRequest) -> bool:
    """Whether the caller's own address is among those that need no token; what came by a proxy that nobody named has the proxy's address."""
    if settings.SECURE_PROXY_SSL_HEADER is None and any(name in request.headers for name in FORWARDED):
        return False
    address = _address_of(request.META.get("REMOTE_ADDR", ""))
    networks = [ip_network(network.strip(), strict=False) for network in conf().METRICS_ALLOW]
    return address is not None and any(address in network for network in networks)


def _address_of(text: str) -> IPv4Address | IPv6Address | None:
    """None for a socket file; an IPv4 address that is written as IPv6 is the IPv4 one."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
