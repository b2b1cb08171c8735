"""Whether a socket is opened by a page of this very site: scheme, host and port, not only the host as Channels' own validator compares."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import validate_host
from django.utils.http import is_same_domain

Scope = Mapping[str, Any]


def is_own_origin(scope: Scope) -> bool:
    """Whether the one Origin is scheme, host and port of the one Host, which is allowed here, or is listed in CSRF_TRUSTED_ORIGINS."""
    origins, hosts = headers(scope, b"origin"), headers(scope, b"host")
    if len(origins) != 1 or len(hosts) != 1:
        return False
    origin, own = _origin(origins[0]), _origin(f"{_scheme(scope)}://{hosts[0]}")
    if origin is None or own is None or not validate_host(_bare(own[1]), settings.ALLOWED_HOSTS or _debug_hosts()):
        return False
    return origin == own or any(_is_trusted(origin, entry) for entry in settings.CSRF_TRUSTED_ORIGINS)


def headers(scope: Scope, name: bytes) -> list[str]:
    """Every value of that header, which is given in lower case."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _scheme(scope: Scope) -> str:
    """Http or https as the browser sees it: behind a proxy that ends TLS, what Django's own setting for that header says."""
    if settings.SECURE_PROXY_SSL_HEADER:
        header, secure = settings.SECURE_PROXY_SSL_HEADER
        name = header.removeprefix("HTTP_").replace("_", "-").lower().encode()
        if values := headers(scope, name):
            return "https" if values[0].split(",")[0].strip() == secure else "http"
    return "https" if scope.get("scheme") == "wss" else "http"


def _origin(text: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for anything that is not exactly that: `http://[::1` raises in urlsplit, `a:99999` when the port is asked."""
    try:
        parts = urlsplit(text)
        port = {"http": 80, "https": 443}[parts.scheme] if parts.port is None else parts.port
    except (ValueError, KeyError):
        return None
    if not parts.hostname or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port


def _bare(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _debug_hosts() -> list[str]:
    return [".localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else []


def _is_trusted(origin: tuple[str, str, int], entry: str) -> bool:
    """As Django reads its setting: `https://*.example.com` means every subdomain."""
    trusted = _origin(entry.replace("://*.", "://.", 1))
    if trusted is None or (trusted[0], trusted[2]) != (origin[0], origin[2]):
        return False
    return is_same_domain(origin[1], trusted[1])
