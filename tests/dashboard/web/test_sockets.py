"""The sockets: what is pushed, who may open one, and that nothing is taken."""

import asyncio
import json

import pytest
from django.contrib.auth.models import Permission

from dashboard.web import sockets, viewers
from dashboard.web.hub import hub
from dashboard.web.sockets import websocket_application
from dashboard.web.viewers import LOG_IN, NOT_ALLOWED, TOO_MANY, TRY_AGAIN
from tests.dashboard.web.socket_ends import PATIENCE_S, VIEW, application, closed_with, in_database, logged_in, opened, panel, shown, viewer

__all__ = ["application", "opened", "panel", "viewer"]

pytestmark = pytest.mark.django_db(transaction=True)


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
    [view] = hub()._views.values()
    while "state 19" not in (view.message_since(0) or ""):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
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
    assert (await socket.receive_output(timeout=PATIENCE_S)) == {"type": "websocket.close", "code": NOT_ALLOWED}


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


async def test_a_user_follows_so_many_different_views_and_no_more(monkeypatch, opened, viewer, db):
    """Each of them is rendered anew at every change, for this user alone; what several pages share costs once."""
    monkeypatch.setattr(viewers, "MAX_VIEWS_PER_USER", 2)
    first, second, again = (opened(f"/ws/locks/?q={q}", viewer) for q in ("a", "b", "a"))
    for socket in (first, second, again):
        await socket.connect()
        await shown(socket)

    third = opened("/ws/locks/?q=c", viewer)
    await third.connect()
    assert await closed_with(third) == TOO_MANY

    another = opened("/ws/locks/?q=c", await in_database(logged_in, "view_locks", name="otto"))
    await another.connect()
    await shown(another)
    for socket in (first, again):
        await socket.disconnect()
    third = opened("/ws/locks/?q=c", viewer)
    await third.connect()
    await shown(third)
    for socket in (second, third, another):
        await socket.disconnect()


async def test_twenty_views_of_one_user_are_enough_for_work_and_few_enough_for_all(opened, viewer):
    many = [opened(f"/ws/locks/?q={number}", viewer) for number in range(21)]
    for socket in many:
        await socket.connect()

    assert await closed_with(many.pop()) == TOO_MANY
    for socket in many:
        await shown(socket)
        await socket.disconnect()
