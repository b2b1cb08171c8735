"""Hears what the observer announces, over the channel layer; goes on trying where that layer fails or falls silent."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain, repeat
from typing import Any

logger = logging.getLogger(__name__)

GROUP = "lockhouse"  # as the observer's announcer sends to
CONNECT_TIMEOUT_S, HANG_UP_TIMEOUT_S, CANCEL_EVERY_S = 5.0, 2.0, 0.2
PAUSES_S = (0.5, 1.0, 2.0, 4.0)  # between tries to listen; fresh pages within 5 s of our Redis coming back
ECHO, ECHO_EVERY_S, DEAF_AFTER_S = "hub.echo", 2.0, 5.0


async def hear(layer: Any, tell: Callable[[], None]) -> None:
    """Call `tell` for each announcement, and after every interruption, for something may have been announced meanwhile; never ends."""
    pauses = _pauses()
    while True:
        try:
            async for _ in _heard(layer):
                tell()
                pauses = _pauses()
        except Exception as error:  # noqa: BLE001  # which channel layer there is, and so what it raises, is a setting
            logger.warning("not hearing announcements, so pages are a second late: %r", error)
        finally:
            await _hang_up(layer)
        await asyncio.sleep(next(pauses))


def _pauses() -> Iterator[float]:
    return chain(PAUSES_S, repeat(PAUSES_S[-1]))


async def _heard(layer: Any) -> AsyncIterator[None]:
    """Once when it is sure that we hear, then for each announcement.  Raises: the layer's errors, TimeoutError when not even our echo is heard."""
    async with asyncio.timeout(CONNECT_TIMEOUT_S):  # never wait_for: in Python 3.11 it swallows a cancellation that comes together with the result
        channel = await _joined(layer)
    calling = asyncio.create_task(_call_again_and_again(layer, channel))
    try:
        await _next(layer, channel)
        yield
        while True:
            if (await _next(layer, channel))["type"] != ECHO:
                yield
    finally:
        await end(calling)


async def _joined(layer: Any) -> str:
    channel: str = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    return channel


async def _next(layer: Any, channel: str) -> Any:
    async with asyncio.timeout(DEAF_AFTER_S):
        return await layer.receive(channel)


async def _call_again_and_again(layer: Any, channel: str) -> None:
    """Send ourselves an echo: a subscription that was refused, or lost with its connection, is otherwise never noticed."""
    while True:
        try:
            await layer.send(channel, {"type": ECHO})
        except Exception as error:  # noqa: BLE001  # as above; that nothing is heard then is noticed soon enough
            logger.debug("our echo could not be sent: %r", error)
        await asyncio.sleep(ECHO_EVERY_S)


async def end(task: "asyncio.Task[None]") -> None:
    """Cancel the task until it has ended, even if we are cancelled meanwhile: channels-redis and redis-py now and then swallow a cancellation."""
    are_cancelled = False
    while not task.done():
        task.cancel()
        try:
            await asyncio.wait([task], timeout=CANCEL_EVERY_S)
        except asyncio.CancelledError:
            are_cancelled = True
    if are_cancelled:
        raise asyncio.CancelledError


async def _hang_up(layer: Any) -> None:
    try:
        async with asyncio.timeout(HANG_UP_TIMEOUT_S):
            await layer.flush()
    except Exception as error:  # noqa: BLE001  # as above; a connection that cannot be closed is gone already
        logger.debug("closing the connection for announcements failed: %r", error)
