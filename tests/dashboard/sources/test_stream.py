"""Events by Redis' own pub/sub: published by Celery's own dispatcher under every option that moves the channel, over every kind of connection."""

import threading
from contextlib import contextmanager, suppress

import pytest
from celery import Celery
from redis import Redis

from dashboard.exceptions import SourceUnavailable
from dashboard.sources.event import read_events
from dashboard.sources.stream import Stream, cuts_of, event_channels
from tests.system import running_server, wait_for


@pytest.fixture(scope="module")
def server():
    with running_server() as made:
        yield made


@contextmanager
def streaming(url, options=None):
    """A running stream, what it has received, and how it ended."""
    received, ended, stop = [], [], threading.Event()

    def put(one):
        received.extend(read_events([payload for _, payload in one.messages])[0])

    redis = Redis.from_url(url, protocol=2, socket_timeout=1)
    stream = Stream(redis, options or {}, put, began=lambda at: None, stop=stop)

    def run():
        try:
            stream.run()
        except SourceUnavailable as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_for(lambda: stream.is_subscribed or ended)
        yield stream, received, ended
    finally:
        stop.set()
        thread.join()


def dispatch(url, options=None, kinds=("task-started",)):
    app = Celery(broker=url, set_as_current=False)
    app.conf.broker_transport_options = options or {}
    with app.connection_for_write() as connection, app.events.Dispatcher(connection, hostname="w@guest") as dispatcher:
        for kind in kinds:
            dispatcher.send(kind, uuid="d9c2")


@pytest.mark.parametrize(
    "options",
    [{}, {"fanout_prefix": False}, {"fanout_prefix": "ours.{db}."}, {"fanout_patterns": False}, {"global_keyprefix": "shop[1]*"},
     {"global_keyprefix": "shop:", "fanout_prefix": False, "fanout_patterns": False}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("database", [0, 3])
def test_events_are_received_wherever_the_options_put_them(server, options, database):
    url = f"{server.connection_url}/{database}"
    with streaming(url, options) as (_, received, _):
        dispatch(url, options, ["task-started", "worker-heartbeat"])
        wait_for(lambda: len(received) == 2)
    assert [(event.type, event.hostname, event.uuid) for event in received] == [("task-started", "w@guest", "d9c2"), ("worker-heartbeat", "w@guest", "d9c2")]


def test_channels_and_empty_messages_take_room_as_well(server):
    put, stop = [], threading.Event()
    redis = Redis.from_url(server.connection_url)
    stream = Stream(redis, {}, put.append, began=lambda at: None, stop=stop)
    thread = threading.Thread(target=stream.run)
    thread.start()
    try:
        wait_for(lambda: stream.is_subscribed)
        for channel in ("/0.celeryev/" + "x" * 100_000, *["/0.celeryev/x"] * 10):
            redis.publish(channel, "")
        wait_for(lambda: sum(len(one.messages) for one in put) == 11)
    finally:
        stop.set()
        thread.join()
    assert sum(one.size for one in put) > 101_000


def test_burst_is_put_whole_and_in_order_a_little_at_a_time(server):
    put, stop = [], threading.Event()
    stream = Stream(Redis.from_url(server.connection_url), {}, put.append, began=lambda at: None, stop=stop)
    thread = threading.Thread(target=stream.run)
    thread.start()
    sent = [b"%d %s" % (number, b"x" * (number % 3000)) for number in range(3000)]
    try:
        wait_for(lambda: stream.is_subscribed)
        with Redis.from_url(server.connection_url).pipeline(transaction=False) as pipe:
            for payload in sent:
                pipe.publish("/0.celeryev/task.sent", payload)
            pipe.execute()
        wait_for(lambda: sum(len(one.messages) for one in put) >= len(sent))
    finally:
        stop.set()
        thread.join()
    assert [payload for one in put for _, payload in one.messages] == sent
    assert max(one.size for one in put) < 200_000


def test_pattern_of_a_prefix_is_taken_literally():
    assert event_channels({"global_keyprefix": "a*?["}, 2) == ("PSUBSCRIBE", b"a\\*\\?\\[/2.celeryev/*")


def test_password_is_the_drivers_own_affair():
    with running_server() as server:
        admin = Redis.from_url(server.connection_url)
        admin.execute_command("ACL", "SETUSER", "watcher", "on", ">pass", "~*", "&*", "+@all")
        url = server.connection_url.replace("redis://", "redis://watcher:pass@") + "/0"
        with streaming(url) as (_, received, _):
            dispatch(url)
            wait_for(lambda: received)
        with streaming(url.replace("pass@", "wrong@")) as (stream, _, ended):
            assert ended
            assert not stream.is_subscribed
            assert "wrong" not in ended[0].reason


def test_end_of_the_connection_is_said(server):
    with streaming(server.connection_url) as (_, _, ended):
        Redis.from_url(server.connection_url).client_kill_filter(_type="pubsub")
        wait_for(lambda: ended)


def test_message_that_is_too_large_ends_the_connection_and_not_the_process(server):
    publisher = Redis.from_url(server.connection_url)
    publisher.config_set("client-output-buffer-limit", "pubsub 0 0 0")
    with streaming(server.connection_url) as (_, _, ended):
        publisher.publish("/0.celeryev/task.started", b"x" * 40_000_000)
        wait_for(lambda: ended)
    assert "too large" in ended[0].reason


def test_server_that_does_not_tell_of_cuts_is_used_all_the_same(server):
    admin = Redis.from_url(server.connection_url)
    assert cuts_of(admin) == 0
    admin.execute_command("ACL", "SETUSER", "narrow", "on", ">pass", "~*", "&*", "+@all", "-info")
    with suppress(ValueError):
        assert cuts_of(Redis.from_url(server.connection_url.replace("redis://", "redis://narrow:pass@"))) is None
