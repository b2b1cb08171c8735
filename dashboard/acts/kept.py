"""What an undo needs, the token first of all: kept for 30 s in our own Redis, never in the database, a log or a page."""

import uuid
from datetime import timedelta

import msgspec
from redis.exceptions import RedisError

from dashboard import connections
from dashboard.conf import own_key
from dashboard.models import UNDO_WITHIN


class Kept(msgspec.Struct):
    """A lock as it was before its release."""

    cache: str
    raw_key: bytes
    token: bytes


def _key(act_id: uuid.UUID) -> str:
    return own_key("undo", str(act_id))


def keep(act_id: uuid.UUID, kept: Kept, within: timedelta = UNDO_WITHIN) -> bool:
    """Remember it; False where our own Redis does not answer, and then the act cannot be undone."""
    try:
        return bool(connections.own().set(_key(act_id), msgspec.msgpack.encode(kept), ex=within))
    except RedisError:
        return False


def recall(act_id: uuid.UUID) -> Kept | None:
    """What was kept; None: too late, or our own Redis does not answer, or somebody else wrote there."""
    try:
        raw = connections.own().get(_key(act_id))
        return msgspec.msgpack.decode(raw, type=Kept) if isinstance(raw, bytes) else None
    except (RedisError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def forget(act_id: uuid.UUID) -> None:
    """Drop it, when nothing was released; after an undo it expires by itself, for a second click may still ask for it."""
    try:
        connections.own().delete(_key(act_id))
    except RedisError:
        return
