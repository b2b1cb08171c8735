"""One address as each library takes it: the Redis driver, kombu and the channel layer write sockets, Valkey and sentinels differently. Pure.

Source: `redis.connection.parse_url`, `kombu.transport.redis`, `channels_redis.utils.create_pool`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

SCHEMES = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss", "unix": "unix", "redis+socket": "unix", "sentinel": "sentinel"}
PORT, SENTINEL_PORT = 6379, 26379
CERTIFICATES = {"cert_none": "none", "cert_optional": "optional", "cert_required": "required"}  # Celery takes both, the driver these


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinels:
    """Those that are asked where the primary is, and what to say to it."""

    hosts: tuple[tuple[str, int], ...]
    db: int
    username: str | None
    password: str | None


def is_redis(url: str) -> bool:
    """Whether that is a Redis or a Valkey, reached in any way."""
    return urlsplit(url).scheme in SCHEMES


def for_driver(url: str) -> str:
    """For `Redis.from_url`; one through sentinels has no such form."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if "virtual_host" in query:
        query["db"] = query.pop("virtual_host").strip("/")
    if "ssl_cert_reqs" in query:
        query["ssl_cert_reqs"] = CERTIFICATES.get(query["ssl_cert_reqs"].lower(), query["ssl_cert_reqs"])
    return _joined(SCHEMES.get(parts.scheme, parts.scheme), parts.netloc, parts.path, query)


def for_celery(url: str) -> str:
    """For a Celery app, as its workers have it; sentinels are kombu's own way of writing."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if parts.scheme == "unix":
        query["virtual_host"] = query.pop("db", "0")
        return _joined("redis+socket", parts.netloc, parts.path, query)
    if parts.scheme in {"valkey", "valkeys"}:
        return _joined(SCHEMES[parts.scheme], parts.netloc, parts.path, query)
    return url


def database_of(url: str) -> tuple[str, str]:
    """The server and the database of it that an address means: of two that are equal it is surely one, of two that differ it may be."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if sentinels := sentinels_of(url):
        return repr(sentinels.hosts), str(sentinels.db)
    if SCHEMES.get(parts.scheme) == "unix":
        return parts.path, query.get("db") or query.get("virtual_host", "").strip("/") or "0"
    return (f"{parts.hostname}:{parts.port or PORT}", query.get("db") or parts.path.strip("/") or "0") if is_redis(url) else (url, "")


def _joined(scheme: str, netloc: str, path: str, query: Mapping[str, str]) -> str:
    return f"{scheme}://{netloc}{path}" + (f"?{urlencode(query)}" if query else "")


def sentinels_of(url: str) -> Sentinels | None:
    """`sentinel://:password@a:26379/0;sentinel://b:26379`: the password and the database are the primary's; None for any other address."""
    parts = [urlsplit(one.strip()) for one in url.split(";") if one.strip()]
    if not parts or parts[0].scheme != "sentinel":
        return None
    first = parts[0]
    return Sentinels(
        hosts=tuple((one.hostname or "localhost", one.port or SENTINEL_PORT) for one in parts),
        db=int(first.path.strip("/") or 0),
        username=unquote(first.username) if first.username else None,
        password=unquote(first.password) if first.password else None,
    )


def for_layer(url: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """For the channel layer's list of hosts; `options` are the broker's transport options, which name the primary that sentinels know."""
    sentinels = sentinels_of(url)
    if sentinels is None:
        return {"address": for_driver(url)}
    said = {"username": sentinels.username, "password": sentinels.password}
    return {
        "sentinels": [list(host) for host in sentinels.hosts],
        "master_name": options.get("master_name"),
        "sentinel_kwargs": options.get("sentinel_kwargs"),
        "db": sentinels.db,
        **{name: value for name, value in said.items() if value},
    }
