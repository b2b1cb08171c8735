"""Hears what the observer announces, over the channel layer; goes on trying where that layer fails or falls silent."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain, repeat
from typing import Any

logger = logging.getLogger(__name__)

GROUP = "lockhouse"  # as the observer's announcer sends to
CONNECT_TIMEOUT_S = 5.0
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
    channel = await asyncio.wait_for(_joined(layer), CONNECT_TIMEOUT_S)
    calling = asyncio.create_task(_call_again_and_again(layer, channel))
    try:
        await asyncio.wait_for(layer.receive(channel), DEAF_AFTER_S)
        yield
        while True:
            message = await asyncio.wait_for(layer.receive(channel), DEAF_AFTER_S)
            if message["type"] != ECHO:
                yield
    finally:
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)


async def _joined(layer: Any) -> str:
    channel: str = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    return channel


async def _call_again_and_again(layer: Any, channel: str) -> None:
    """Send ourselves an echo: a subscription that was refused, or lost with its connection, is otherwise never noticed."""
    while True:
        await layer.send(channel, {"type": ECHO})
        await asyncio.sleep(ECHO_EVERY_S)


async def _hang_up(layer: Any) -> None:
    try:
        await layer.flush()
    except Exception as error:  # noqa: BLE001  # as above; a connection that cannot be closed is gone already
        logger.debug("closing the connection for announcements failed: %r", error)
