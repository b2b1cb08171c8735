"""What is known, as Prometheus reads it: the names of celery-exporter where the meaning is the same, so that its boards work, and ours.

No I/O: everything comes from the newest snapshot. What is not known is absent and never 0, so nothing of the watched system is told while no
observer keeps the snapshot fresh. Names that the watched system made are bounded in length and number.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from prometheus_client.exposition import choose_encoder

from dashboard.metrics.family import MAX_SERIES, Bounds, Family, gauge, labels
from dashboard.metrics.ourselves import ourselves
from dashboard.metrics.runs import runs
from dashboard.metrics.system import system
from dashboard.records import Snapshot
from dashboard.web.look import Look, look

OPENMETRICS = "application/openmetrics-text"


def rendered(snapshot: Snapshot, now: datetime, accept: str = "") -> tuple[bytes, str]:
    """The metrics in the format that `accept` asks for, and its content type."""
    content_type = _content_type(accept)
    openmetrics = content_type.startswith(OPENMETRICS)
    text = "".join(family.written(openmetrics=openmetrics) for family in _known(look(snapshot, now)))
    return (f"{text}# EOF\n" if openmetrics else text).encode(), content_type


def _content_type(accept: str) -> str:
    """What prometheus_client would answer; our names are the same under these two of its four ways to escape names."""
    _encode, content_type = choose_encoder(accept)
    return re.sub(r"escaping=(?!allow-utf-8|underscores).*", "escaping=underscores", content_type)


def _known(seen: Look) -> Iterator[Family]:
    """Every family that something is known of."""
    bounds = Bounds()
    yield from (family for family in _families(seen, bounds) if family.lines)
    dropped = [(labels(of=of), count) for of, count in bounds.left_out.items()]
    if dropped:
        yield gauge("lockhouse_series_dropped", f"Rows left out of this answer: of each kind at most {MAX_SERIES} are told.", dropped)


def _families(seen: Look, bounds: Bounds) -> Iterator[Family]:
    yield from ourselves(seen)
    if seen.is_current:
        yield from system(seen, bounds)
        yield from runs(seen)
