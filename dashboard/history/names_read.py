"""The names of the history as a reading process keeps them: read again after a few seconds, or when a number turns up that is not among them."""

from dataclasses import dataclass
from time import monotonic

from django.db import connections

KEPT_S = 5.0


@dataclass(frozen=True, slots=True)
class KnownNames:
    """All names there are, by number, and of each kind in lower case."""

    read_at: float
    texts: dict[int, str]
    folded: dict[int, list[tuple[str, int]]]

    def within(self, kind: int, value: str) -> frozenset[int]:
        """The numbers of the names of that kind that have this in them."""
        return frozenset(number for text, number in self.folded.get(kind, ()) if value in text)


_known: dict[str, KnownNames] = {}


def known_names(alias: str, *, at_once: bool = False) -> KnownNames:
    """The names, at most some seconds old; `at_once`: as they are now.  Raises: the database's errors."""
    known = _known.get(alias)
    if known is None or at_once or monotonic() - known.read_at > KEPT_S:
        known = _known[alias] = _read(alias)
    return known


def forget() -> None:
    """For tests: the database is another one."""
    _known.clear()


def _read(alias: str) -> KnownNames:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT id, kind, text FROM lockhouse_historyname")
        rows = cursor.fetchall()
    folded: dict[int, list[tuple[str, int]]] = {}
    for number, kind, text in rows:
        folded.setdefault(kind, []).append((text.casefold(), number))
    return KnownNames(monotonic(), {number: text for number, _kind, text in rows}, folded)
