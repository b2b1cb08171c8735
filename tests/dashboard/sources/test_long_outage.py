"""A server that is away for long: whoever opens a connection of its own again and again, one a second, still gets one when it is back."""

import threading

import pytest
from redis import Redis
from redis.exceptions import RedisError

from dashboard.exceptions import SourceUnavailable
from dashboard.sources.stream import Stream
from dashboard.sources.tracking import Tracker
from tests.system import running_server

TRIES = 110  # redis-py 8 counts 100 connections of one pool, and then makes no more


@pytest.fixture
def away():
    """A server that has ended, and a client of it."""
    with running_server() as server:
        client = Redis.from_url(server.connection_url, protocol=2)
        server.stop()
        yield client, server
        if not server.is_running:
            server.start()


def failed(times, attempt):
    for _ in range(times):
        with pytest.raises((SourceUnavailable, RedisError), match="refused"):
            attempt()


def test_tracking_goes_on(away):
    client, server = away
    failed(TRIES, lambda: Tracker(client, "cache").open([b"lock_"]))
    server.start()
    tracker = Tracker(client, "cache")
    tracker.open([b"lock_"])
    tracker.check()
    tracker.close()


def test_events_go_on(away):
    client, server = away
    stop = threading.Event()
    failed(TRIES, lambda: Stream(client, {}, lambda _: None, lambda _: None, stop).run())
    server.start()
    again = Stream(client, {}, lambda _: None, lambda _: stop.set(), stop)
    again.run()
    assert again.is_subscribed
