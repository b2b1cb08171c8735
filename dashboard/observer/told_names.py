"""The queues that senders name. Anybody may invent names, so there is room for so many, and for queues that are one for sure before all others."""

from collections.abc import Iterable, Iterator

from dashboard.records import QueueReading

MAX_NAMES = 5000


class ToldNames:
    """Names as they were told, the one told last at the end."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._real: frozenset[str] = frozenset()

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: str) -> None:
        """One more; for it that one is forgotten which was told longest ago and which nothing else speaks for."""
        self._names.pop(name, None)
        if len(self._names) >= MAX_NAMES:
            del self._names[next(self._doubtful(), next(iter(self._names)))]
        self._names[name] = None

    def _doubtful(self) -> Iterator[str]:
        return (name for name in self._names if name not in self._real)

    def saw(self, readings: Iterable[QueueReading]) -> None:
        """A queue for sure is one that has messages or readers, or that the settings name."""
        self._real = frozenset(queue.name for queue in readings if queue.ready or queue.unacked or queue.consumers or queue.is_named)

    def by_worth(self) -> list[str]:
        """What is a queue for sure first, then what was told last."""
        newest = list(reversed(self._names))
        return [*(name for name in newest if name in self._real), *(name for name in newest if name not in self._real)]
