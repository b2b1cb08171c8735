"""The WebSockets of the pages: who may open one, and what is pushed over it. They carry no commands; whatever comes in is ignored.

A refusal that the page shall understand is said after accepting: closed before, the browser sees only 1006, and tries again for ever.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from channels.auth import AuthMiddlewareStack
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.translation import get_language_from_request

from dashboard.web.hub import Key, View, hub
from dashboard.web.origin import Scope, headers, is_own_origin
from dashboard.web.panel import Panel
from dashboard.web.panels import PANELS
from dashboard.web.viewers import LOG_IN, NOT_ALLOWED, TOO_MANY, TRY_AGAIN, Viewer, permissions_of, watch

logger = logging.getLogger(__name__)

BAD_ADDRESS, TOO_BIG = 1008, 1009
MAX_FRAME_BYTES = 64 * 1024
MAX_QUERY_BYTES, MAX_QUERY_FIELDS = 2048, 50
HEARTBEAT_S = 5.0  # of silence; without it a page could not tell "nothing changed" from a dead connection
CLOSE_TIMEOUT_S = 2.0  # a reader that takes nothing does not take its dismissal either
PATH = re.compile(r"(?:^|/)ws/(?P<panel>[a-z]+)/$")  # by its end, for the app may be mounted anywhere

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]


def websocket_for(panels: Mapping[str, Panel]) -> Application:
    """The ASGI application that pushes these panels at `.../ws/<name>/`."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        found = PATH.search(scope["path"])
        panel = panels.get(found["panel"]) if found else None
        if found is None or panel is None:
            return await _close(send, BAD_ADDRESS)
        code, viewer = await _admit(scope, panel)
        await send({"type": "websocket.accept"})
        if viewer is not None:
            code = await _serve(viewer, _key(found["panel"], panel, scope, viewer), receive, send)
        if code is not None:
            await _close(send, code)
        return None

    inner: Any = AuthMiddlewareStack(application)
    return _for_our_pages(inner)


def _for_our_pages(inner: Application) -> Application:
    """Only pages of this very site come through; all others get 403, whatever their Origin looks like."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if not is_own_origin(scope):
            return await _close(send, NOT_ALLOWED)
        try:
            await inner(scope, receive, send)
        except DatabaseError as error:
            logger.warning("a socket could not be opened, for the database does not answer: %s", error)
            await _close(send, TRY_AGAIN)
        return None

    return application


async def _admit(scope: Scope, panel: Panel) -> tuple[int | None, Viewer | None]:
    """The viewer, or the code to close with."""
    if _query(scope) is None:
        return BAD_ADDRESS, None
    if not scope["user"].is_authenticated:
        return LOG_IN, None
    may = await permissions_of(scope["user"])
    if panel.permission not in may:
        return NOT_ALLOWED, None
    viewer = Viewer(session_key=scope["session"].session_key or "", user_pk=str(scope["user"].pk), permission=panel.permission, may=may)
    return (None, viewer) if watch().has_room_for(viewer.user_pk) else (TRY_AGAIN, None)


def _query(scope: Scope) -> dict[str, str] | None:
    """The page's query, the last of each name; None if it is too long to be followed."""
    raw = scope["query_string"]
    try:
        return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)) if len(raw) <= MAX_QUERY_BYTES else None
    except ValueError:
        return None


def _key(name: str, panel: Panel, scope: Scope, viewer: Viewer) -> Key:
    request = HttpRequest()  # the page was rendered in the language that its own request asked for, with the same headers
    request.COOKIES = dict(scope["cookies"])
    request.META["HTTP_ACCEPT_LANGUAGE"] = ",".join(headers(scope, b"accept-language"))
    query = tuple(sorted(panel.query(_query(scope) or {}).items()))  # as the page understands it: what it ignores makes no view of its own
    return Key(name=name, panel=panel, query=query, may=viewer.may, language=get_language_from_request(request))


async def _serve(viewer: Viewer, key: Key, receive: Receive, send: Send) -> int | None:
    """Push until the browser goes, the viewer is dismissed, or the panel breaks; the code to close with, None if the browser went."""
    viewer.view = key
    if not watch().has_room_for_view(viewer):  # asked where nothing is awaited before it counts
        return TOO_MANY
    view = hub().follow(key)
    watch().add(viewer)
    tasks = [asyncio.ensure_future(task) for task in (_ignore(receive), viewer.dismissed, _push(view, send))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        watch().remove(viewer)
        hub().leave(view)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return next(task.result() for task in tasks if task in done)


async def _ignore(receive: Receive) -> int | None:
    """Take what the browser sends and do nothing with it, until it goes or sends too much at once."""
    while (event := await receive())["type"] != "websocket.disconnect":
        if len(event.get("text") or event.get("bytes") or "") > MAX_FRAME_BYTES:
            return TOO_BIG
    return None


async def _push(view: View, send: Send) -> int | None:
    """Send the newest state, and again as soon as it has been taken and there is a newer one: never a backlog."""
    version = 0
    while not view.is_broken:
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_S):  # never wait_for: see hearing.py
                await view.newer_than(version)
        if view.is_broken or not view.version:
            continue
        message, version = view.message_since(version), view.version
        try:
            await send({"type": "websocket.send", "text": message})
        except OSError:  # as ASGI has it: the browser is gone, which `_ignore` may not have heard yet
            return None
    return TRY_AGAIN


async def _close(send: Send, code: int) -> None:
    """Close with this code; before the socket was accepted the browser gets 403 instead."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await send({"type": "websocket.close", "code": code})
    except TimeoutError:
        logger.info("a socket did not take its closing with %s", code)


websocket_application = websocket_for(PANELS)
