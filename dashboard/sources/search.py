"""One pass over all names of a place, which says how far it has come."""

from collections.abc import Iterator
from time import monotonic

from redis import Redis
from redis.exceptions import ResponseError

from dashboard.connections import Watched
from dashboard.records import Search
from dashboard.sources.locks import available, scan_keys


class NameSearch:
    """The pass; whoever has it takes a batch when there is time.  Cost: one DBSIZE, and a SCAN for each batch."""

    def __init__(self, redis: Redis, place: Watched) -> None:
        self.began = monotonic()
        self._looked_at, self._of = 0, _keys_in(redis, place)
        self._batches: Iterator[list[bytes]] = scan_keys(redis, place)

    def batch(self) -> list[bytes] | None:
        """The next names, of which some may come twice; None: these were all.  Raises: SourceUnavailable."""
        keys = next(self._batches, None)
        self._looked_at += len(keys or ())
        return keys

    def progress(self) -> Search:
        """How far it is; never more than there were, for keys come and go meanwhile."""
        return Search(looked_at=self._looked_at if self._of is None else min(self._looked_at, self._of), of=self._of)


def _keys_in(redis: Redis, place: Watched) -> int | None:
    """How many keys its database has; None where we may not ask.  Raises: SourceUnavailable."""
    with available(f"cache {place.alias}"):
        try:
            return int(redis.dbsize())
        except ResponseError:  # refused by its rules for users
            return None
