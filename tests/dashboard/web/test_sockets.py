"""The sockets: who may open one, that it only pushes, and that it closes when its user may look no longer."""

import asyncio
import json

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection
from django.test import Client

from dashboard.web import sockets, viewers
from dashboard.web.hub import hub
from dashboard.web.panel import Piece
from dashboard.web.sockets import websocket_application, websocket_for
from dashboard.web.viewers import LOG_IN, NOT_ALLOWED, RESTARTING, TRY_AGAIN

pytestmark = pytest.mark.django_db(transaction=True)
VIEW = "lockhouse.view_locks"


class Socket(ApplicationCommunicator):
    """The browser's end; Channels' own communicator needs daphne, which is not among our dependencies."""

    def __init__(self, application, path, headers, **scope):
        path, _, query = path.partition("?")
        super().__init__(
            application,
            {"type": "websocket", "scheme": "ws", "path": path, "query_string": query.encode(), "headers": headers, "subprotocols": [], **scope},
        )

    async def connect(self):
        """Whether it was accepted."""
        await self.send_input({"type": "websocket.connect"})
        return (await self.receive_output(timeout=5))["type"] == "websocket.accept"

    async def receive(self):
        event = await self.receive_output(timeout=5)
        assert event["type"] == "websocket.send", event
        return json.loads(event["text"])

    async def disconnect(self):
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(timeout=5)


class WordsPanel:
    """One region with words that the test changes, and what it was asked."""

    permission = VIEW

    def __init__(self):
        self.words = "calm"
        self.asked = []

    def query(self, given):
        return {name: value for name, value in given.items() if name in {"q", "o"}}

    def pieces(self, snapshot, query, may, now):
        self.asked.append((dict(query), may))
        if isinstance(self.words, Exception):
            raise self.words
        return [Piece(id="region", html=f'<p id="region">{self.words}</p>')]


@pytest.fixture
def panel(watching):
    return WordsPanel()


@pytest.fixture
def application(panel):
    return websocket_for({"locks": panel})


@pytest.fixture
def opened(application):
    """Open a socket at a path, as `client` if one is given."""

    def open_socket(path="/ws/locks/", client=None, origin=b"http://testserver", host=b"testserver", application=application, **also):
        headers = [(b"host", host)] if host else []
        headers += [(b"origin", origin)] if origin is not None else []
        if client:
            headers.append((b"cookie", f"{django_settings.SESSION_COOKIE_NAME}={client.cookies[django_settings.SESSION_COOKIE_NAME].value}".encode()))
        return Socket(application, path, [*headers, *also.pop("headers", [])], **also)

    return open_socket


def may(codename):
    content_type, _ = ContentType.objects.get_or_create(app_label="lockhouse", model="access")
    return Permission.objects.get_or_create(codename=codename, content_type=content_type, defaults={"name": codename})[0]


def logged_in(*codenames, name="vera"):
    user, _ = get_user_model().objects.get_or_create(username=name)
    user.user_permissions.add(*(may(codename) for codename in codenames))
    client = Client()
    client.force_login(user)
    client.user = user
    return client


@pytest.fixture
def viewer(db):
    return logged_in("view_locks")


def in_database(action, *args, **kwargs):
    return sync_to_async(action)(*args, **kwargs)


async def shown(socket):
    """The next message that is no heartbeat."""
    while True:
        message = await socket.receive()
        if message["changed"] or message.get("full"):
            return message


async def closed_with(socket, seconds=5):
    """The code of the close that follows, whatever is pushed before it."""
    while (message := await socket.receive_output(timeout=seconds))["type"] != "websocket.close":
        assert message["type"] in {"websocket.send", "websocket.accept"}
    await socket.wait(timeout=5)
    return message["code"]


# What is pushed


async def test_everything_is_sent_once_on_connect_then_what_changes(opened, viewer, panel):
    socket = opened(client=viewer)

    assert await socket.connect()
    assert await shown(socket) == {"v": 1, "full": True, "changed": [["region", '<p id="region">calm</p>', None]], "order": {}, "gone": []}
    panel.words = "a lock was taken"
    hub().refresh()
    assert (await shown(socket))["changed"] == [["region", '<p id="region">a lock was taken</p>', None]]
    await socket.disconnect()


async def test_panel_gets_the_pages_query_and_our_permissions_only(opened, panel, db):
    client = await in_database(logged_in, "view_locks", "release_lock")
    await in_database(client.user.user_permissions.add, await in_database(Permission.objects.exclude(content_type__app_label="lockhouse").first))
    socket = opened("/ws/locks/?q=mail&o=ttl&q=report&x=1", client)
    await socket.connect()
    await shown(socket)

    assert panel.asked[0] == ({"q": "report", "o": "ttl"}, frozenset({VIEW, "lockhouse.release_lock"}))
    await socket.disconnect()


async def test_a_slow_reader_gets_the_newest_state_and_no_backlog(opened, viewer, panel, application):
    taking, sent = asyncio.Event(), []
    plain = opened(client=viewer)
    events = asyncio.Queue()
    await events.put({"type": "websocket.connect"})

    async def slow_send(message):
        if message["type"] == "websocket.send":
            sent.append(json.loads(message["text"]))
            await taking.wait()

    running = asyncio.create_task(application(plain.scope, events.get, slow_send))
    while not sent:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    for number in range(20):
        asked = len(panel.asked)
        panel.words = f"state {number}"
        hub().refresh()
        while len(panel.asked) == asked:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    taking.set()
    while len(sent) < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.01)

    assert len(sent) == 2
    assert "state 19" in sent[1]["changed"][0][1]
    await events.put({"type": "websocket.disconnect", "code": 1000})
    await asyncio.wait_for(running, 5)


async def test_silence_is_broken_by_heartbeats(monkeypatch, opened, viewer):
    monkeypatch.setattr(sockets, "HEARTBEAT_S", 0.1)
    socket = opened(client=viewer)
    await socket.connect()
    await shown(socket)

    assert await socket.receive() == {"v": 1, "changed": [], "gone": []}
    await socket.disconnect()


async def test_whatever_a_viewer_sends_is_ignored(opened, viewer, panel):
    socket = opened(client=viewer)
    await socket.connect()
    await shown(socket)

    await socket.send_input({"type": "websocket.receive", "text": '{"act": "release", "id": "0000"}'})
    await socket.send_input({"type": "websocket.receive", "text": "{"})
    await socket.send_input({"type": "websocket.receive", "bytes": b"\x00\xff"})
    await socket.send_input({"type": "sections.changed", "sections": ["locks"]})
    panel.words = "still here"
    hub().refresh()

    assert "still here" in (await shown(socket))["changed"][0][1]
    await socket.disconnect()


async def test_too_big_a_frame_closes(opened, viewer):
    socket = opened(client=viewer)
    await socket.connect()

    await socket.send_input({"type": "websocket.receive", "text": "x" * (sockets.MAX_FRAME_BYTES + 1)})

    assert await closed_with(socket) == 1009


async def test_a_panel_that_raises_asks_to_come_back(opened, viewer, panel):
    panel.words = ValueError("a bug")
    socket = opened(client=viewer)
    await socket.connect()

    assert await closed_with(socket) == TRY_AGAIN


async def test_the_page_is_rendered_in_the_language_of_its_request(opened, viewer, panel):
    german, english = opened(client=viewer, headers=[(b"accept-language", b"de")]), opened(client=viewer)
    for socket in (german, english):
        await socket.connect()
        await shown(socket)

    assert {key.language for key in hub()._views} == {"de", "en"}
    await german.disconnect()
    await english.disconnect()


# Who may open one


@pytest.mark.parametrize("path", ["/ws/locks/", "/ops/lockhouse/ws/locks/"])
async def test_the_path_is_known_by_its_end_wherever_the_app_is_mounted(opened, viewer, path):
    socket = opened(path, viewer)

    assert await socket.connect()
    await socket.disconnect()


@pytest.mark.parametrize("path", ["/ws/secrets/", "/ws/", "/", "/ws/locks", "/news/locks/", "/ws/locks/more/"])
async def test_an_unknown_path_is_refused_without_an_error(opened, viewer, path):
    accepted = await opened(path, viewer).connect()

    assert not accepted


async def test_all_pages_have_their_socket(opened, db):
    for name in ("overview", "locks", "lock"):
        socket = opened(f"/ws/{name}/", application=websocket_application)
        assert await socket.connect()
        assert await closed_with(socket) == LOG_IN


async def test_anonymous_is_told_to_log_in_so_that_the_browser_can_read_it(opened, db):
    socket = opened()

    assert await socket.connect()
    assert await closed_with(socket) == LOG_IN


async def test_without_the_permission_nothing_is_sent(opened, db):
    socket = opened(client=await in_database(logged_in))

    assert await socket.connect()
    assert (await socket.receive_output(timeout=5)) == {"type": "websocket.close", "code": NOT_ALLOWED}


async def test_a_query_that_is_too_long_is_refused(opened, viewer):
    for query in ("q=" + "x" * 3000, "&".join(f"a{number}=1" for number in range(60))):
        socket = opened(f"/ws/locks/?{query}", viewer)
        await socket.connect()
        assert await closed_with(socket) == sockets.BAD_ADDRESS


async def test_a_user_has_so_many_sockets_and_no_more(monkeypatch, opened, viewer):
    monkeypatch.setattr(viewers, "MAX_SOCKETS_PER_USER", 2)
    first, second, third = (opened(client=viewer) for _ in range(3))
    await first.connect()
    await second.connect()

    await third.connect()
    assert await closed_with(third) == TRY_AGAIN
    await second.disconnect()
    fourth = opened(client=viewer)
    await fourth.connect()
    await shown(fourth)
    await fourth.disconnect()
    await first.disconnect()


OWN = (b"http://testserver", b"testserver")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        OWN,
        (b"http://testserver:80", b"testserver"),
        (b"http://TestServer", b"testserver"),
        (b"http://127.0.0.1:8000", b"127.0.0.1:8000"),
        (b"http://[::1]:8000", b"[::1]:8000"),
    ],
)
async def test_the_same_origin_comes_in(opened, viewer, origin, host):
    socket = opened(client=viewer, origin=origin, host=host)

    assert await socket.connect()
    await socket.disconnect()


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, b"testserver"),
        (b"", b"testserver"),
        (b"null", b"testserver"),
        (b"http://[::1", b"testserver"),
        (b"http://testserver:99999", b"testserver"),
        (b"http://testserver:0", b"testserver"),
        (b"http://testserver:x", b"testserver"),
        (b"https://testserver", b"testserver"),
        (b"http://testserver:8000", b"testserver"),
        (b"http://testserver.evil.example", b"testserver"),
        (b"http://eviltestserver", b"testserver"),
        (b"http://testserver@evil.example", b"testserver"),
        (b"http://user@testserver", b"testserver"),
        (b"http://testserver/", b"testserver"),
        (b"testserver", b"testserver"),
        (b"\xff\xfe", b"testserver"),
        (b"file://", b"testserver"),
        (b"http://evil.example", b"evil.example"),  # a name that was bound to our address: not an allowed host
        (b"http://testserver", None),
        (b"http://testserver", b"[::1"),
        (b"http://testserver", b""),
    ],
)
async def test_any_other_origin_is_403_and_never_an_error(opened, viewer, origin, host):
    accepted = await opened(client=viewer, origin=origin, host=host).connect()

    assert not accepted


async def test_two_origins_are_none(opened, viewer):
    accepted = await opened(client=viewer, headers=[(b"origin", b"http://evil.example")]).connect()

    assert not accepted


async def test_behind_tls_the_trusted_origin_comes_in(opened, viewer, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://lockhouse.example", "https://*.ops.example"]
    for origin, expected in {
        b"https://lockhouse.example": True,
        b"https://shop.ops.example": True,
        b"http://lockhouse.example": False,
        b"https://lockhouse.example:8443": False,
        b"https://evil-ops.example": False,
    }.items():
        socket = opened(client=viewer, origin=origin)
        assert await socket.connect() is expected
        if expected:
            await socket.disconnect()


async def test_behind_a_proxy_its_header_says_that_the_page_is_https(opened, viewer, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for sent, expected in ((b"https", True), (b"http", False)):
        socket = opened(client=viewer, origin=b"https://testserver", headers=[(b"x-forwarded-proto", sent)])
        assert await socket.connect() is expected
        if expected:
            await socket.disconnect()


async def test_with_tls_of_our_own_the_page_is_https(opened, viewer):
    socket = opened(client=viewer, origin=b"https://testserver", scheme="wss")

    assert await socket.connect()
    await socket.disconnect()


async def test_a_database_that_does_not_answer_is_no_error_but_a_later(opened, viewer, monkeypatch):
    async def locked(scope, receive, send):
        raise DatabaseError("database is locked")

    accepted = await opened(client=viewer, application=sockets._for_our_pages(locked)).connect()

    assert not accepted


# Who may go on


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(viewers, "RECHECK_S", 0.1)


def deactivate(client):
    get_user_model().objects.filter(pk=client.user.pk).update(is_active=False)


def change_password(client):
    client.user.set_password("another one 1234")
    client.user.save()


def grant_more(client):
    client.user.user_permissions.add(may("release_lock"))


def expire(client):
    from datetime import UTC, datetime

    Session.objects.update(expire_date=datetime(2020, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("what", "code"),
    [
        (lambda client: client.logout(), LOG_IN),
        (expire, LOG_IN),
        (deactivate, LOG_IN),
        (change_password, LOG_IN),
        (lambda client: client.user.delete(), LOG_IN),
        (lambda client: client.user.user_permissions.clear(), NOT_ALLOWED),
        (grant_more, RESTARTING),
    ],
)
@pytest.mark.parametrize("settled", [True, False], ids=["later", "at once"])
async def test_who_may_look_no_longer_is_out(soon, opened, viewer, what, code, settled):
    socket = opened(client=viewer)
    await socket.connect()
    await shown(socket)
    if settled:
        await asyncio.sleep(0.3)

    await in_database(what, viewer)

    assert await closed_with(socket) == code


async def test_a_permission_lost_with_a_group_is_lost(soon, opened, db):
    client = await in_database(logged_in)
    group = await in_database(Group.objects.create, name="Watchers of this test")
    await in_database(group.permissions.add, await in_database(may, "view_locks"))
    await in_database(client.user.groups.add, group)
    socket = opened(client=client)
    await socket.connect()
    await shown(socket)
    await asyncio.sleep(0.3)

    await in_database(client.user.groups.clear)

    assert await closed_with(socket) == NOT_ALLOWED


async def test_all_sockets_are_checked_by_one_query(opened, viewer, panel):
    other = await in_database(logged_in, "view_locks", name="otto")
    sockets_open = [opened(client=client) for client in (viewer, other) for _ in range(10)]
    for socket in sockets_open:
        await socket.connect()
    await viewers.watch()._check()  # the first time everybody is looked at

    await in_database(setattr, connection, "force_debug_cursor", True)
    await in_database(connection.queries_log.clear)
    await viewers.watch()._check()
    counted = await in_database(lambda: len(connection.queries_log))
    await in_database(setattr, connection, "force_debug_cursor", False)

    assert counted == 1
    for socket in sockets_open:
        await socket.disconnect()


async def test_with_sessions_elsewhere_each_viewer_is_asked_for(soon, opened, settings, db):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    client = await in_database(logged_in, "view_locks")
    socket = opened(client=client)
    await socket.connect()
    await shown(socket)
    await asyncio.sleep(0.3)

    await in_database(client.logout)

    assert await closed_with(socket) == LOG_IN


async def test_nobody_looks_on_for_long_when_the_database_does_not_answer(soon, monkeypatch, opened, viewer):
    monkeypatch.setattr(viewers, "MAX_UNCHECKED_S", 0.2)

    async def locked(_viewers):
        raise DatabaseError("database is locked")

    monkeypatch.setattr(viewers, "_check_all", locked)
    socket = opened(client=viewer)
    await socket.connect()

    assert await closed_with(socket) == TRY_AGAIN
