"""One address in the words of each library, tried on what these libraries make of it."""

import pytest
from celery import Celery
from redis import Redis

from dashboard import connections
from dashboard.redis_urls import Sentinels, for_celery, for_driver, for_layer, is_redis, sentinels_of


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://:pw@host:7/3", {"host": "host", "port": 7, "db": 3, "password": "pw"}),
        ("valkey://host:7/3", {"host": "host", "port": 7, "db": 3}),
        ("unix:///run/a.sock?db=2", {"path": "/run/a.sock", "db": 2}),
        ("redis+socket:///run/a.sock?virtual_host=2", {"path": "/run/a.sock", "db": 2}),
        ("redis+socket://:pw@/run/a.sock?virtual_host=/2", {"path": "/run/a.sock", "db": 2, "password": "pw"}),
    ],
)
def test_the_driver_connects_where_the_address_says(url, expected):
    found = Redis.from_url(for_driver(url)).connection_pool.connection_kwargs
    assert expected.items() <= found.items()


def test_celerys_word_for_a_certificate_is_the_drivers():
    given = Redis.from_url(for_driver("rediss://host/0?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs=/ca.pem")).connection_pool.connection_kwargs
    assert (given["ssl_cert_reqs"], given["ssl_ca_certs"]) == ("required", "/ca.pem")


@pytest.mark.parametrize(
    ("url", "scheme", "place"), [("unix:///run/a.sock?db=2", "redis", "socket:///run/a.sock?virtual_host=2"), ("valkey://host:7/3", "redis", "host")]
)
def test_celery_connects_there_too(url, scheme, place):
    connection = Celery(broker=for_celery(url), set_as_current=False).connection()
    assert connection.transport_cls == scheme
    assert connection.hostname == place


@pytest.mark.parametrize("url", ["redis://host/1", "redis+socket:///run/a.sock", "sentinel://a:1;sentinel://b:2", "rediss://host/1?ssl_cert_reqs=none"])
def test_what_celery_takes_stays_as_it_is(url):
    assert for_celery(url) == url


def test_sentinels_are_told_with_what_their_primary_wants_to_hear():
    found = sentinels_of("sentinel://me:p%40ss@a:1/3;sentinel://b")
    assert found == Sentinels(hosts=(("a", 1), ("b", 26379)), db=3, username="me", password="p@ss")
    layer = for_layer("sentinel://a:1/3", {"master_name": "shop"})
    assert (layer["sentinels"], layer["master_name"], layer["db"]) == ([["a", 1]], "shop", 3)
    assert sentinels_of("redis://a:1") is None


@pytest.mark.parametrize(("url", "why"), [("amqp://guest@host//", "amqp:// is not Redis"), ("sentinel://a:1", "master_name")])
def test_broker_that_cannot_be_read_says_why_and_raises_what_every_source_knows(watching, settings, url, why):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "BROKER_URL": url}
    connections.forget_connections()
    with pytest.raises(connections.RedisError, match=why):
        connections.look_broker().ping()


def test_schemes_of_redis_are_known():
    assert all(map(is_redis, ("redis://", "rediss://", "unix:///a", "redis+socket:///a", "valkeys://a", "sentinel://a")))
    assert not any(map(is_redis, ("amqp://a", "sqs://", "memory://", "")))
