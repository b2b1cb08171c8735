"""Families of metrics from rows: labels are made visible and cut, what is not known is left out, and no series is told twice."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from dashboard.records import Spread
from dashboard.words import visible

MAX_SERIES = 1000  # of each kind
MAX_LABEL = 200
T = TypeVar("T")
Labels = Sequence[str]
Row = tuple[Labels, float | None]  # None: not known


class Bounds:
    """How many rows of each kind were left out."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()

    def first(self, of: str, rows: Sequence[T]) -> Sequence[T]:
        """The first MAX_SERIES rows; the others are counted."""
        self.left_out[of] = max(len(rows) - MAX_SERIES, 0)
        return rows[:MAX_SERIES]


def gauge(name: str, meaning: str, labels: Labels, rows: Iterable[Row]) -> GaugeMetricFamily:
    """What may rise and fall; of two rows with the same labels the first counts."""
    family = GaugeMetricFamily(name, meaning, labels=labels)
    known: dict[tuple[str, ...], float] = {}
    for values, number in rows:
        if number is not None:
            known.setdefault(_shown(values), number)
    for values, number in known.items():
        family.add_metric(values, number)
    return family


def counter(name: str, meaning: str, labels: Labels, rows: Iterable[Row]) -> CounterMetricFamily:
    """What only rises; `_total` is put after its name. Rows with the same labels are added up."""
    family = CounterMetricFamily(name, meaning, labels=labels)
    totals: Counter[tuple[str, ...]] = Counter()
    for values, number in rows:
        if number is not None:
            totals[_shown(values)] += number  # type: ignore[assignment]  # a Counter adds floats as well
    for values, number in totals.items():
        family.add_metric(values, number)
    return family


def histogram(name: str, meaning: str, labels: Labels, bounds: Sequence[float], rows: Iterable[tuple[Labels, Spread]]) -> HistogramMetricFamily:
    """How durations spread; where nothing was measured there is no row. Of two rows with the same labels the first counts."""
    family = HistogramMetricFamily(name, meaning, labels=labels)
    known: dict[tuple[str, ...], Spread] = {}
    for values, spread in rows:
        if spread.counts:
            known.setdefault(_shown(values), spread)
    for values, spread in known.items():
        edges = [*(str(bound) for bound in bounds), "+Inf"]
        family.add_metric(values, buckets=list(zip(edges, accumulate(spread.counts), strict=True)), sum_value=spread.total_s)
    return family


def _shown(values: Labels) -> tuple[str, ...]:
    return tuple(visible(value)[:MAX_LABEL] for value in values)
