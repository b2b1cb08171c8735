"""One hub per web process: it hears what changed, renders what is followed once for all, and tells a socket what it has not seen yet.

It renders in a thread of its own, reads the snapshot there, and never touches the database: a socket brings its permissions.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import channel_layers
from django.utils import translation

from dashboard import snapshot as snapshots
from dashboard.records import Snapshot
from dashboard.web.hearing import end, hear
from dashboard.web.panel import Panel, Piece

logger = logging.getLogger(__name__)

SHORT_S, LONGEST_REST_S = 0.05, 0.5  # a round of rendering after which it goes on at once, and how long it rests at most after a longer one
TICK_S = 1.0  # verdicts and staleness change with time alone
KEPT_VERSIONS = 8  # a socket that is further behind gets everything

Pieces = Mapping[str, Piece]  # by id, in the order of the page


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What a rendering depends on; only those who agree in all of it may share one."""

    name: str
    panel: Panel = field(compare=False)
    query: tuple[tuple[str, str], ...] = ()
    may: frozenset[str] = frozenset()
    language: str = "en"


class View:
    """The newest pieces of one key, with the versions before it that a socket may still show."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.version = 0  # 0: not rendered yet
        self.is_broken = False  # the panel raised: what followers show can no longer be called current
        self.followers = 0
        self._pieces: Pieces = {}
        self._before: dict[int, Pieces] = {}
        self._messages: dict[int, str] = {}
        self._moved = asyncio.Event()

    def publish(self, pieces: Sequence[Piece]) -> None:
        """Make these the newest; nothing happens if they equal what is shown."""
        old = self._pieces
        new = {piece.id: old[piece.id] if old.get(piece.id) == piece else piece for piece in pieces}  # equal ones are kept once
        if self.version and new == old and order_of(new) == order_of(old):
            return
        self._before[self.version] = old
        self._before.pop(self.version - KEPT_VERSIONS, None)
        self._pieces, self._messages = new, {}
        self.version += 1
        self._wake_followers()

    def give_up(self) -> None:
        """Tell the followers that this cannot be rendered."""
        self.is_broken = True
        self._wake_followers()

    async def newer_than(self, version: int) -> None:
        """Wait until there is something else than this version."""
        while self.version == version and not self.is_broken:
            await self._moved.wait()

    def message_since(self, version: int) -> str:
        """What turns that version into the newest one, as JSON; made once for all who ask. Version 0 stands for whatever the page shows."""
        if version not in self._messages:
            old = self._pieces if version == self.version else self._before.get(version)
            content = full(self._pieces) if version == 0 or old is None else delta(old, self._pieces)
            self._messages[version] = json.dumps({"v": self.version, **content}, separators=(",", ":"))
        return self._messages[version]

    def _wake_followers(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


def full(pieces: Pieces) -> dict[str, Any]:
    """The message for a page of which nothing is known: what it does not name is gone."""
    return {"full": True, "changed": [[piece.id, piece.html, piece.within] for piece in pieces.values()], "order": order_of(pieces), "gone": []}


def delta(old: Pieces, new: Pieces) -> dict[str, Any]:
    """What changed from `old` to `new`; `order` has only the lists whose members or order changed, emptied ones too."""
    before, after = order_of(old), order_of(new)
    order = {name: after.get(name, []) for name in {**before, **after} if before.get(name, []) != after.get(name, [])}
    changed = [[piece.id, piece.html, piece.within] for piece in new.values() if old.get(piece.id) != piece]
    return {"changed": changed, **({"order": order} if order else {}), "gone": [name for name in old if name not in new]}


def order_of(pieces: Pieces) -> dict[str, list[str]]:
    """The ids in each list."""
    lists: dict[str, list[str]] = {}
    for piece in pieces.values():
        if piece.within is not None:
            lists.setdefault(piece.within, []).append(piece.id)
    return lists


class Hub:
    """Works while somebody follows a view: listens, reads, renders."""

    def __init__(self, read: Callable[[], Snapshot] = snapshots.newest, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._read = read
        self._clock = clock
        self._views: dict[Key, View] = {}
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._is_all_due = True
        self._rendered_at = 0.0  # by the loop's clock
        self._layer: Any = None

    def follow(self, key: Key) -> View:
        """The view of that key, to be given back to `leave`; it has been rendered, or will be at once."""
        view = self._views.get(key)
        if view is None or view.is_broken:
            view = self._views[key] = View(key)
            self._wake.set()
        view.followers += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return view

    def leave(self, view: View) -> None:
        """Follow it no longer; the last one ends the work."""
        view.followers -= 1
        if not view.followers and self._views.get(view.key) is view:
            del self._views[view.key]
            self._wake.set()

    def refresh(self) -> None:
        """Render everything again as soon as possible: something changed."""
        self._is_all_due = True
        self._wake.set()

    async def _run(self) -> None:
        try:
            while self._views:  # looked at again after the work was put away: somebody may have come meanwhile
                await self._work()
        except Exception:  # nothing is rendered any more, so nobody may go on believing it
            logger.exception("the hub stopped")
            for view in self._views.values():
                view.give_up()
        finally:
            self._task = None

    async def _work(self) -> None:
        self._layer = self._layer or channel_layers.make_backend("default")  # our own: hanging up must not touch what others here listen to
        listening = asyncio.create_task(hear(self._layer, self.refresh))
        thread = ThreadPoolExecutor(1, thread_name_prefix="lockhouse-hub")
        try:
            while self._views:
                began = asyncio.get_running_loop().time()
                await self._render(thread)
                took = asyncio.get_running_loop().time() - began
                if took > SHORT_S:  # many different pages are open: half of the processor is for those who ask for one
                    await asyncio.sleep(min(took, LONGEST_REST_S))
                await self._wait()
        finally:
            thread.shutdown(wait=False)
            await end(listening)

    async def _wait(self) -> None:
        """Until something is to be done; TICK_S after everything was rendered, it is again."""
        left = self._rendered_at + TICK_S - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(max(left, 0)):  # never wait_for: see hearing.py
                await self._wake.wait()
        except TimeoutError:
            self._is_all_due = True
        self._wake.clear()

    async def _render(self, thread: ThreadPoolExecutor) -> None:
        everything, self._is_all_due = self._is_all_due, False
        due = [view for view in self._views.values() if not view.is_broken and (everything or not view.version)]
        loop = asyncio.get_running_loop()
        if everything:
            self._rendered_at = loop.time()
        if not due:
            return
        snapshot, now = await loop.run_in_executor(thread, self._read), self._clock()
        for view in due:
            try:
                view.publish(await loop.run_in_executor(thread, _pieces, view.key, snapshot, now))
            except Exception:  # a panel's bug must not stop the other panels; its followers are told
                logger.exception("the panel %s cannot be rendered", view.key.name)
                view.give_up()


def _pieces(key: Key, snapshot: Snapshot, now: datetime) -> list[Piece]:
    with translation.override(key.language):
        return key.panel.pieces(snapshot, dict(key.query), key.may, now)


_HUBS: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running loop, which is the process's only one."""
    return _HUBS.setdefault(asyncio.get_running_loop(), Hub())
