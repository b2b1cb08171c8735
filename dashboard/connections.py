"""Every Redis and Celery client there is: `look` reads, `ask` inspects workers, `act` writes, `own` is ours. Short timeouts on each.

`look` clients speak RESP2: with RESP3 client tracking answers OK and pushes nothing (tried on redis-py 8.1).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

from amqp.exceptions import AMQPError
from celery import Celery
from django.core.cache import CacheHandler
from kombu.exceptions import KombuError
from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection, Connection, ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry
from redis.sentinel import Sentinel

from dashboard.conf import conf, own_redis_url
from dashboard.redis_urls import Sentinels, for_celery, for_driver, is_redis, sentinels_of

TIMEOUT_S = 1.0  # what we watch is waited for this long, twice at most
SEND_TIMEOUT_S = 0.8  # a broker that hangs is answered for within two seconds, our own Redis on the same server included
PAGE_TIMEOUT_S = 0.4  # a page is there within a second though our own Redis hangs: it is tried twice
VISIBILITY_TIMEOUT_S = 10**9  # any kombu consumer gives back unacked messages older than its own timeout: ours never does
BROKER = "broker"
OWN_NAMES = "lockhouse"  # what the names of all our connections begin with
CELERY_ERRORS = (KombuError, RedisError, AMQPError, OSError)  # of a broker that Celery speaks to for us, whichever it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A place where locks are looked for: a cache, or the broker's own database (empty prefix)."""

    alias: str
    url: str
    prefix: bytes  # what the cache puts before every name: b":1:"
    options: Mapping[str, Any]  # username, password where the settings keep them outside the URL


def watched() -> list[Watched]:
    """The watched caches in the order of the settings, then the broker's database."""
    return [*(_watched_cache(alias) for alias in conf().CACHES), Watched(alias=BROKER, url=conf().BROKER_URL, prefix=b"", options={})]


def watched_one(alias: str) -> Watched:
    """The place of that alias.  Raises: KeyError for one that is not watched."""
    return {place.alias: place for place in watched()}[alias]


def _watched_cache(alias: str) -> Watched:
    settings = dict(conf().CACHES[alias])
    location = settings.get("LOCATION", "")
    first = location[0] if isinstance(location, (list, tuple)) else str(location).split(",")[0]
    given = settings.get("OPTIONS", {})
    options = {option.lower(): given[option] for option in ("USERNAME", "PASSWORD") if option in given}
    return Watched(alias=alias, url=first, prefix=_prefix_of(alias), options=options)


def _prefix_of(alias: str) -> bytes:
    """What this cache's own `make_key` puts before a name, so that a custom KEY_FUNCTION is followed as well."""
    handler = CacheHandler({"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}, alias: dict(conf().CACHES[alias])})
    return str(handler[alias].make_key("")).encode()


@cache
def _introduce(name: str) -> Callable[[AbstractConnection], None]:
    """Give each new connection a name, and have its reads count for no eviction; a server that forbids CLIENT is used all the same."""

    def connect(connection: AbstractConnection) -> None:
        connection.on_connect()
        for command in (("SETNAME", name), ("NO-TOUCH", "ON")):
            try:
                connection.send_command("CLIENT", *command)
                connection.read_response()
            except ResponseError:
                continue

    return connect


@lru_cache(maxsize=64)
def _client(url: str, name: str, options: tuple[tuple[str, Any], ...], timeout_s: float = TIMEOUT_S) -> Redis:
    given = {
        "protocol": 2,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "redis_connect_func": _introduce(name),
        "retry": Retry(NoBackoff(), 1),  # one more try, for a connection that the server closed meanwhile
        "health_check_interval": 0,
        **dict(options),
    }
    sentinels = sentinels_of(url)
    if sentinels is not None:
        return _primary(sentinels, given)
    return Redis.from_url(for_driver(url), **given) if is_redis(url) else _refused(f"{urlsplit(url).scheme or 'this'}:// is not Redis")


def _primary(sentinels: Sentinels, given: Mapping[str, Any]) -> Redis:
    """The server that the sentinels name at each connecting."""
    options = conf().BROKER_TRANSPORT_OPTIONS
    if "master_name" not in options:
        return _refused("the broker's transport options do not say which primary the sentinels are to be asked for (master_name)")
    timeouts = {name: given[name] for name in ("socket_timeout", "socket_connect_timeout")}
    said = {"db": sentinels.db, "username": sentinels.username, "password": sentinels.password}
    asked = Sentinel(sentinels.hosts, sentinel_kwargs={**timeouts, **(options.get("sentinel_kwargs") or {})}, **said, **given)
    primary: Redis = asked.master_for(options["master_name"])
    return primary


def _refused(why: str) -> Redis:
    """A client that never connects and says why: the source is unavailable, and all others go on."""

    class Refused(Connection):
        def _connect(self) -> NoReturn:
            raise RedisConnectionError(why)

    return Redis(connection_pool=ConnectionPool(connection_class=Refused))


def look(place: Watched) -> Redis:
    """A client that only ever reads this place."""
    return _client(place.url, "lockhouse-look", tuple(place.options.items()))


def look_broker() -> Redis:
    """A client that only ever reads the broker."""
    return look(watched_one(BROKER))


def events() -> Redis:
    """The client whose connection receives the broker's events, and does nothing else."""
    return _client(conf().BROKER_URL, "lockhouse-events", ())


def act(place: Watched) -> Redis:
    """The client that acts write with; nobody else may ask for it."""
    return _client(place.url, "lockhouse-act", tuple(place.options.items()))


def connection_of(redis: Redis) -> Any:
    """A connection as this client makes them, which is nobody else's.

    Not by the pool's own `make_connection`: redis-py 8 counts those for ever, and makes no more after 100, which are reached when a server is away for a
    minute. Its types differ between redis-py's versions.
    """
    pool = redis.connection_pool
    return pool.connection_class(**pool.connection_kwargs)


def own() -> Redis:
    """Our own Redis: snapshot, leader lock, what an undo needs."""
    return _client(own_redis_url(), "lockhouse-own", ())


def own_for_pages() -> Redis:
    """The same for whoever waits for a page."""
    return _client(own_redis_url(), "lockhouse-page", (), PAGE_TIMEOUT_S)


def broker_url() -> str:
    """The watched broker as a Celery app takes it."""
    return for_celery(conf().BROKER_URL)


def is_broker(url: str) -> bool:
    """Whether a Celery app with this broker speaks to the watched one."""
    return shown_url(for_celery(url)) == shown_url(broker_url())


def has_stream() -> bool:
    """Whether the broker's events can be read from the server itself; from any other broker Celery receives them."""
    return is_redis(conf().BROKER_URL)


@cache
def ask() -> Celery:
    """The Celery app that inspects workers and receives events; harmless by its visibility timeout, and never the current app."""
    app = Celery("lockhouse", broker=broker_url(), set_as_current=False, fixups=[])
    app.conf.update(
        accept_content=["json"],
        event_serializer="json",
        worker_enable_remote_control=False,
        broker_connection_retry=False,
        broker_connection_timeout=TIMEOUT_S,
        broker_transport_options={
            **conf().BROKER_TRANSPORT_OPTIONS,
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            "unacked_mutex_expire": 10,  # seconds, in place of five minutes: any consumer takes it, and killed with it keeps the workers from giving back
            "socket_timeout": 5.0,  # longer than any deadline of ours, so that a black hole ends as an error
            "socket_connect_timeout": TIMEOUT_S,
            **_own_name_of_ask(),
        },
    )
    return app


@cache
def send_app() -> Celery:
    """The Celery app that sends: as every caller's, but that it waits for nobody, tries nothing twice, stores no result and never consumes."""
    app = Celery("lockhouse-send", broker=broker_url(), backend="disabled://", set_as_current=False, fixups=[])
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_send_sent_event=True,
        task_publish_retry=False,
        broker_connection_retry=False,
        broker_connection_timeout=SEND_TIMEOUT_S,
        broker_transport_options={
            **conf().BROKER_TRANSPORT_OPTIONS,
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            "socket_timeout": SEND_TIMEOUT_S,
            "socket_connect_timeout": SEND_TIMEOUT_S,
            "retry_on_timeout": False,  # or the driver would send it twice
            "max_retries": 0,
        },
    )
    return app


def _own_name_of_ask() -> dict[str, str]:
    """Kombu cannot connect with a name where the server forbids CLIENT SETNAME, so it is tried once before."""
    try:
        look_broker().execute_command("CLIENT", "SETNAME", "lockhouse-look")
    except ResponseError:
        return {}
    except RedisError:
        pass  # nothing is known of a server that is away
    return {"client_name": "lockhouse-ask"}


def shown_url(url: str) -> str:
    """The URL as a person may see it: without user and password."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", ""))


def forget_connections() -> None:
    """Drop every client: after a fork, or when a test moves to another server."""
    for made in (_client, ask, send_app):
        made.cache_clear()
