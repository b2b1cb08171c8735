"""Who looks through the open sockets, and whether they still may: asked again every few seconds, with one query for all of them."""

import asyncio
import logging
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

from channels.auth import get_user
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from dashboard.web import permissions

logger = logging.getLogger(__name__)

RESTARTING, TRY_AGAIN = 1012, 1013  # the page comes back by itself
LOG_IN, NOT_ALLOWED, TOO_MANY = 4401, 4403, 4429  # the page stays away

RECHECK_S = 4.0  # whoever logged out or lost a permission is out within 5 s
MAX_UNCHECKED_S = 15.0  # while the database does not answer
MAX_SOCKETS_PER_USER = 200  # in one process
MAX_VIEWS_PER_USER = 20  # different ones: each is rendered at every change, and all others wait meanwhile


@dataclass(eq=False, kw_only=True)
class Viewer:
    """Who looks through one socket, and what they were told that they may."""

    session_key: str
    user_pk: str
    permission: str  # without it there is nothing to see
    may: frozenset[str]
    view: Hashable = None  # what they look at; pages that look at the same share it
    seen: object = None  # what the database said at the last look; None: never looked
    dismissed: "asyncio.Future[int | None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def dismiss(self, code: int) -> None:
        """Have the socket closed with this code."""
        if not self.dismissed.done():
            self.dismissed.set_result(code)


class Watch:
    """Works while there are viewers; who may look no longer is dismissed."""

    def __init__(self) -> None:
        self._viewers: set[Viewer] = set()
        self._task: asyncio.Task[None] | None = None
        self._checked_at = 0.0  # by the loop's clock

    def has_room_for(self, user_pk: str) -> bool:
        """Whether this user may open one more socket."""
        return sum(viewer.user_pk == user_pk for viewer in self._viewers) < MAX_SOCKETS_PER_USER

    def has_room_for_view(self, viewer: Viewer) -> bool:
        """Whether this user may look at what this socket shows, besides what the user's others show."""
        views = {other.view for other in self._viewers if other.user_pk == viewer.user_pk}
        return viewer.view in views or len(views) < MAX_VIEWS_PER_USER

    def add(self, viewer: Viewer) -> None:
        """Keep an eye on this one."""
        self._viewers.add(viewer)
        if self._task is None:
            self._checked_at = asyncio.get_running_loop().time()
            self._task = asyncio.create_task(self._run())

    def remove(self, viewer: Viewer) -> None:
        """The socket is closed."""
        self._viewers.discard(viewer)

    async def _run(self) -> None:
        try:
            while self._viewers:
                await asyncio.sleep(RECHECK_S)
                await self._check()
        finally:
            self._task = None

    async def _check(self) -> None:
        viewers, now = tuple(self._viewers), asyncio.get_running_loop().time()
        try:
            await _check_all(viewers)
            self._checked_at = now
        except Exception:  # whatever it is: without an answer nobody looks on for long
            logger.exception("whether %s viewers may still look could not be asked", len(viewers))
            if now - self._checked_at > MAX_UNCHECKED_S:
                for viewer in viewers:
                    viewer.dismiss(TRY_AGAIN)


async def _check_all(viewers: Sequence[Viewer]) -> None:
    """Look whom something changed for, and examine only them."""
    said = await _what_is_said_of(viewers) if _one_query_tells() else {}
    standings: dict[str, Any] = {}
    for viewer in viewers:
        seen = said.get(viewer)
        if seen is not None and seen == viewer.seen:
            continue
        if viewer.session_key not in standings:
            standings[viewer.session_key] = await _standing(viewer.session_key)
        viewer.seen = seen
        if (code := _code(viewer, *standings[viewer.session_key])) is not None:
            viewer.dismiss(code)


async def _standing(session_key: str) -> tuple[str | None, frozenset[str]]:
    """Who is logged in by that session now, and what of ours they may."""
    scope: Any = {"session": import_module(settings.SESSION_ENGINE).SessionStore(session_key)}
    user = await get_user(scope)
    return (str(user.pk), await permissions_of(user)) if user.is_authenticated else (None, frozenset())


def _code(viewer: Viewer, user_pk: str | None, may: frozenset[str]) -> int | None:
    if user_pk != viewer.user_pk:
        return LOG_IN
    if viewer.permission not in may:
        return NOT_ALLOWED
    return None if may == viewer.may else RESTARTING  # it comes back at once, and sees what it may see now


@database_sync_to_async
def permissions_of(user: Any) -> frozenset[str]:
    """Those of our own, since they are all that a panel may depend on."""
    return permissions.permissions_of(user)


def _one_query_tells() -> bool:
    """Whether sessions and permissions live in tables that we know; else every viewer is examined by Django's own means each time."""
    return settings.SESSION_ENGINE in {"django.contrib.sessions.backends.db", "django.contrib.sessions.backends.cached_db"} and list(
        settings.AUTHENTICATION_BACKENDS
    ) == ["django.contrib.auth.backends.ModelBackend"]


@database_sync_to_async
def _what_is_said_of(viewers: Sequence[Viewer]) -> dict[Viewer, object]:
    """Everything in the database that decides over each viewer, to be compared with the last time.  Cost: one query."""
    said: dict[tuple[str, str], set[str | None]] = {}
    for kind, whom, what in _statement({viewer.session_key for viewer in viewers}, {viewer.user_pk for viewer in viewers}):
        said.setdefault((kind, whom), set()).add(what)
    return {viewer: (_of(said, "session", viewer.session_key), *(_of(said, kind, viewer.user_pk) for kind in ("user", "own", "group"))) for viewer in viewers}


def _of(said: dict[tuple[str, str], set[str | None]], kind: str, whom: str) -> frozenset[str | None]:
    return frozenset(said.get((kind, whom), ()))


def _statement(session_keys: Iterable[str], user_pks: Iterable[str]) -> QuerySet[Any, tuple[str, str, str | None]]:
    """(kind, whom it is about, what it says): living sessions; password and state of users; permissions of their own; of their groups."""
    from django.contrib.sessions.models import Session  # not every project that this is mounted in keeps sessions in the database

    text = CharField()
    users = get_user_model()._default_manager.filter(pk__in=tuple(user_pks)).annotate(about=Cast("pk", text))
    state = Concat("password", Value("|"), Cast("is_active", text), Value("|"), Cast("is_superuser", text), output_field=text)
    sessions = Session.objects.filter(session_key__in=tuple(session_keys), expire_date__gt=timezone.now())
    rows = sessions.annotate(kind=Value("session"), about=F("session_key"), what=Value("alive")).values_list("kind", "about", "what")
    parts = {"user": state, "own": Cast("user_permissions__pk", text), "group": Cast("groups__permissions__pk", text)}
    also = [users.annotate(kind=Value(kind), what=what).values_list("kind", "about", "what") for kind, what in parts.items()]
    return rows.union(*also, all=True)


_WATCHES: WeakKeyDictionary[asyncio.AbstractEventLoop, Watch] = WeakKeyDictionary()


def watch() -> Watch:
    """The watch of the running loop, which is the process's only one."""
    return _WATCHES.setdefault(asyncio.get_running_loop(), Watch())
