"""Metrics of Lockhouse itself: told at all times, for they say whether the others can be believed."""

from collections import Counter
from collections.abc import Iterator

from dashboard.metrics.family import Family, counter, gauge, labels
from dashboard.web.look import Look

CONCERNS = ("overlapping", "orphaned", "overrun", "no-reader", "worker-gone", "source")  # told as 0 where there is none


def ourselves(seen: Look) -> Iterator[Family]:
    """The observer and what it receives, the sources, and how much needs attention."""
    known = seen.snapshot
    age = max((seen.now - known.at).total_seconds(), 0.0) if known.at is not None else None
    yield gauge("lockhouse_observer_up", "Whether an observer keeps what is known fresh.", [("", float(seen.is_current))])
    yield gauge("lockhouse_snapshot_age_seconds", "How old what is known is.", [("", age)])
    if not seen.is_current:
        return
    yield gauge("lockhouse_source_up", "Whether a source answers.", [(labels(source=source.name), float(source.ok)) for source in known.sources])
    concerns = {**dict.fromkeys(CONCERNS, 0), **Counter(concern.kind for concern in seen.concerns)}
    yield gauge("lockhouse_attention", "Rows of what needs attention, by kind.", [(labels(kind=kind), count) for kind, count in concerns.items()])
    if known.observer is None:
        return
    said = known.observer
    lag = said.events_lag.total_seconds() if said.events_lag is not None else None
    yield counter("lockhouse_events_received", "Events that were received since this observer leads.", [("", said.events_received)])
    yield counter("lockhouse_events_dropped", "Events that could not be taken in since this observer leads.", [("", said.events_dropped)])
    yield gauge("lockhouse_events_per_second", "Events received a second, over the last seconds.", [("", said.events_per_s)])
    yield gauge("lockhouse_events_lag_seconds", "How much later than at best events are taken in.", [("", lag)])
    yield gauge("lockhouse_observer_resident_memory_bytes", "What the observer holds in memory.", [("", said.rss_bytes)])
