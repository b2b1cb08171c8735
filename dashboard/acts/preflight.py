"""Will this run? Asked with what this installation knows: the newest snapshot, the settings, the tasks that this process has. Reads nothing else."""

from datetime import UTC, datetime, timedelta

from dashboard import snapshot as snapshots
from dashboard.conf import conf, policy
from dashboard.judge.preflight import Preflight, preflight
from dashboard.records import Sending, Signature, Snapshot, Transport
from dashboard.sources.queue_names import Layout
from dashboard.sources.signatures import registered_names, signature_of

__all__ = ["layout", "look", "registered_names", "signature_of"]
MAX_TIMEOUT_S = 10**9


def layout() -> Layout:
    """How the watched system's transport names its keys."""
    return Layout.of(conf().BROKER_TRANSPORT_OPTIONS)


def transport() -> Transport:
    """What the settings say of the watched system's transport."""
    said = conf().BROKER_TRANSPORT_OPTIONS.get("visibility_timeout")
    timeout = timedelta(seconds=said) if isinstance(said, (int, float)) and 0 < said < MAX_TIMEOUT_S else None
    return Transport(priority_steps=tuple(layout().steps), visibility_timeout=timeout)


def look(sending: Sending, known: Snapshot | None = None, now: datetime | None = None) -> Preflight:
    """What would become of this message, sent now.  Cost: none on the watched system."""
    signature: Signature | None = signature_of(sending.task)
    return preflight(known or snapshots.newest(), policy(), sending, now=now or datetime.now(UTC), signature=signature, transport=transport())
