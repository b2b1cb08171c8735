"""The browser's end of a socket, a panel whose words a test changes, who looks at it, and the key that it is rendered by: for the tests of sockets."""

import json

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from dashboard.web.hub import Key
from dashboard.web.panel import Piece
from dashboard.web.sockets import websocket_for

VIEW = "lockhouse.view_locks"
PATIENCE_S = 60  # a full machine is slow, not wrong


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
        return (await self.receive_output(timeout=PATIENCE_S))["type"] == "websocket.accept"

    async def receive(self):
        event = await self.receive_output(timeout=PATIENCE_S)
        assert event["type"] == "websocket.send", event
        return json.loads(event["text"])

    async def disconnect(self):
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(timeout=PATIENCE_S)


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


async def closed_with(socket):
    """The code of the close that follows, whatever is pushed before it."""
    while (message := await socket.receive_output(timeout=PATIENCE_S))["type"] != "websocket.close":
        assert message["type"] in {"websocket.send", "websocket.accept"}
    await socket.wait(timeout=PATIENCE_S)
    return message["code"]


def make_key(panel, **changes):
    return Key(**({"name": "locks", "panel": panel, "may": frozenset({"lockhouse.view_locks"})} | changes))
