"""What an undo needs, the token first of all: kept in our own Redis as long as it can be undone, never in the database, a log or a page."""

import base64
import uuid
from datetime import timedelta

import msgspec
from redis.exceptions import RedisError

from dashboard import connections
from dashboard.conf import own_key
from dashboard.models import UNDO_WITHIN, OperatorAct


class Kept(msgspec.Struct):
    """A lock as it was before its release; of a result its key alone."""

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


def key_recorded(act: OperatorAct) -> bytes:
    """The key that an act was about: from its record, or where its name has a secret or is very long from what is kept for its undo; empty: from neither."""
    if recorded := base64.b64decode(act.before.get("key", "")):
        return recorded
    memory = recall(act.undo_of_id or act.pk)
    return memory.raw_key if memory else b""


def forget(act_id: uuid.UUID) -> None:
    """Drop it, when nothing was released; after an undo it expires by itself, for a second click may still ask for it."""
    try:
        connections.own().delete(_key(act_id))
    except RedisError:
        return
