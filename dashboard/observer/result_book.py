"""What the observer remembers of results beside what they are now: since when, when written, and when and how they went."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from dashboard.observer.observations import ResultsRead
from dashboard.records import CachedResult, ResultCount

SAME_WITHIN = timedelta(seconds=1)  # a deadline read twice differs by the time that the reads took
KEPT = timedelta(hours=1)  # of one that is gone
MAX_GONE = 500


class ResultBook:
    """By cache and id; one that is gone stays for a while, so that a page can say when it expired."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, CachedResult]] = {}
        self._counts: dict[str, ResultCount] = {}

    def restore(self, results: Iterable[CachedResult], counts: Iterable[ResultCount]) -> None:
        """Go on from what the observer before knew."""
        for result in results:
            self._known.setdefault(result.cache, {})[result.id] = result
        self._counts = {count.cache: count for count in counts}

    def read(self, seen: ResultsRead) -> bool:
        """Take in one look at a cache; False where it changed nothing."""
        before = self._known.get(seen.cache, {})
        after = {result.id: merged(before.get(result.id), result, seen.at) for result in seen.results}
        lost = {one.id: _gone(one, seen.at) for one in before.values() if one.id not in after}
        after |= {one.id: one for one in lost.values() if one.gone_at is not None and one.first_seen_at is not None and seen.at - one.gone_at < KEPT}
        count = ResultCount(cache=seen.cache, total=seen.total, scanned=seen.scanned)
        is_same = after == before and self._counts.get(seen.cache) == count
        self._known[seen.cache], self._counts[seen.cache] = _without_oldest(after), count
        return not is_same

    @property
    def results(self) -> tuple[CachedResult, ...]:
        """All that are known, in the order in which they were met."""
        return tuple(result for known in self._known.values() for result in known.values())

    @property
    def counts(self) -> tuple[ResultCount, ...]:
        """How many there really are in each cache."""
        return tuple(self._counts.values())


def merged(old: CachedResult | None, new: CachedResult, at: datetime) -> CachedResult:
    """The newest reading with what was known before."""
    if new.gone_at is not None:
        return new if old is None else _gone(old, at)
    if old is None:
        return new
    if old.gone_at is not None:
        return replace(new, written_at=at)
    is_same_deadline = _is_same(old.expires_at, new.expires_at)
    is_rewritten = old.payload_bytes != new.payload_bytes or (new.expires_at is not None and not is_same_deadline) or old.state != new.state
    return replace(
        new,
        first_seen_at=old.first_seen_at,
        written_at=at if is_rewritten else old.written_at,
        expires_at=old.expires_at if is_same_deadline else new.expires_at,
    )


def _is_same(old: datetime | None, new: datetime | None) -> bool:
    return old == new if old is None or new is None else abs(old - new) <= SAME_WITHIN


def _gone(one: CachedResult, at: datetime) -> CachedResult:
    """It is no longer there: it expired if its time was over, else somebody deleted it."""
    if one.gone_at is not None:
        return one
    has_expired = one.expires_at is not None and one.expires_at <= at + SAME_WITHIN
    gone_at = min(one.expires_at, at) if has_expired and one.expires_at else at
    return replace(one, gone_at=gone_at, end="expired" if has_expired else "deleted", payload_bytes=None)


def _without_oldest(known: dict[str, CachedResult]) -> dict[str, CachedResult]:
    gone = sorted([(one.gone_at, one.id) for one in known.values() if one.gone_at is not None], reverse=True)
    drop = {identity for _, identity in gone[MAX_GONE:]}
    return {key: one for key, one in known.items() if key not in drop} if drop else known
