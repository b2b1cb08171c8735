"""Wrong settings fail at start, each with a hint: system checks, and the refusal of an unsafe web process."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.core.exceptions import ImproperlyConfigured

from dashboard.catalogue_checks import catalogue_problems
from dashboard.conf import Conf
from dashboard.redis_urls import is_redis

REDIS_BACKENDS = ("redis", "valkey")


def _given() -> Mapping[str, Any]:
    found = getattr(settings, "LOCKHOUSE", {})
    return found if isinstance(found, Mapping) else {}


@register()
def check_names(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """LOCKHOUSE is a dict of settings that we know."""
    if not isinstance(getattr(settings, "LOCKHOUSE", {}), Mapping):
        return [Error("LOCKHOUSE is not a dict.", hint='LOCKHOUSE = {"BROKER_URL": "redis://..."}', id="lockhouse.E001")]
    known = sorted(item.name for item in fields(Conf))
    return [
        Error(f"LOCKHOUSE has no setting {name!r}.", hint=f"Known ones: {', '.join(known)}.", id="lockhouse.E002")
        for name in sorted(map(str, set(_given()) - set(known)))
    ]


@register()
def check_broker(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """There is a broker to watch, and it is Redis."""
    url = str(_given().get("BROKER_URL", ""))
    if not url:
        hint = 'Set CELERY_BROKER_URL, or LOCKHOUSE["BROKER_URL"] in a project of your own.'
        return [Caution("No broker URL is set: redis://127.0.0.1:6379/0 is watched.", hint=hint, id="lockhouse.W001")]
    if not is_redis(url):
        own = "" if _given().get("REDIS_URL") else " Lockhouse needs a Redis of its own: set LOCKHOUSE_REDIS_URL."
        hint = f"Queues are read from a Redis broker only; events, workers and locks in caches are shown all the same.{own}"
        return [Caution(f"The broker ({urlsplit(url).scheme or 'no scheme'}) is not Redis.", hint=hint, id="lockhouse.W002")]
    return []


@register()
def check_caches(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Each watched cache is a dict as in Django's CACHES, on Redis, and not Django's own."""
    caches = _given().get("CACHES", {})
    if not isinstance(caches, Mapping):
        hint = 'LOCKHOUSE_CACHES={"shop": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://..."}}'
        return [Error("LOCKHOUSE['CACHES'] is not a dict of caches.", hint=hint, id="lockhouse.E003")]
    return [message for alias, cache in caches.items() for message in _cache(str(alias), cache)]


def _cache(alias: str, cache: Any) -> list[CheckMessage]:
    hint = 'Write it as in Django\'s CACHES: {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://host:6379/1"}.'
    if not isinstance(cache, Mapping) or not isinstance(cache.get("BACKEND"), str) or not cache.get("LOCATION"):
        return [Error(f"The watched cache {alias!r} has no BACKEND and LOCATION.", hint=hint, id="lockhouse.E004")]
    if not any(word in cache["BACKEND"].lower() for word in REDIS_BACKENDS):
        return [Error(f"The watched cache {alias!r} is not on Redis ({cache['BACKEND']}).", hint=hint, id="lockhouse.E005")]
    if alias == "broker":
        return [Error("A watched cache cannot be called 'broker'.", hint="That is the broker's own database; choose another alias.", id="lockhouse.E006")]
    own = settings.CACHES.get("default", {})
    if own.get("LOCATION") and _locations(cache["LOCATION"]) == _locations(own["LOCATION"]):
        hint = "Give Django a cache of its own: its cache.clear() is FLUSHDB, which would delete the locks."
        return [Caution(f"The watched cache {alias!r} is Django's own `default`.", hint=hint, id="lockhouse.W003")]
    return []


def _locations(location: Any) -> list[str]:
    parts = location if isinstance(location, Sequence) and not isinstance(location, str) else str(location).split(",")
    return sorted(str(part).strip().rstrip("/") for part in parts)


@register()
def check_catalogue(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The catalogue of locks can be read, allows what it names and no more, and names models as Django does."""
    return list(catalogue_problems(_given().get("LOCKS", {})))


@register()
def check_grace(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A worker may be silent for at least a second."""
    grace = _given().get("GRACE", 10)
    if isinstance(grace, bool) or not isinstance(grace, int) or grace < 1:
        return [Error(f"GRACE is {grace!r}.", hint="Whole seconds of silence before a worker counts as gone: 1 or more, 10 as a rule.", id="lockhouse.E008")]
    return []


@register()
def check_send_limit(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Whoever may send at all may send one message a minute."""
    hint = "Messages within a minute, of one person and of all together: 1 or more, 200 and 2000 as a rule. READ_ONLY switches sending off."
    given = {name: _given().get(name, 1) for name in ("SEND_LIMIT", "SEND_LIMIT_ALL")}
    wrong = {name: limit for name, limit in given.items() if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1}
    return [Error(f"{name} is {limit!r}.", hint=hint, id="lockhouse.E014") for name, limit in wrong.items()]


@register()
def check_metrics_allow(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Who reads metrics without a token is named by addresses."""
    given = _given().get("METRICS_ALLOW", ())
    hint = 'Addresses or networks, such as "10.2.0.0/16" or "127.0.0.1"; where a proxy stands before Lockhouse, never the proxy\'s own.'
    if isinstance(given, str) or not isinstance(given, Sequence):
        return [Error("METRICS_ALLOW is not a list of addresses.", hint=hint, id="lockhouse.E012")]
    return [Error(f"METRICS_ALLOW has {one!r}, which is no address and no network.", hint=hint, id="lockhouse.E013") for one in given if not _is_network(one)]


def _is_network(text: object) -> bool:
    try:
        ip_network(str(text).strip(), strict=False)
    except ValueError:
        return False
    return True


@register(Tags.security, deploy=True)
def check_safe(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What `refuse_unsafe_start` would refuse."""
    return [Error(problem, hint=hint, id=f"lockhouse.E{number}") for number, problem, hint in _unsafe()]


def _unsafe() -> list[tuple[str, str, str]]:
    """What makes a web process outside debug unsafe: id, problem, what to do."""
    if settings.DEBUG:
        return []
    found = []
    if not getattr(settings, "SECRET_KEY_GIVEN", True) or not settings.SECRET_KEY:  # a host project gives its key in its own way
        command = 'python -c "import secrets; print(secrets.token_urlsafe(50))"'
        found.append(("010", "There is no secret key.", f"Set DJANGO_SECRET_KEY to a long random text, the same for every process: {command}."))
    if "*" in settings.ALLOWED_HOSTS:
        found.append(("011", "Any host is allowed (*).", "Set DJANGO_ALLOWED_HOSTS to the names under which people open Lockhouse, with commas between them."))
    return found


def refuse_unsafe_start() -> None:
    """Stop a web process that would serve without a secret key or to any host.  Raises: ImproperlyConfigured, with what to do."""
    problems = [f"{problem} {hint}" for _number, problem, hint in _unsafe()]
    if problems:
        raise ImproperlyConfigured("Lockhouse does not start: " + " ".join(problems))
