"""The threads that requests are answered in: one for all of a request, and kept for the next, as a new one connects to the database again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from typing import Any

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

KEPT = 8  # more are made while all of these are busy, and end with their request
AT_ONCE = 2  # Python runs one thread at a time: ten at once all end late, where one after the other most end early
PATIENCE_S = 0.5  # then a request goes ahead all the same: those before it may be waiting for a broker that does not answer

Message = Mapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


class ThreadKeepingHandler(ASGIHandler):
    """Django's own handler, where each request has a thread to itself as well; but there it is a new one, and handed between it and the loop a dozen times.

    Source: asgiref, where each `ThreadSensitiveContext` has one thread for as long as it lives.
    """

    def __init__(self) -> None:
        super().__init__()
        self._idle: list[ThreadSensitiveContext] = []  # the one used last is taken first: its caches are warm
        self._turns = asyncio.Semaphore(AT_ONCE)

    def load_middleware(self, is_async: bool = False) -> None:
        """All of it to be called in the request's thread."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """From the first middleware through the view and back, in the request's thread."""
        return await sync_to_async(self.get_response)(request)

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        """Answer one request.  A thread that its browser left before the answer may still be at work: it is not kept."""
        is_answered = False

        async def sending(message: Message) -> None:
            nonlocal is_answered
            turn.close()  # what is left is sending, which may take as long as a browser likes
            await send(message)
            is_answered = message["type"] == "http.response.body" and not message.get("more_body", False)

        with ExitStack() as turn:
            await self._come_up(turn)
            thread = self._idle.pop() if self._idle else ThreadSensitiveContext()
            token = SyncToAsync.thread_sensitive_context.set(thread)
            try:
                await self.handle(scope, receive, sending)
            finally:
                SyncToAsync.thread_sensitive_context.reset(token)
                if is_answered and len(self._idle) < KEPT:
                    self._idle.append(thread)

    async def _come_up(self, turn: ExitStack) -> None:
        """Wait for a turn, which ends with this stack; go without one when that takes too long."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._turns.acquire()
        except TimeoutError:
            return
        turn.callback(self._turns.release)
