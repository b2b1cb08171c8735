"""Tells the web processes which sections of the snapshot changed; it names them only, the snapshot itself is in our own Redis.

A thread with one event loop and one connection of its own sends, so that the observer neither waits nor opens a connection each time.
"""

import asyncio
import logging
import threading
from collections.abc import Collection
from typing import Any

from channels.layers import channel_layers

logger = logging.getLogger(__name__)

GROUP = "lockhouse"  # the hub of each web process listens to it
INTERVAL_S = 0.2  # at most five a second
LATE_S = 0.02  # what waking up may take
SEND_TIMEOUT_S = 2.0  # the channel layer sets none, and a Redis that hangs would hold the thread for ever
CLOSE_TIMEOUT_S = 3.0
MAX_PAUSE_S = 2.0  # fresh pages within 5 s of our Redis coming back


class Announcer:
    """Announces from an ordinary thread: the first at once, later ones together every INTERVAL_S, none lost while our Redis is away."""

    def __init__(self) -> None:
        self._waiting: set[str] = set()
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._closing = False
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="lockhouse-announcer", daemon=True)

    def announce(self, sections: Collection[str]) -> None:
        """Have these sections announced; returns at once and never raises."""
        with self._guard:
            if self._closing or not sections:
                return
            self._waiting.update(sections)
            if self._loop is None:
                self._start()
            self._call_wake()

    def close(self) -> None:
        """Send what waits, if our Redis answers, and end the thread."""
        with self._guard:
            if self._closing:
                return
            self._closing = True
            self._call_wake()
        if self._thread.is_alive():
            self._thread.join(CLOSE_TIMEOUT_S)

    def _start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def _call_wake(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        layer, pause = _own_layer(), INTERVAL_S
        due = 0.0  # the pause counts from when this one was due, not from when it was sent: else five changes a second wait ever longer
        while sections := await self._next():
            now = self._loop.time()
            due = due if now - due < LATE_S else now
            if await _is_sent(layer, sections):
                pause = INTERVAL_S
            else:
                self._give_back(sections)
                await _hang_up(layer)
                pause = min(2 * pause, MAX_PAUSE_S)
                if self._closing:
                    break
            due += pause
            await asyncio.sleep(max(0.0, due - self._loop.time()))
        await _hang_up(layer)

    async def _next(self) -> list[str]:
        """The sections to announce as soon as there are some; empty when it is time to end."""
        while True:
            with self._guard:
                if self._waiting or self._closing:
                    sections, self._waiting = sorted(self._waiting), set()
                    return sections
                self._wake.clear()
            await self._wake.wait()

    def _give_back(self, sections: Collection[str]) -> None:
        with self._guard:
            self._waiting.update(sections)


def _own_layer() -> Any:
    """A channel layer of its own with the settings' configuration: hanging up must not touch what others in this process listen to."""
    return channel_layers.make_backend("default")


async def _is_sent(layer: Any, sections: Collection[str]) -> bool:
    message = {"type": "sections.changed", "sections": list(sections)}
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await layer.group_send(GROUP, message)
    except Exception as error:  # noqa: BLE001  # which channel layer there is, and so what it raises, is a setting
        logger.warning("announcing that %s changed failed, trying again: %r", ", ".join(sections), error)
        return False
    return True


async def _hang_up(layer: Any) -> None:
    """Close the layer's connections, so that the next send opens new ones."""
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await layer.flush()
    except Exception as error:  # noqa: BLE001  # as above; a connection that cannot be closed is gone already
        logger.debug("closing the announcer's connection failed: %r", error)
