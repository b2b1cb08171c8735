"""Who may open a socket: a page of exactly the same origin."""

import pytest
from django.db import DatabaseError

from dashboard.web import sockets
from tests.dashboard.web.socket_ends import application, opened, panel, viewer

__all__ = ["application", "opened", "panel", "viewer"]

pytestmark = pytest.mark.django_db(transaction=True)


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
