"""Finds a key that is too long for a snapshot by its id: at an easy pace, not for ever, and once for a plan and what follows it. Reads only."""

import threading
import time

from redis.exceptions import RedisError

from dashboard import connections
from dashboard.conf import own_key
from dashboard.connections import Watched
from dashboard.exceptions import SourceUnavailable
from dashboard.sources.locks import find_raw_key, lock_id

PAUSE_S = 0.001  # after each batch, which takes Redis about 0.1 ms: others have it nine tenths of the time
PATIENCE_S = 30.0
REMEMBERED_S = 120  # a plan lasts a minute, and its answer is looked at after that
_one_at_a_time = threading.Lock()  # whoever opens the page again and again waits for the first, and then finds it remembered


def find_long_key(place: Watched, wanted_id: str) -> bytes | None:
    """The key itself; None: it is not there.  Cost: one command to our own Redis, else a whole pass over that database.  Raises: SourceUnavailable."""
    with _one_at_a_time:
        if remembered := _recall(place, wanted_id):
            return remembered
        found = find_raw_key(connections.look(place), place, wanted_id, _Pace(place))
        if found is not None:
            _remember(wanted_id, found)
        return found


class _Pace:
    """Waits between two batches; ends a pass that takes too long for somebody who waits for a page.  Raises: SourceUnavailable."""

    def __init__(self, place: Watched) -> None:
        self._place, self._until = place, time.monotonic() + PATIENCE_S

    def __call__(self) -> None:
        time.sleep(PAUSE_S)
        if time.monotonic() > self._until:
            raise SourceUnavailable(f"cache {self._place.alias}", f"has so many names that a very long one was not found within {PATIENCE_S:.0f} s")


def _key(wanted_id: str) -> str:
    return own_key("long-key", wanted_id)


def _recall(place: Watched, wanted_id: str) -> bytes | None:
    try:
        found = connections.own().get(_key(wanted_id))
    except RedisError:
        return None
    return found if isinstance(found, bytes) and lock_id(place.alias, found) == wanted_id else None


def _remember(wanted_id: str, raw_key: bytes) -> None:
    try:
        connections.own().set(_key(wanted_id), raw_key, ex=REMEMBERED_S)
    except RedisError:  # then it is looked for again
        return
