r"""Families of metrics as lines of text: labels are made visible and cut, what is not known is left out, and no series is told twice.

The lines are written here and not by prometheus_client, whose encoder looks at every label's name and value again on every line: 1,000 queues and
1,000 tasks took it 1.2 s. Names of families and labels are our own words and need no escaping.
Source: https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/specs/om/open_metrics_spec/ (what differs is in `Family`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TypeVar

from prometheus_client.utils import floatToGoString

from dashboard.records import Spread
from dashboard.words import visible

MAX_SERIES = 1000  # of each kind
MAX_LABEL = 200
T = TypeVar("T")
Row = tuple[str, float | None]  # a series' labels as `labels` writes them, and its number; None: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric with all its series."""

    name: str
    kind: str  # "counter", "gauge" or "histogram"
    meaning: str
    lines: Sequence[str]  # a sample each, the same in both formats

    def written(self, *, openmetrics: bool) -> str:
        r"""The family as text; OpenMetrics has a counter's name without `_total` in its head, and `\"` for the quotes in its meaning."""
        name = self.name if openmetrics or self.kind != "counter" else f"{self.name}_total"
        meaning = self.meaning.replace("\\", r"\\").replace("\n", r"\n")
        meaning = meaning.replace('"', r"\"") if openmetrics else meaning
        return f"# HELP {name} {meaning}\n# TYPE {name} {self.kind}\n{''.join(self.lines)}"


class Bounds:
    """How many rows of each kind were left out."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()

    def first(self, of: str, rows: Sequence[T]) -> Sequence[T]:
        """The first MAX_SERIES rows; the others are counted."""
        self.left_out[of] = max(len(rows) - MAX_SERIES, 0)
        return rows[:MAX_SERIES]


def labels(**values: str) -> str:
    """A series' labels as its lines have them, written once for all of its families: cheap to compare, to add up and to repeat."""
    return ",".join([f'{name}="{_shown(value)}"' for name, value in values.items()])


def _shown(value: str) -> str:
    return visible(value[:MAX_LABEL])[:MAX_LABEL].replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def gauge(name: str, meaning: str, rows: Iterable[Row]) -> Family:
    """What may rise and fall; of two rows with the same labels the first counts."""
    known: dict[str, float] = {}
    for of, number in rows:
        if number is not None:
            known.setdefault(of, number)
    return Family(name=name, kind="gauge", meaning=meaning, lines=_samples(name, known.items()))


def counter(name: str, meaning: str, rows: Iterable[Row]) -> Family:
    """What only rises; `_total` is put after its name. Rows with the same labels are added up."""
    totals: dict[str, float] = {}
    for of, number in rows:
        if number is not None:
            totals[of] = totals.get(of, 0) + number
    return Family(name=name, kind="counter", meaning=meaning, lines=_samples(f"{name}_total", totals.items()))


def histogram(name: str, meaning: str, bounds: Sequence[float], rows: Iterable[tuple[str, Spread]]) -> Family:
    """How durations spread; where nothing was measured there is no row. Of two rows with the same labels the first counts."""
    known: dict[str, Spread] = {}
    for of, spread in rows:
        if spread.counts:
            known.setdefault(of, spread)
    edges = [f'le="{edge}"' for edge in (*bounds, "+Inf")]
    lines = [line for of, spread in known.items() for line in _spread(name, of, edges, spread)]
    return Family(name=name, kind="histogram", meaning=meaning, lines=lines)


def _samples(name: str, known: Iterable[tuple[str, float]]) -> list[str]:
    return [f"{name}{{{of}}} {_number(number)}\n" if of else f"{name} {_number(number)}\n" for of, number in known]


def _spread(name: str, of: str, edges: Sequence[str], spread: Spread) -> Iterator[str]:
    """A line for each edge with all that is below it, then how many there are and their sum."""
    head = f"{name}_bucket{{{of}," if of else f"{name}_bucket{{"
    reached = list(accumulate(spread.counts))
    for edge, count in zip(edges, reached, strict=True):
        yield f"{head}{edge}}} {_number(count)}\n"
    yield from _samples(f"{name}_count", [(of, reached[-1])])
    yield from _samples(f"{name}_sum", [(of, spread.total_s)])


@lru_cache(maxsize=4096)
def _number(value: float) -> str:
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]  # the library leaves it without types
    return text
