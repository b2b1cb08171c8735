"""Who may go on looking: a socket closes when its user may look no longer."""

import asyncio

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection

from dashboard.web import viewers
from dashboard.web.viewers import LOG_IN, NOT_ALLOWED, RESTARTING, TRY_AGAIN
from tests.dashboard.web.socket_ends import application, closed_with, in_database, logged_in, may, opened, panel, shown, viewer

__all__ = ["application", "opened", "panel", "viewer"]

pytestmark = pytest.mark.django_db(transaction=True)


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


async def test_all_sockets_are_checked_by_one_query(monkeypatch, opened, viewer, panel):
    monkeypatch.setattr(viewers, "RECHECK_S", 600)
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
