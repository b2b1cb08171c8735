"""The numbers of names: one writer gives them, and keeps those that it has used in memory."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from dashboard.history.rows import NAMES, Row

MAX_NAMES = 20_000  # of one kind in memory: rows of further ones are without that name
FOR_ANY = 15_000  # of these, for anybody may invent names; the rest is for those that workers answer to, know or read
HOUR_US = 3_600_000_000


class Names:
    """What the writer knows of names: their numbers, and which are new or were not seen for an hour."""

    def __init__(self) -> None:
        self._numbers: dict[int, dict[str, int]] = {kind: {"": 0} for kind in NAMES.values()}
        self._seen: dict[int, int] = {}  # number -> the hour in which it was last written as seen
        self._last = 0
        self._new: list[tuple[int, int, str, int]] = []
        self.vouched: frozenset[str] = frozenset()  # names of workers, and of the tasks and queues that they told

    def load(self, connection: BaseDatabaseWrapper) -> None:
        """Read all that are kept, those that another observer has added as well."""
        self._numbers, self._seen, self._last, self._new = {kind: {"": 0} for kind in NAMES.values()}, {}, 0, []
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, kind, text, seen_us FROM lockhouse_historyname")
            for number, kind, text, seen_us in cursor.fetchall():
                self._numbers[kind][text] = number
                self._seen[number] = seen_us // HOUR_US
                self._last = max(self._last, number)

    def number(self, kind: int, text: str, us: int) -> int:
        """The number of that name; 0 for none, and for one that there is no room for."""
        numbers = self._numbers[kind]
        number = numbers.get(text)
        if number is None:
            if len(numbers) > (MAX_NAMES if text in self.vouched else FOR_ANY):
                return 0
            self._last += 1
            number = numbers[text] = self._last
        if number and self._seen.get(number) != us // HOUR_US:
            self._seen[number] = us // HOUR_US
            self._new.append((number, kind, text, us))
        return number

    def numbered(self, rows: Iterable[Row], segment: int, us: int) -> list[tuple[Any, ...]]:
        """The rows as they are written: with the numbers of their names, and with the segment after the id."""
        task, worker, queue, lock, error = (_Kept(self, kind, us) for kind in NAMES.values())
        return [(row[0], segment, row[1], row[2], row[3], task[row[4]], worker[row[5]], queue[row[6]], lock[row[7]], error[row[8]], *row[9:]) for row in rows]

    def take_new(self) -> list[tuple[int, int, str, int]]:
        """Those to be written before the rows that have them: number, kind, text, when seen."""
        new, self._new = self._new, []
        return new

    def give_back(self, names: Sequence[tuple[int, int, str, int]]) -> None:
        """They could not be written."""
        self._new = [*names, *self._new]


class _Kept(dict[Any, int]):
    """Numbers of one kind, looked up once for a batch."""

    def __init__(self, names: Names, kind: int, us: int) -> None:
        super().__init__()
        self._names, self._kind, self._us = names, kind, us

    def __missing__(self, text: str) -> int:
        number = self[text] = self._names.number(self._kind, text, self._us)
        return number
