"""What is known, as Prometheus reads it: the names of celery-exporter where the meaning is the same, so that its boards work, and ours.

No I/O: everything comes from the newest snapshot. What is not known is absent and never 0, so nothing of the watched system is told while no
observer keeps the snapshot fresh. Names that the watched system made are bounded in length and number.
"""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from dashboard.metrics.family import MAX_SERIES, Bounds, gauge
from dashboard.metrics.ourselves import ourselves
from dashboard.metrics.runs import runs
from dashboard.metrics.system import system
from dashboard.records import Snapshot
from dashboard.web.look import Look, look


def rendered(snapshot: Snapshot, now: datetime, accept: str = "") -> tuple[bytes, str]:
    """The metrics in the format that `accept` asks for, and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Known(look(snapshot, now)))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Known(Collector):
    """One look, as families of metrics."""

    def __init__(self, seen: Look) -> None:
        self._seen = seen

    def collect(self) -> Iterator[Metric]:
        """Every family that something is known of."""
        bounds = Bounds()
        yield from (family for family in self._families(bounds) if family.samples)
        dropped = [((of,), count) for of, count in bounds.left_out.items()]
        yield gauge("lockhouse_series_dropped", f"Rows left out of this answer: of each kind at most {MAX_SERIES} are told.", ("of",), dropped)

    def _families(self, bounds: Bounds) -> Iterator[Metric]:
        yield from ourselves(self._seen)
        if self._seen.is_current:
            yield from system(self._seen, bounds)
            yield from runs(self._seen)
