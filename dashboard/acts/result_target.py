"""Finds the result that an act is about, or whose value somebody asks to see, and reads it from its own source. Reads only."""

from dataclasses import dataclass

from dashboard import snapshot as snapshots
from dashboard.acts.long_keys import find_long_key
from dashboard.acts.refusals import Refused
from dashboard.acts.values import Target
from dashboard.inert import Preview
from dashboard.records import CachedResult, Snapshot
from dashboard.sources.locks import lock_id, name_of
from dashboard.sources.results import Value, place_of, read_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One look at a result's value, for people."""

    name: str
    kind: str  # Redis' type
    digest: str
    preview: Preview | None  # None: of another type than string


def result_of(result_id: str, known: Snapshot) -> CachedResult:
    """The result of that id, as the observer knows it.  Raises: Refused where it is not known."""
    found = next((result for result in known.results if result.id == result_id), None)
    if found is None:
        raise Refused("result_not_known")
    return found


def locate(result_id: str, known: Snapshot) -> Target:
    """Where that result is.  Cost: none, but a whole scan at an easy pace for a key too long to be carried.  Raises: Refused, SourceUnavailable."""
    result = result_of(result_id, known)
    place = place_of(result.cache)
    raw_key = result.raw_key or (find_long_key(place, result_id) if place else None)
    return target_at(result_id, result.cache, raw_key or b"")


def target_at(result_id: str, cache: str, raw_key: bytes) -> Target:
    """The result under that key of that cache.  Raises: Refused where the id is another's."""
    place = place_of(cache)
    if place is None or not raw_key or lock_id(cache, raw_key) != result_id:
        raise Refused("result_not_known")
    return Target(id=result_id, place=place, raw_key=raw_key, name=name_of(place, raw_key))


def read(target: Target) -> Value | None:
    """What is there now; None: gone.  Cost: one round trip.  Raises: SourceUnavailable."""
    return read_value(target.place, target.raw_key)


def looked_at(result_id: str, *, unredacted: bool) -> Looked:
    """What the result says now, its secrets hidden unless `unredacted`.  Raises: Refused where it is gone, SourceUnavailable."""
    target = locate(result_id, snapshots.newest())
    value = read(target)
    if value is None:
        raise Refused("result_gone")
    preview = value.preview(unredacted=unredacted) if value.kind == "string" else None
    return Looked(name=target.name, kind=value.kind, digest=value.digest, preview=preview)
