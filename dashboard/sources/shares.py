"""Whose a key is where several places share a database: each is looked at in one of them alone, so that no lock is listed twice."""

from collections.abc import Sequence

from dashboard.connections import Watched
from dashboard.redis_urls import database_of


class Share:
    """One place's part of the keys of its database. A key is the place's with the longest prefix that it has; one with nobody's is the first one's."""

    def __init__(self, place: Watched, places: Sequence[Watched]) -> None:
        sharing = [one for one in places if database_of(one.url) == database_of(place.url)] or [place]
        self._place, self._first = place, sharing[0]
        self._by_prefix = sorted(sharing, key=lambda one: -len(one.prefix))

    def has(self, key: bytes) -> bool:
        """Whether the key is looked at in this place."""
        return next((one for one in self._by_prefix if key.startswith(one.prefix)), self._first) == self._place

    @property
    def has_bare(self) -> bool:
        """Whether keys with nobody's prefix are."""
        return self.has(b"")
